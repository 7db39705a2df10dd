"""The examples in CONTRIBUTING.md run as they stand, and its commands are those of the project."""

import re
from unittest import mock

import pytest

from nst_keras import optimizers
from nst_keras.losses import statistics
from nst_keras.networks import architectures
from tests.conftest import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
SECTIONS = {
    title: re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for title, text in re.findall(r"^## (Add .*?)\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
}
# What a block prints. Those that make a run print its progress.
PRINTED = {"Add an option": "FrameSettings(frame_interval=1, frames_dir=None, every_other=True)"}
EXAMPLES = [
    pytest.param(block, PRINTED.get(title, "step 2/2"), id=title)
    for title, blocks in SECTIONS.items()
    for block in blocks
]


def test_every_kind_of_part_has_a_section():
    parts = ["a style statistic", "an optimizer", "a network", "a preset", "an option"]
    assert list(SECTIONS) == [f"Add {part}" for part in parts]


@pytest.mark.slow
@pytest.mark.parametrize(("example", "printed"), EXAMPLES)
@mock.patch.dict(statistics.STATISTICS)
@mock.patch.dict(optimizers.OPTIMIZERS)
@mock.patch.dict(architectures.ARCHITECTURES)
def test_examples_run(example, printed, capfd):
    assert sum(bool(line.strip()) for line in example.splitlines()) < 20
    exec(example, {})
    assert printed in capfd.readouterr().out


def test_commands_are_those_of_readme_and_of_continuous_integration():
    (set_up, check) = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
    assert len(set_up.splitlines()) == 2
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    tests = next(command for command in check.splitlines() if command.endswith("# all tests"))
    assert tests.partition("  ")[0] in readme
    (linters,) = (command for command in check.splitlines() if "&&" in command)
    assert linters.split(" && ") == [line for line in map(str.strip, ci.splitlines()) if line in linters.split(" && ")]


def test_the_registries_are_as_they_were():
    assert {"channel_means", "sign", "shallow"}.isdisjoint(
        [*statistics.STATISTICS, *optimizers.OPTIMIZERS, *architectures.ARCHITECTURES]
    )
