import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent import futures

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nst_keras import callbacks, run
from nst_keras.runtime import devices, hosts
from tests.conftest import ROOT
from tests.runtime.test_devices import begin, free_ports


class Host(devices.Replicas):
    """One of several hosts, each a thread of this process."""

    def __init__(self, number, meeting):
        super().__init__(tf.distribute.get_strategy())
        self.identities, self.count, self._meeting = (number,), len(meeting.tables), meeting

    def total_of_array(self, array):
        self._meeting.tables[self.identities[0]] = array
        self._meeting.barrier.wait(30)
        summed = sum(self._meeting.tables)
        self._meeting.barrier.wait(30)
        return summed


class Meeting:
    """Where they add up."""

    def __init__(self, count):
        self.tables, self.barrier = [None] * count, threading.Barrier(count)


def on_hosts(*functions):
    """The result of each function, called by a host of its own: a function's result, or what it raised."""
    meeting = Meeting(len(functions))
    with futures.ThreadPoolExecutor(len(functions)) as pool:
        calls = [pool.submit(function, Host(number, meeting)) for number, function in enumerate(functions)]
    return [call.exception() or call.result() for call in calls]


def test_the_chiefs_number_counts():
    numbers = on_hosts(lambda host: hosts.number_of_chief(host, 2**31 - 1), lambda host: hosts.number_of_chief(host, 5))
    assert numbers == [2**31 - 1, 2**31 - 1]


def test_settings_that_differ_are_named_on_all_hosts():
    given = {"seed": 1, "tile_size": [None, 256]}, {"seed": 2, "tile_size": [None, 256]}
    told = on_hosts(*[lambda host, settings=settings: hosts.check_same(host, settings) for settings in given])
    for error in told:
        assert isinstance(error, ValueError)
        assert str(error).startswith("strategy: the hosts differ in seed. Start the same command on each of them")
    assert on_hosts(*[lambda host: hosts.check_same(host, given[0])] * 2) == [None, None]


class Steps:
    """A run of three steps, as a callback sees it."""

    step, stop_training = 0, False

    def make(self, host, happens):
        """Makes steps until it is to stop; at each one something may happen."""
        lockstep = callbacks.Lockstep(host)
        lockstep.set_model(self)
        lockstep.on_train_begin()
        try:
            while self.step < 3 and not self.stop_training:
                lockstep.on_train_batch_begin(self.step)
                self.step += 1
                happens(self, lockstep)
                lockstep.on_train_batch_end(self.step)
        finally:
            lockstep.on_train_end()
        return self.step


def fail(steps, lockstep):
    raise OSError("another callback's")


def stop(steps, lockstep):
    steps.stop_training = steps.step == 2


def interrupt(steps, lockstep):
    if steps.step == 2:
        lockstep._interrupt()


def go_on(steps, lockstep):
    pass


@pytest.mark.parametrize(
    ("happens", "own", "others"),
    [(go_on, 3, 3), (stop, 2, 2), (fail, OSError, 1), (interrupt, KeyboardInterrupt, KeyboardInterrupt)],
)
def test_hosts_end_after_the_same_step(happens, own, others):
    ends = on_hosts(lambda host: Steps().make(host, go_on), lambda host: Steps().make(host, happens))
    assert [end if isinstance(end, int) else type(end) for end in ends] == [others, own]


def test_a_second_interrupt_ends_a_host_at_once():
    lockstep = callbacks.Lockstep(hosts.joined("default"))
    lockstep.set_model(Steps())
    before = signal.getsignal(signal.SIGINT)
    lockstep.on_train_begin()
    try:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        lockstep.on_train_end()
    assert signal.getsignal(signal.SIGINT) is before


RUN = ["--extractor=compact", "--jit_compile=false", "--epochs=1", "--output=a.png", "--checkpoint_dir=checkpoints"]
RUN += ["--content_image=content.png", "--style_image=style.png", "--normalization=relative"]
# Layers that see few pixels around them: many tiles in a small picture.
RUN += ["--style_layers=conv1_1,conv2_1", "--content_layers=conv3_1"]


