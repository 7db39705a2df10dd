import fractions
import functools
import re
import shutil

import keras
import PIL.Image
import pytest
import tensorflow as tf

from nst_keras import save_animation
from nst_keras.cli.video import sample_clips, writing
from nst_keras.images import samples
from nst_keras.networks import architectures
from tests.conftest import ROOT
from tools.drawing import swirls_night

# The table of pairs that the guide shows.
_TABLE = re.compile(r"```text\n(content,style,.*?)```", re.DOTALL)


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory):
    """A folder with weights for vgg19 and inception_v3: random, since the runs are about running."""
    folder = tmp_path_factory.mktemp("weights")
    keras.applications.VGG19(weights=None, include_top=False).save_weights(folder / "vgg19.weights.h5")
    keras.applications.InceptionV3(weights=None, include_top=False).save_weights(folder / "inception_v3.weights.h5")
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder with the pictures and clips that the documents name, of some hundred pixels."""
    folder = tmp_path_factory.mktemp("pictures")
    PIL.Image.fromarray(samples.read("grace_hopper")[::4, ::4]).save(folder / "golden_gate.jpg")
    PIL.Image.fromarray(swirls_night.swirls(96)).save(folder / "starry_night.jpg")
    clip = sample_clips.get("passing", size=(46, 80))
    frames = [clip.frame(number) for number in range(3)]
    writing.write_part(folder / "clip.mp4", frames, rate=fractions.Fraction(24))
    save_animation(frames, folder / "dance.gif", seconds=0.3)
    return folder


@pytest.fixture(scope="session")
def build():
    """`architectures.build`, which builds a network of ImageNet's weights once. Extractors leave it as it is."""
    once = functools.cache(architectures.build)

    def built(name, weights):
        is_shared = weights == "imagenet" and not tf.distribute.has_strategy()
        return (once if is_shared else once.__wrapped__)(name, weights)

    return built


@pytest.fixture
def folder(tmp_path, monkeypatch, weights_folder, pictures, build):
    """A folder with the pictures that the documents name, as if the user stood in a clone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(architectures, "build", build)
    monkeypatch.setenv(architectures.WEIGHTS_VARIABLE, str(weights_folder))
    shutil.copytree(pictures, tmp_path, dirs_exist_ok=True)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    for source, copies in {
        "golden_gate": ["photos/dog", "photos/cat"],
        "starry_night": ["paintings/wave", "paintings/night"],
    }.items():
        for copy in copies:
            path = tmp_path / f"{copy}.jpg"
            path.parent.mkdir(exist_ok=True)
            shutil.copy(tmp_path / f"{source}.jpg", path)
    (tmp_path / "pairs.csv").write_text(_TABLE.search((ROOT / "docs" / "guide" / "batch.md").read_text())[1])
    return tmp_path
