"""README and the documentation name what there is, and link to it. Configs and benchmarks run, shortened."""

import re

import pytest

import nst_keras
from nst_keras import run, settings
from nst_keras.networks import architectures
from tests.conftest import ROOT
from tests.integration import documents
from tools.pages import flag_lists

DOCS = documents.DOCS
README = (ROOT / "README.md").read_text()
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))
PRESETS = sorted((ROOT / "nst_keras" / "presets").glob("*.flags"))

SITE = "https://nst-keras.github.io/nst_keras/"
FILES = re.compile(
    r"https://(?:github\.com/nst-keras/nst_keras/(?:blob|tree|raw)|raw\.githubusercontent\.com/nst-keras/nst_keras)/main/"
)


def page(name):
    return (DOCS / name).read_text()


def text_of_guide():
    return "\n".join(
        path.read_text() for folder in ("guide", "method") for path in sorted((DOCS / folder).glob("*.md"))
    )


def shown(text):
    """A page without comments and blocks."""
    return re.sub(r"<!--.*?-->|^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def links(text):
    """The targets of a page's links and pictures."""
    prose = shown(text)
    return re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'\b(?:src|href)="([^"]+)"', prose)


def slugs(text):
    """The anchors of a page: those of its headings, as Markdown makes them, and those that it names."""
    text = re.sub(
        r'^--8<-- "(.*)"$', lambda match: (ROOT / match[1].split(":")[0]).read_text(), text, flags=re.MULTILINE
    )
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain} | set(re.findall(r"\{ ?#(\S+)", text))


def missing(target, path):
    """What a link to this project lacks, in words; "" for a good one. Others' sites are not asked."""
    address, _, anchor = target.partition("#")
    if address.startswith(SITE):
        name = address.removeprefix(SITE).strip("/")
        pages = [DOCS / f"{name}.md", DOCS / name / "index.md", DOCS / name]
        found = next((one for one in pages if one.is_file()), None)
    elif FILES.match(address):
        found = ROOT / FILES.sub("", address)
    elif "://" in address or address.startswith("mailto:"):
        return ""
    else:
        found = path.parent / address if address else path
    if found is None or not found.exists():
        return f"{target}: there is no such file"
    is_bad = (
        anchor and found.suffix == ".md" and "reference" not in found.parts and anchor not in slugs(found.read_text())
    )
    return f"{target}: there is no such heading" if is_bad else ""


@pytest.mark.parametrize(
    "path",
    [*documents.PATHS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_links_lead_somewhere(path):
    assert [lack for target in links(path.read_text()) if (lack := missing(target, path))] == []


def test_a_link_that_leads_nowhere_is_found():
    here = ROOT / "README.md"
    assert missing(f"{SITE}guide/none/", here) == f"{SITE}guide/none/: there is no such file"
    assert missing("docs/faq.md#none", here) == "docs/faq.md#none: there is no such heading"
    assert missing(f"{SITE}faq/#the-colours-are-wrong", here) == missing("https://example.com/none", here) == ""


def test_readme_begins_with_a_picture_and_has_the_test_command():
    assert README.index("![") < README.index("```bash")
    assert 'pip install -e ".[test]" && python -m pytest -n 2' in README.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_configs(folder, config):
    assert run.main(documents.shortened([f"--flagfile={config}"])) == 0
    written = re.findall(r"^--(?:output|animation)=(.*)$", config.read_text(), re.MULTILINE)
    stem = written[0].partition(".")[0]
    assert all((folder / name).exists() for name in (*written, f"{stem}.flags", f"{stem}.json"))


def test_every_picture_of_the_gallery_is_shown():
    named = set(re.findall(r"\]\(\.\./gallery/([\w/]+\.jpg)\)", shown(text_of_guide())))
    made = {path.relative_to(DOCS / "gallery").as_posix() for path in (DOCS / "gallery").rglob("*.jpg")}
    assert made - named == set()


def test_every_preset_and_config_has_its_place():
    assert [path.stem for path in [*PRESETS, *CONFIGS] if f"| `{path.stem}` |" not in page("guide/presets.md")] == []


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_the_documented_layers(name):
    rows = page("method/layers.md").splitlines()
    row = next(line for line in rows if re.match(rf"\| .*`{name}`.*mixed0|\| .*`{name}`.*block1", line))
    for layers in (architectures.ARCHITECTURES[name].style_layers, architectures.ARCHITECTURES[name].content_layers):
        written = re.findall(r"`(\w+)`", row)
        assert {layers[0], layers[-1]} <= set(written) if "…" in row else set(layers) <= set(written)


def test_the_house_has_every_module_and_no_other():
    """Row by row: the room, and the modules in it."""
    section = page("developers/house.md").partition("## Around the package")[0]
    for rooms, words in re.findall(r"^\| (`.*?`) \| (.*) \|$", section, re.MULTILINE):
        places = [ROOT / "nst_keras" / room for room in re.findall(r"`(.*?)`", rooms)]
        assert all(place.exists() for place in places)
        modules = {path.stem for place in places if place.is_dir() for path in place.iterdir()}
        named = re.findall(r"`(\w+)/?`", words)
        assert set(named) - {"NeuralStyleTransfer"} <= modules
        own = {place.stem for folder in places if folder.is_dir() for place in folder.glob("*.py")}
        assert own - {"__init__"} <= set(named)
    left_out = {path.name for path in (ROOT / "nst_keras").iterdir() if path.suffix != ".typed"} - set(
        re.findall(r"`(\w+(?:\.py)?)/?`", section)
    )
    assert left_out <= {"__init__.py", "__pycache__"}


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_has_its_place(path):
    assert f"`{path.name}`" in page("developers/benchmarks.md")


def test_the_guide_names_every_control():
    """Those of how a picture is made; `verbose` and its like are Keras's, and are told by their docstrings."""
    text = text_of_guide()
    names = [field.name for field in settings.fields(settings.TransferSettings)]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_the_reference_has_every_flag_and_every_public_name():
    text = page("reference/flags.md")
    assert re.findall(r"^flags: (.*)$", text, re.MULTILINE) == flag_lists.titles()
    flags = "\n".join(map(flag_lists.flag_list, flag_lists.titles()))
    names = [field.name for field in settings.fields(settings.JobSettings) if settings.declared(field).has_flag]
    assert [name for name in names if f"`--{name}`{{ #{name} }}" not in flags] == []
    reference = "\n".join(path.read_text() for path in sorted((DOCS / "reference").glob("*.md")))
    assert [name for name in nst_keras.__all__ if not re.search(rf"`(?:nst_keras\.)?{name}\b", reference)] == []
