"""Small problems on many devices: `python -m tests.replicated ROLE`.

The roles `devices` and `workers` solve one in two passes over windows of a picture, `transfers` stylises one.
Their findings are lines of JSON.
"""

import hashlib
import json
import sys
import time

from nst_keras.runtime import lean

if __name__ == "__main__":  # Then the process is this program's alone.
    lean.allow()
    lean.load()

import keras
import numpy as np
import tensorflow as tf

from nst_keras import transfer
from nst_keras.images import samples
from nst_keras.networks import extractors
from nst_keras.runtime import compilation, devices, strategies
from tests.conftest import centred
from tools.drawing import swirls_night

LAYERS = ("conv1", "conv2", "conv3")
WINDOWS = [(top, top + 16) for top in range(0, 80, 16)]


def make_extractor():
    """Three convolutions, seeded, the last of which XLA runs by Winograd's method."""
    keras.utils.set_random_seed(1)
    image = x = keras.Input((None, None, 3))
    for name, filters in zip(LAYERS, (8, 128, 128), strict=True):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
    return extractors.FeatureExtractor(keras.Model(image, x), centred, layers=LAYERS, for_xla=True)


class Problem:
    """The sum of squares of Gram matrices that windows add up to, as a function of the picture."""

    def __init__(self, extractor, jit_compile):
        self.extractor = extractor
        self.sums = compilation.compiled(self._sums, jit_compile=jit_compile)
        self.gradient = compilation.compiled(self._gradient, jit_compile=jit_compile)

    def _sums(self, window):
        features = self.extractor(window)
        return {name: tf.einsum("bhwc,bhwd->cd", f, f) / tf.square(100.0) for name, f in features.items()}

    def _gradient(self, window, totals):
        with tf.GradientTape() as tape:
            tape.watch(window)
            products = tf.nest.map_structure(lambda g, total: tf.reduce_sum(g * total), self._sums(window), totals)
            value = 2.0 * tf.add_n(tf.nest.flatten(products))
        return tape.gradient(value, window)

    def traces(self):
        return self.sums.tracing_count() + self.gradient.tracing_count()


def plain(problem, picture):
    """The gradient by one device, without any strategy."""
    windows = [tf.constant(picture[:, top:bottom]) for top, bottom in WINDOWS]
    totals = tf.nest.map_structure(lambda *parts: tf.add_n(parts), *[problem.sums(window) for window in windows])
    return np.concatenate([problem.gradient(window, totals) for window in windows], axis=1)


def distributed(problem, picture, replicas):
    """The gradient by all replicas."""
    rounds = replicas.deal(WINDOWS)
    totals = tf.nest.map_structure(tf.zeros_like, problem.sums(tf.constant(picture[:, :16])))
    sums = [totals]
    for places in rounds:
        sums += replicas.run(problem.sums, [place and (window(picture, place),) for place in places])
    totals = replicas.total(sums)
    gradient = np.zeros_like(picture)
    for places in rounds:
        results = replicas.run(problem.gradient, [place and (window(picture, place), totals) for place in places])
        for (top, bottom), result in [pair for pair in zip(places, results, strict=True) if pair[0]]:
            gradient[:, top:bottom] += result
    return replicas.total_of_array(gradient)


def window(picture, place):
    return tf.constant(picture[:, slice(*place)])


def report(strategy, jit_compile):
    """How the distributed gradient compares with the plain one, and how often functions were traced."""
    replicas = devices.Replicas(strategy)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 80, 20, 3)).astype(np.float32)
    with replicas.scope():
        problem = Problem(make_extractor(), jit_compile)
    expected = plain(problem, picture)
    gradient = distributed(problem, picture, replicas)
    traces = problem.traces()
    again = distributed(problem, picture, replicas)
    local = len(replicas.deal([None])[0])
    identities = replicas.run(lambda: tf.distribute.get_replica_context().replica_id_in_sync_group, [()] * local)
    return {
        "count": replicas.count,
        "is_chief": strategies.is_chief(strategy),
        "difference": float(np.max(np.abs(gradient - expected)) / np.max(np.abs(expected))),
        "repeated": float(np.max(np.abs(again - expected)) / np.max(np.abs(expected))),
        "traces": traces,
        "new_traces": problem.traces() - traces,
        "identities": [int(identity) for identity in identities],
        "devices": [result.device[-5:] for result in replicas.run(lambda: tf.random.uniform([]), [()] * local)],
        "digest": hashlib.sha256(gradient).hexdigest(),
    }


def share_over_devices():
    """Four devices by name, compiled as a graph, and two of them by a strategy of one's own, compiled by XLA."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 4)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    print(json.dumps([report(strategies.get("mirrored"), "false"), report(two, "true")]), flush=True)


def stylise_over_devices():
    """How far the pictures of two and of four devices are from that of one."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 4)
    strategies = {"4": "mirrored", "2": tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])}
    of_one = stylised("default")
    far = {name: np.max(np.abs(stylised(strategy) - of_one)) / 255 for name, strategy in strategies.items()}
    print(json.dumps({name: float(difference) for name, difference in far.items()}), flush=True)


def stylised(strategy):
    style_transfer = transfer.NeuralStyleTransfer(
        swirls_night.swirls(88)[:72:2, ::2],
        samples.read("grace_hopper")[100:436:7, 80:360:7],
        "compact",
        style_layers=("conv1_1", "conv2_1"),
        content_layers=("conv3_1",),
        normalization="relative",
        tile_size=16,
        strategy=strategy,
        jit_compile="false",
    )
    style_transfer.fit_style_transfer(1, 8, verbose=0)
    return style_transfer.generated_image.numpy()


def share_over_workers():
    """Goes on with sums until another worker is lost, and says how it was told."""
    replicas = devices.Replicas(strategies.get("multi_worker"))
    print(json.dumps(report(replicas.strategy, "true")), flush=True)
    try:
        while True:
            begun = time.monotonic()
            replicas.total([tf.ones([8])])
    except ConnectionError as error:
        print(json.dumps({"error": str(error), "seconds": time.monotonic() - begun}), flush=True)


if __name__ == "__main__":
    {"devices": share_over_devices, "transfers": stylise_over_devices, "workers": share_over_workers}[sys.argv[1]]()
