import json
import os
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.runtime import devices, strategies
from tests.conftest import ROOT

SETTING = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}


def begin(role, **environment):
    """A process of its own: devices and hosts are told to TensorFlow before it begins to work."""
    command = [sys.executable, "-m", "tests.replicated", role]
    options = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen(command, env={**os.environ, **environment}, **options)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def check(report, *, count, identities):
    assert report["count"] == count
    assert report["identities"] == identities
    assert report["difference"] < 1e-6
    assert report["repeated"] < 1e-6
    # Two functions, by each replica of the host and by the plain loop, whose device may be a replica's.
    assert report["traces"] <= 2 * (len(identities) + 1)
    assert report["new_traces"] == 0


@pytest.mark.slow
def test_devices_share_out_windows_and_give_the_gradient_of_one():
    with begin("devices") as process:
        of_four, of_two = json.loads(process.stdout.readline())
    check(of_four, count=4, identities=[0, 1, 2, 3])
    check(of_two, count=2, identities=[0, 1])
    assert of_four["devices"] == ["CPU:0", "CPU:1", "CPU:2", "CPU:3"]
    assert of_four["is_chief"]


@pytest.mark.slow
def test_workers_share_out_windows_and_one_that_dies_is_told_of():
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    settings = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in (0, 1)]
    workers = [begin("workers", TF_CONFIG=json.dumps(setting)) for setting in settings]
    try:
        reports = [json.loads(worker.stdout.readline()) for worker in workers]
        for index, report in enumerate(reports):
            check(report, count=2, identities=[index])
            assert report["is_chief"] == (index == 0)
        assert reports[0]["digest"] == reports[1]["digest"]
        workers[1].send_signal(signal.SIGKILL)
        told = json.loads(workers[0].stdout.readline())
        assert re.match('strategy="multi_worker": another worker stopped .* resume=True', told["error"])
        assert told["seconds"] < 60
        assert workers[0].wait(30) == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_without_devices_to_share_with_nothing_is_done():
    replicas = devices.Replicas(strategies.get("auto"))
    values, array = {"a": tf.ones([2])}, np.ones(3, np.float32)
    assert replicas.count == 1
    assert replicas.strategy is strategies.get("default") is tf.distribute.get_strategy()
    assert replicas.deal("ab") == [["a"], ["b"]]
    assert replicas.run(lambda *arguments: arguments, [(1, 2)]) == [(1, 2)]
    assert replicas.run(pytest.fail, [None]) == [None]
    assert replicas.total_of_array(array) is array
    assert replicas.total([None, values])["a"] is values["a"]
    np.testing.assert_array_equal(replicas.total([values, values])["a"], [2, 2])
    with pytest.raises(ValueError, match="^values must hold a nest of tensors, but has none. Give zeros"):
        replicas.total([None])


def test_a_name_stands_for_one_strategy():
    mirrored = strategies.get("mirrored")
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert strategies.get("mirrored") is mirrored
    assert strategies.get(mirrored) is mirrored
    assert strategies.is_chief(mirrored)
    with mirrored.scope():
        assert strategies.get("auto") is mirrored


def test_one_named_device_is_used():
    replicas = devices.Replicas(tf.distribute.OneDeviceStrategy("CPU:0"))
    with replicas.scope():
        variable = tf.Variable(2.0)
    assert replicas.run(lambda value: value * variable, [(3.0,)])[0].numpy() == 6.0


def test_what_is_no_strategy_of_equal_replicas_is_refused():
    with pytest.raises(ValueError, match="^strategy='miror' is not known. Did you mean 'mirrored'"):
        strategies.get("miror")
    with pytest.raises(TypeError, match="^strategy must be one of auto, .*but CentralStorageStrategy was given"):
        strategies.get(tf.distribute.experimental.CentralStorageStrategy(["CPU:0"], "CPU:0"))
    with pytest.raises(TypeError, match="^strategy must be one of .*but int was given."):
        strategies.get(2)
    with pytest.raises(ValueError, match='^strategy="tpu" needs a TPU, but TensorFlow finds none.'):
        strategies.get("tpu")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        (None, "KeyError: 'TF_CONFIG'"),
        ("{", "JSONDecodeError: "),
        (json.dumps({"cluster": {}}), "KeyError: 'task'"),
        (json.dumps({**SETTING, "task": {"type": "worker", "index": 2}}), "not a chief or worker of its cluster"),
        (json.dumps({**SETTING, "task": {"type": "ps", "index": 0}}), "not a chief or worker of its cluster"),
    ],
)
def test_workers_need_their_setting(monkeypatch, setting, reason):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if setting is not None:
        monkeypatch.setenv("TF_CONFIG", setting)
    with pytest.raises(ValueError, match=f'^strategy="multi_worker" needs .*TF_CONFIG.*{reason}.*Set it on each host'):
        strategies.get("multi_worker")


@pytest.mark.parametrize("name", ["auto", "multi_worker"])
def test_workers_must_be_joined_first(monkeypatch, name):
    monkeypatch.setenv("TF_CONFIG", json.dumps(SETTING))
    tf.zeros([])
    with pytest.raises(RuntimeError, match='^strategy="multi_worker" must be made before TensorFlow runs anything'):
        strategies.get(name)


def test_a_cluster_of_one_is_no_cluster(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({**SETTING, "cluster": {"worker": ["127.0.0.1:1"]}}))
    assert strategies.get("auto") is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    "setting", ["", "{}", '{"cluster": {"master": ["a:1"]}, "task": {"type": "master", "index": 0}}']
)
def test_a_setting_of_no_several_hosts_is_a_run_of_this_one(monkeypatch, setting):
    monkeypatch.setenv("TF_CONFIG", setting)
    assert strategies.get("auto") is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    "setting", ["{broken", '{"cluster": {"ps": ["a:1"], "master": ["b:1"]}, "task": {"type": "ps"}}']
)
def test_an_unusable_setting_names_the_way_out(monkeypatch, setting):
    monkeypatch.setenv("TF_CONFIG", setting)
    with pytest.raises(ValueError, match="--strategy=default"):
        strategies.get("auto")
