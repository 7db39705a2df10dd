"""A weights file from a stranger is looked through before Keras reads it."""

import zipfile

import h5py
import numpy as np
import pytest

from nst_keras.networks import architectures, compact, weights_files


def _external_link(file, secret):
    file["layers"] = h5py.ExternalLink(str(secret), "/private")


def _soft_link(file, secret):
    file["layers"] = h5py.SoftLink("/elsewhere")


def _external_storage(file, secret):
    file.create_dataset("layers/conv2d/vars/0", [4], "f4", external=[(str(secret), 0, 16)])


def _virtual(file, secret):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "private", (4,))
    file.create_virtual_dataset("layers/conv2d/vars/0", layout)


def _huge(file, secret):
    file.create_dataset("layers/conv2d/vars/0", [2**20, 2**20], "f4", chunks=(1024, 1024))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_external_link, "names another place or file"),
        (_soft_link, "names another place or file"),
        (_external_storage, "from other files"),
        (_virtual, "from other files"),
        (_huge, "declares over 1 GiB of numbers"),
    ],
)
def test_a_file_that_takes_its_numbers_from_elsewhere_is_not_read(change, said, tmp_path):
    path, secret = tmp_path / "strangers.weights.h5", tmp_path / "private.h5"
    with h5py.File(secret, "w") as file:
        file["private"] = np.ones(4, np.float32)
    with h5py.File(path, "w") as file:
        file.create_group("first")
        change(file, secret)
    with pytest.raises(ValueError, match=f"^weights: .*strangers.* {said}"):
        architectures.build("compact", str(path))


def test_groups_that_hold_each_other_are_looked_through_once(tmp_path):
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        inner = file.create_group("a/b")
        inner["a"] = file["a"]
    assert weights_files.reason_to_refuse(tmp_path / "loop.h5") is None


def test_a_file_of_our_own_is_read(tmp_path):
    assert weights_files.reason_to_refuse(compact.WEIGHTS_FILE) is None
    (tmp_path / "text.h5").write_text("no weights")
    assert weights_files.reason_to_refuse(tmp_path / "text.h5") is None


@pytest.mark.parametrize("name", ["assets/layer/file", "../../escaped", "model.weights.h5.pickle"])
def test_an_archive_holds_a_network_and_nothing_else(name, tmp_path):
    path = tmp_path / "strangers.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(compact.WEIGHTS_FILE, "model.weights.h5")
    assert weights_files.reason_to_refuse(path) is None
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match=r"^weights: .* which is no part of a network\. Get the file"):
        architectures.build("compact", str(path))


def test_an_archive_that_points_elsewhere_or_unpacks_to_much_is_not_read(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "inner.h5", "w") as file:
        _external_link(file, tmp_path / "private.h5")
    with zipfile.ZipFile(tmp_path / "strangers.keras", "w") as archive:
        archive.write(tmp_path / "inner.h5", "model.weights.h5")
    assert "names another place or file" in weights_files.reason_to_refuse(tmp_path / "strangers.keras")
    monkeypatch.setattr(weights_files, "_LARGEST", 100)
    assert weights_files.reason_to_refuse(tmp_path / "strangers.keras") == "unpacks to over 1 GiB"
