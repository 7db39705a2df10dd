import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

import gc
import pathlib
import signal
import tempfile

import keras
import matplotlib
import numpy as np
import pytest

from nst_keras import transfer
from nst_keras.images import samples
from nst_keras.networks import architectures, extractors
from nst_keras.runtime import processors
from tools.drawing import swirls_night

ROOT = pathlib.Path(__file__).parents[1]

# Runs in processes of their own keep nothing in the home folder, but share the fonts that matplotlib has found.
os.environ.setdefault("MPLCONFIGDIR", matplotlib.get_cachedir())
_CACHES = tempfile.TemporaryDirectory()
os.environ["XDG_CACHE_HOME"] = _CACHES.name

# Where tests run in several processes, these ignore Ctrl-C, and so would the runs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def same_on_every_machine():
    """Makes `precision="auto"` float32 in this process, so that a test sees the same numbers on every processor."""

    def never() -> bool:
        """Returns False."""
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processors, "is_fast_in_bfloat16", never)
        yield


@pytest.fixture(scope="module", autouse=True)
def garbage_is_sought_among_new_objects():
    """Spares Python's garbage collector what is there before a file's first test.

    That is all of TensorFlow and Keras, which it would look through hundreds of times, a third of a second each.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def content():
    """A small photograph, uint8 [48, 40, 3]."""
    return samples.read("grace_hopper")[100:436:7, 80:360:7]


@pytest.fixture(scope="session")
def style():
    """A small painting, uint8 [36, 44, 3]."""
    return swirls_night.swirls(88)[:72:2, ::2]


def small_model(name="small"):
    """Two blocks in VGG's shape, seeded, some 3,000 weights."""
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1")(image)
    x = keras.layers.MaxPooling2D(2, name="pool1")(x)
    x = keras.layers.Conv2D(12, 3, padding="same", activation="relu", name="conv2")(x)
    x = keras.layers.Conv2D(12, 3, padding="same", activation="relu", name="conv3")(x)
    return keras.Model(image, x, name=name)


def centred(image):
    return (image - 127.5) / 64.0


@pytest.fixture(scope="session")
def model():
    return small_model()


@pytest.fixture(scope="session")
def extractor(model):
    return extractors.FeatureExtractor(model, centred)


LAYERS = {"style_layers": ("conv1", "conv2"), "content_layers": ("conv3",)}


@pytest.fixture
def make_transfer(extractor, content, style):
    """Makes a `NeuralStyleTransfer` of the small network and pictures, with any arguments changed."""

    def make(style_image=style, content_image=content, network=extractor, **options):
        settings = {"normalization": "relative", "seed": 0, "jit_compile": "false", **LAYERS, **options}
        return transfer.NeuralStyleTransfer(style_image, content_image, network, **settings)

    return make


@pytest.fixture(scope="session")
def vgg19_weights():
    """The file of real VGG19 weights that the environment names; without one, the test is skipped."""
    path = architectures.weights_file("vgg19")
    if path is None:
        pytest.skip(f"needs real VGG19 weights: set {architectures.WEIGHTS_VARIABLE} to a folder that holds them")
    return path
