"""The rooms of hostile files: the programs do what they say, and a short run of the long one."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fuzz import corpus, misbehaving, mutations


def test_the_corpus_is_the_same_each_time_and_small():
    files = corpus.pictures()
    assert len(files) > 400
    assert {name.rpartition(".")[2] for name in files} >= {"png", "jpg", "webp", "tif", "bmp", "gif"}
    assert sum(map(len, files.values())) < 20e6
    assert dict(corpus.pictures.__wrapped__()) == dict(files)


def test_a_mutant_is_decided_by_its_seed():
    data, others = bytes(range(256)) * 4, [b"abcdefgh" * 9]
    mutants = [mutations.mutant(data, seed, others) for seed in range(200)]
    assert mutants == [mutations.mutant(data, seed, others) for seed in range(200)]
    assert len(set(mutants)) > 180
    assert all(len(mutant) < 200_000 for mutant in mutants)
    assert mutations.mutant(b"", 1) == b""


@pytest.mark.slow
def test_what_a_reader_must_not_do_is_noticed(tmp_path):
    asked = [sys.executable, "-m", "tests.fuzz.misbehaving", str(tmp_path)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert {name: kind.split()[0] for name, kind in found.items()} == {
        name: kind for name, (_, kind) in misbehaving.WAYS.items()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"a picture"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "asked"),
    [("picture", ["--count=200", "--every=5", "--jobs=2"]), ("record", ["--count=100", "--only=record"])],
)
def test_hostile_files_give_a_picture_or_one_clear_refusal(target, asked, tmp_path):
    """The short run. The long one is `python -m tests.fuzz --count=10000 --jobs=2`."""
    asked = ["--target", target, *asked, "--kept", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    failures = tmp_path / "failures.tsv"
    assert not failures.exists(), failures.read_text()
    assert done.returncode == 0, done.stderr
    kinds = json.loads((tmp_path / f"{target}_0.json").read_text())["kinds"]
    assert sum(kinds.values()) >= 100
    assert set(kinds) == {"picture", "refused"}
