import pytest
import tensorflow as tf
from tensorflow.python.client import device_lib

from nst_keras.runtime import memory

GIB = 2**30


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes a machine of 16 GiB, 9 of them free, whose process holds one; with any further files."""
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)

    def make(**files):
        texts = {
            "proc/meminfo": f"MemTotal: {16 * 2**20} kB\nMemFree: 5 kB\nMemAvailable: {9 * 2**20} kB\n",
            "proc/self/status": f"Name: python\nVmHWM: 3 kB\nVmRSS:\t{2**20} kB\n",
            **{name.replace("__", "."): text for name, text in files.items()},
        }
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text))
        return tmp_path

    return make


def group(folder, version, limit, used, files_cached=0):
    """The files of a cgroup."""
    names = {1: ("limit_in_bytes", "usage_in_bytes", "total_inactive_file"), 2: ("max", "current", "inactive_file")}
    limit_name, used_name, cached_name = names[version]
    return {
        f"{folder}/memory.{limit_name}": limit,
        f"{folder}/memory.{used_name}": used,
        f"{folder}/memory.stat": f"anon 12\n{cached_name} {files_cached}\n",
    }


def test_a_machine_without_containers(machine):
    assert memory.available_memory(machine()) == ("this machine", 16 * GIB, 10 * GIB)


def test_this_machine_tells():
    available = memory.available_memory()
    assert 0 < available.usable <= available.total


@pytest.mark.parametrize(
    ("version", "line", "folder"),
    [
        (2, "0::/", "sys/fs/cgroup"),
        (2, "0::/user/session", "sys/fs/cgroup/user"),
        (1, "7:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/", "sys/fs/cgroup/memory/docker/abc"),
        (1, "4:hugetlb,memory:/docker/abc", "sys/fs/cgroup/memory"),  # The host's path, seen inside.
    ],
)
def test_the_container_sets_the_limit(machine, version, line, folder):
    files = {"proc/self/cgroup": line, **group(folder, version, 4 * GIB, 3 * GIB, files_cached=GIB)}
    assert memory.available_memory(machine(**files)) == ("this container", 4 * GIB, 3 * GIB)


def test_the_tightest_of_several_containers_counts(machine):
    files = {
        "proc/self/cgroup": "0::/outer/inner",
        **group("sys/fs/cgroup/outer", 2, 6 * GIB, 6 * GIB),
        **group("sys/fs/cgroup/outer/inner", 2, 8 * GIB, 2 * GIB),
    }
    assert memory.available_memory(machine(**files)) == ("this container", 6 * GIB, GIB)


@pytest.mark.parametrize(("version", "limit"), [(1, 2**63 - 4096), (2, "max"), (2, 64 * GIB), (2, "garbage")])
def test_a_limit_above_the_machine_is_none(machine, version, limit):
    line = {1: "4:memory:/", 2: "0::/"}[version]
    folder = {1: "sys/fs/cgroup/memory", 2: "sys/fs/cgroup"}[version]
    root = machine(**{"proc/self/cgroup": line, **group(folder, version, limit, GIB)})
    assert memory.available_memory(root) == ("this machine", 16 * GIB, 10 * GIB)


def test_a_system_that_tells_little(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)
    assert memory.available_memory(tmp_path) == ("this machine", 16 * GIB, 16 * GIB)
    monkeypatch.setattr(memory, "machine_memory", lambda: None)
    assert memory.available_memory(tmp_path) is None


class Device:
    def __init__(self, device_type, memory_limit):
        self.device_type, self.memory_limit = device_type, memory_limit


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["one"] if kind == "GPU" else [])

    def make(list_local_devices):
        monkeypatch.setattr(device_lib, "list_local_devices", list_local_devices)

    return make


def test_a_gpu_has_memory_of_its_own(gpu):
    gpu(lambda: [Device("CPU", 256), Device("GPU", 7 * GIB), Device("GPU", GIB)])
    assert memory.available_memory() == ("the GPU", 7 * GIB, 7 * GIB)


def broken():
    raise RuntimeError("no driver")


@pytest.mark.parametrize("devices", [broken, list, lambda: [Device("CPU", 256)]])
def test_a_gpu_that_does_not_tell(gpu, devices):
    gpu(devices)
    assert memory.available_memory() is None


def test_the_limit_above_which_the_kernel_slows_a_process_down_counts(tmp_path):
    texts = {"memory.max": "max", "memory.high": "3000", "memory.current": "1000", "memory.stat": "inactive_file 200"}
    for name, text in texts.items():
        (tmp_path / name).write_text(f"{text}\n")
    assert memory._limit_and_use(tmp_path, memory._CONTROLLERS[""]) == (3000, 800)
    (tmp_path / "memory.high").write_text("max\n")
    assert memory._limit_and_use(tmp_path, memory._CONTROLLERS[""]) is None


def test_a_picture_that_could_not_be_saved_is_refused(monkeypatch):
    """Measured are 58 bytes a pixel, while it is resized and saved with 16 bits a channel."""
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)
    monkeypatch.setattr(memory, "available_memory", lambda: memory.Available("this machine", 16 * GIB, 58 * 10**6))
    memory.check_output(1000, 1000)
    with pytest.raises(ValueError, match=r"output_size asks for a picture of 1001x1000 px. .* has only 0.1 GiB"):
        memory.check_output(1000, 1001)
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    memory.check_output(10_000, 10_000)
    with pytest.raises(ValueError, match="output_size asks for a picture of 100000x100000 px, more than this machine"):
        memory.check_output(100_000, 100_000)
