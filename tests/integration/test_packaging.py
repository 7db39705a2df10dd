"""What is handed on holds what it must: the source distribution all that tests it, the wheel the package alone."""

import email
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

import nst_keras
from tests.conftest import ROOT

FOLDERS = (".ci", ".github", "benchmarks", "configs", "docs", "notebooks", "nst_keras", "tests", "tools", "training")
FILES = ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml")
BUILT = ("__pycache__", ".ipynb_checkpoints", "_build")
# PEP 517: what pip and build call, without the fresh environment that needs a network.
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def build(kind, source, folder):
    """Builds the distribution of a source tree, and returns its file."""
    folder.mkdir()
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Deprecat" not in done.stdout + done.stderr
    (made,) = folder.iterdir()
    return made


def files_in(root, *folders):
    """The files in folders of a tree, as names with slashes, without what was built there."""
    paths = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix() for path in paths if not set(BUILT) & set(path.parts)}


def check_metadata(text):
    metadata = email.message_from_string(text)
    assert metadata["Version"] == nst_keras.__version__
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-4.0"
    assert "# nst_keras" in metadata.get_payload()
    links = dict(link.split(", ") for link in metadata.get_all("Project-URL"))
    assert links.keys() >= {"Source", "Documentation", "Changelog", "Issues"}
    versions = re.findall(r"^Classifier: Programming Language :: Python :: (3\.\d+)$", text, re.MULTILINE)
    assert versions == re.findall(r'"(3\.\d+)"', (ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert metadata["Requires-Python"] == f">={versions[0]}"


def check_own_tests(root):
    """Runs some tests of an unpacked source distribution, which find the package beside them."""
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    program += ["tests/test_checks.py", "tests/images/test_digests.py", "tests/images/test_folders.py"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = "import nst_keras; print(nst_keras.__file__)"
    found = subprocess.check_output([sys.executable, "-c", where], cwd=root, env=environment, text=True)
    assert pathlib.Path(found.strip()).is_relative_to(root)
    done = subprocess.run(program, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_distributions_hold_what_they_must(tmp_path):
    source = tmp_path / "source"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns(*BUILT))
    for name in (*FILES, "setup.cfg", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, source)
    (source / "tests" / "__pycache__").mkdir()
    (source / "tests" / "__pycache__" / "old.pyc").touch()
    with tarfile.open(build("sdist", source, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (root,) = (tmp_path / "unpacked").iterdir()
    assert files_in(root, *FOLDERS) == files_in(source, *FOLDERS)
    assert all((root / name).is_file() for name in FILES)
    assert not list(root.rglob("*.pyc"))
    with zipfile.ZipFile(build("wheel", root, tmp_path / "wheel")) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith("dist-info/METADATA"))
        check_metadata(archive.read(metadata).decode())
    assert {name for name in names if ".dist-info/" not in name} == files_in(source, "nst_keras")
    shutil.rmtree(root / "build")
    check_own_tests(root)
