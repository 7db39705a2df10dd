"""A record that is damaged, or a stranger's, is never the end of a run that could go on from the one before."""

import json
import os
import random

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.engine import checkpoint_records, checkpoints

RECORD = {"fingerprint": {"tile_size": [None, 16]}, "history": {"loss": [0.1, 2]}, "seed": 3, "stage": 1}


@pytest.fixture
def store(tmp_path):
    """Holds whole checkpoints of the steps 3 and 6."""
    store = checkpoints.Store(tmp_path)
    for step in (3, 6):
        store.save(step, {"image": tf.Variable([1.0, 2.0])}, RECORD)
    return store


def rewrite(store, path, value):
    """Changes an entry of the last record, and seals it again, as a stranger could."""
    place = store.folder / "step_00000006" / "record.json"
    record = json.loads(place.read_text())
    record.pop("seal")
    inner = record
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    place.write_text(checkpoint_records.sealed(record))


DAMAGE = [
    *((("fingerprint",), value) for value in (None, 3, [], "text")),
    *((("fingerprint", "tile_size"), value) for value in (7, None, "16", [-1], [0], ["16", 16], [1.5, 2], [[], {}])),
    *((("history",), value) for value in (None, [], "loss", {"loss": 3}, {"loss": ["low"]}, {"loss": [None]})),
    *((("stage",), value) for value in (None, "1", -1, 2, 1.0, True, [0])),
    *((("seed",), value) for value in (None, "3", -1, 2**70, 3.5)),
    *((("random",), value) for value in (None, [], {}, {"python": 3, "numpy": 3})),
    *((("random", "python"), value) for value in ([3, [1, 2], None], [3, 625 * ["x"], None], [9, 625 * [1], None])),
    (("random", "python", 2), "half"),
    *((("random", "numpy"), value) for value in (["MT19937", [1], 0, 0, 0.0], ["other", 624 * [1], 0, 0, 0.0], [])),
    *((("files",), value) for value in (None, [], {}, "state.index")),
    (("files", "state.index"), 7),
]


@pytest.mark.parametrize(("path", "value"), DAMAGE)
def test_a_record_with_a_wrong_type_falls_back_to_the_one_before(store, path, value):
    rewrite(store, path, value)
    before = random.getstate(), np.random.get_state()[1].tolist()
    with pytest.warns(UserWarning, match=r"the checkpoint of step 6 is damaged \(.*\); continuing from step 3\."):
        assert store.newest().step == 3
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # Trying states draws from no generator.


@pytest.mark.parametrize("name", ["../step_00000003/record.json", "/dev/zero", "../../dev/zero", "..", "", "a\\b"])
def test_no_file_outside_its_folder_is_read(store, name, monkeypatch):
    """Reading /dev/zero whole would never end."""
    rewrite(store, ("files", name), "0")
    with pytest.warns(UserWarning, match=r"damaged \('.*' is no name of a file\)"):
        assert store.newest().step == 3


def test_no_other_thing_than_a_plain_file_is_read(store):
    """A pipe would wait for ever, a link may lead to a device."""
    folder = store.folder / "step_00000006"
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
        (folder / "state.index").rename(folder / "aside")
        make(folder / "state.index")
        with pytest.warns(UserWarning, match=r"damaged \('state.index' is no plain file\)"):
            assert store.newest().step == 3
        (folder / "state.index").rename(folder / f"other_{make}")
        (folder / "aside").rename(folder / "state.index")
    assert store.newest().step == 6
    (folder / "record.json").unlink()
    os.mkfifo(folder / "record.json")
    with pytest.warns(UserWarning, match=r"damaged \('record.json' is no plain file\)"):
        assert store.newest().step == 3


def test_a_record_without_an_end_is_not_read(store):
    os.truncate(store.folder / "step_00000006" / "record.json", 2**40)  # It takes no space.
    with pytest.warns(UserWarning, match=r"damaged \(record.json is too long\)"):
        assert store.newest().step == 3


def test_control_characters_of_a_name_are_spelt_out(store):
    rewrite(store, ("files", "\x1b[2J"), "0")
    with pytest.warns(UserWarning, match=r"damaged \('\\x1b\[2J' is missing\)"):
        assert store.newest().step == 3