@pytest.fixture
def folder(tmp_path, content, style):
    """Two, `one` for a run by one host, and `two`; with the pictures in each."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        PIL.Image.fromarray(content).resize((160, 192)).save(tmp_path / name / "content.png")
        PIL.Image.fromarray(style).resize((88, 72)).save(tmp_path / name / "style.png")
    return tmp_path


def begin_two(folder, *arguments):
    """The same command on two hosts."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    command = [sys.executable, "-m", "nst_keras.run", "--strategy=multi_worker", *RUN, *arguments]
    return [
        subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}),
            },
        )
        for index in range(2)
    ]


def ended(processes):
    """(status, output, errors) of each, in bounded time."""
    try:
        outputs = [process.communicate(timeout=120) for process in processes]
        return [(process.returncode, *texts) for process, texts in zip(processes, outputs, strict=True)]
    finally:
        for process in processes:
            process.kill()


def by_one_host(folder, monkeypatch, *arguments):
    monkeypatch.chdir(folder)
    assert run.main([*RUN, "--quiet", *arguments]) == 0


def image(folder, step):
    """The picture as a checkpoint holds it, before it is rounded."""
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / f"step_{step:08}" / "state"))
    return reader.get_tensor("image/.ATTRIBUTES/VARIABLE_VALUE")


def wait_for(path, processes):
    for _ in range(1200):
        if path.exists():
            return
        assert [process.poll() for process in processes] == [None, None]
        time.sleep(0.05)
    pytest.fail(f"{path} does not come")


@pytest.mark.slow
def test_hosts_go_on_to_the_same_picture_after_one_was_killed(folder, monkeypatch):
    options = ["--steps_per_epoch=8", "--checkpoint_interval=1", "--image_size=96", "--tile_size=32"]
    processes = begin_two(folder / "two", *options, "--preview=preview.png")
    wait_for(folder / "two" / "checkpoints" / "step_00000003", processes)
    processes[1].kill()
    (status, _, errors), (killed, _, _) = ended(processes)
    assert (status, killed) == (1, -signal.SIGKILL)
    assert errors.startswith('nst_keras: strategy="multi_worker": another worker stopped')
    assert errors.count("\n") == 1
    assert (folder / "two" / "a.png").exists()

    chief, other = ended(begin_two(folder / "two", *options, "--resume"))
    assert (chief[0], chief[2], other[0], other[2]) == (0, "", 0, "")
    assert "wrote a.png, a.flags, a.json, checkpoints" in chief[1]
    assert "nst_keras: all 8 steps made in " in other[1]
    assert other[1].endswith(" s; the chief writes the files\n")

    by_one_host(folder / "one", monkeypatch, *options)
    apart = np.abs(image(folder / "two", 8) - image(folder / "one", 8))
    assert np.mean(apart) < 1e-3
    assert np.max(apart) < 1.0  # In levels: where rounding lets a ReLU bend or a maximum change, a few pixels follow.


@pytest.mark.slow
def test_whole_stages_and_tiled_ones_go_on_in_step(folder, monkeypatch):
    options = ["--steps_per_epoch=6", "--init=noise", "--optimizer=lbfgs", "--pyramid=48,192"]
    chief, other = ended(begin_two(folder / "two", *options))
    assert (chief[0], chief[2], other[0], other[2]) == (0, "", 0, "")
    seed = json.loads((folder / "two" / "a.json").read_text())["settings"]["seed"]
    record = json.loads((folder / "two" / "checkpoints" / "step_00000006" / "record.json").read_text())
    assert record["fingerprint"]["tile_size"] == [None, 128]
    by_one_host(folder / "one", monkeypatch, *options, f"--seed={seed}")
    # L-BFGS lets a pixel at an end of its range go or stay by the sign of its gradient, which may be but rounding.
    assert np.mean(np.abs(image(folder / "two", 6) - image(folder / "one", 6))) < 1e-3


@pytest.mark.slow
def test_devices_make_the_picture_of_one():
    with begin("transfers") as process:
        differences = json.loads(process.stdout.readline())
    assert set(differences) == {"2", "4"}
    assert max(differences.values()) < 1e-5  # In shares of the range of levels.
