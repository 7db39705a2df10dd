"""How many images an optimizer takes: `python -m tests.optimizers.memory_of_steps OPTIMIZER JIT_COMPILE`.

Prints JSON: `resident`, the growth of the process's peak, as users' machines see it; `buffers`, the peak of the bytes
that TensorFlow's allocator was asked for, which is the same number on every machine; and `buffers_and_one`, the same
with one more image held on purpose. The unit of each is an image.
"""

import ctypes
import json
import pathlib
import re
import sys
import tempfile

from nst_keras.runtime import lean

if __name__ == "__main__":  # Then the process is this program's alone.
    lean.allow()
    lean.load()

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from nst_keras import optimizers
from tests.optimizers.test_optimizers import Terms

LARGE, MIDDLE, SMALL = 1024, 256, 64  # Sides of square images, in pixels.


class Shrinking:
    """An objective that takes little memory of its own."""

    def value_and_gradient(self, image):
        return Terms(tf.reduce_mean(image[:, ::64, ::64])), gradient(image)


@tf.function(jit_compile=True)
def gradient(image):
    return 1e-9 * image


def make_steps(identifier, jit_compile, side):
    optimizer = optimizers.get(identifier, jit_compile=jit_compile)
    optimizer.start(tf.fill([1, side, side, 3], 99.0))
    for _ in range(4):
        optimizer.step(Shrinking())
    return optimizer


def resident(*given, side):
    """The process's peak after some steps, in bytes."""
    make_steps(*given, side)
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1])


def count_allocations():
    """Lets TensorFlow's allocator report to the profiler, which it does not do for CPUs otherwise."""
    (library,) = pathlib.Path(tf.sysconfig.get_lib()).glob("libtensorflow_framework.so*")
    ctypes.CDLL(str(library))._ZN3tsl23EnableCPUAllocatorStatsEv()


def allocations(folder):
    """(name of the event, its values) of each allocation and deallocation of a profile, in the order of time."""
    (path,) = pathlib.Path(folder).rglob("*.xplane.pb")
    found = []
    for plane in xplane_pb2.XSpace.FromString(path.read_bytes()).planes:
        names = {key: stat.name for key, stat in plane.stat_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                values = {names[stat.metadata_id]: stat.int64_value or stat.uint64_value for stat in event.stats}
                name = plane.event_metadata[event.metadata_id].name
                found.append((line.timestamp_ns * 1000 + event.offset_ps, name, values))
    return [event for _, *event in sorted(found, key=lambda event: event[0]) if event[0].startswith("Memory")]


def buffers(*given, side, held=()):
    """The peak of the bytes that steps asked for, of which none are shared or rounded up."""
    with tempfile.TemporaryDirectory() as folder:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0)
        with tf.profiler.experimental.Profile(folder, options):
            images = [tf.Variable(tf.fill([1, side, side, 3], float(value))) for value in held]
            optimizer = make_steps(*given, side)
        del images, optimizer
        events = allocations(folder)
    sizes, taken, peak = {}, 0, 0
    for name, values in events:
        if name == "MemoryAllocation":
            sizes[values["addr"]] = values["requested_bytes"]
            taken += values["requested_bytes"]
        else:
            taken -= sizes.pop(values["addr"], 0)
        peak = max(peak, taken)
    return peak


def main(*given):
    at_first = resident(*given, side=SMALL)
    found = {"resident": (resident(*given, side=LARGE) - at_first) / (LARGE * LARGE * 3 * 4)}
    count_allocations()
    for name, held in (("buffers", ()), ("buffers_and_one", (1,))):
        found[name] = buffers(*given, side=MIDDLE, held=held) / (MIDDLE * MIDDLE * 3 * 4)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
