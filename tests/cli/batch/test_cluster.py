"""Workers on a real Ray cluster of two nodes, which are processes of this machine."""

import collections
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from unittest import mock

import numpy as np
import PIL.Image
import pytest

from nst_keras import settings
from nst_keras.cli.batch import cluster, command, connecting, ordering, parent, planning
from nst_keras.cli.batch import pairs as pairs_lib
from tests.cli.batch.conftest import NAMES, folder
from tests.conftest import ROOT

__all__ = ["folder"]

ray = pytest.importorskip("ray", reason="needs Ray, of the extra cluster")
cluster_utils = pytest.importorskip("ray.cluster_utils", reason="needs Ray's clusters for tests")

# Ray's own.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

STEPS = 3
PROGRAM = """
from nst_keras.cli.batch import cluster, command
from tests.cli.batch import scripted
cluster.Workers.actor_class = scripted.{kind}
from nst_keras.cli import process
process.run(command.main)
"""


@pytest.fixture(scope="module")
def nodes():
    """A cluster of two nodes with a core each, without the second's: {"first": node, "address": its address}."""
    environment = {
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_health_check_period_ms": "500",
        "RAY_health_check_failure_threshold": "3",
        "RAY_health_check_initial_delay_ms": "500",
    }
    with mock.patch.dict(os.environ, environment):
        found = cluster_utils.Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 * 2**20},
        )
        found.second = found.add_node(num_cpus=1, object_store_memory=80 * 2**20)
        yield found
        found.shutdown()


@pytest.fixture(scope="module", autouse=True)
def handlers():
    """Signals are handled as before in other files. Ray changes that, and so a test's signal would end the process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def joined(nodes):
    """The cluster, of which this process is a part."""
    ray.init(address=nodes.address, log_to_driver=False, logging_level="CRITICAL")
    yield nodes
    ray.shutdown()


@pytest.fixture
def scripted(monkeypatch):
    """Workers do as a test tells them, and load no TensorFlow."""
    module = pytest.importorskip("tests.cli.batch.scripted")
    monkeypatch.setattr(cluster.Workers, "actor_class", module.Swift)


def given(**options):
    options = {"image_size": 48, "epochs": 1, "steps_per_epoch": STEPS, "normalization": "relative", **options}
    return {"content_image": os.path.abspath("photos"), "style_image": os.path.abspath("paintings"), **options}


def asked(nodes, **options):
    """The options of a batch on the cluster, and its pairs."""
    options = {"ray_address": nodes.address, "output_dir": "made", **options}
    batch = settings.BatchSettings(**options)
    return batch, ordering.ordered(planning.planned({"extractor": "compact", **given()}, batch))


def made_by(workers, pairs, hear=lambda news: None):
    """{name of a picture: its outcome}; each pair has one, and the workers have ended."""
    names = {pair.number: pair.output for pair in pairs}
    found = []
    try:
        for news in workers.outcomes(pairs):
            hear(news)
            if isinstance(news, pairs_lib.Outcome):
                found.append(news)
    finally:
        workers.close()
    assert max(collections.Counter(one.number for one in found).values()) == 1
    return {names[one.number]: one for one in found}


def pixels(path):
    with PIL.Image.open(path) as opened:
        return np.asarray(opened)


def begun():
    """The pairs that scripted workers have begun: lists of name, process and node."""
    path = pathlib.Path("made/begun")
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def script(name, *lines):
    pathlib.Path("made").mkdir(exist_ok=True)
    (pathlib.Path("made") / name).write_text("\n".join(lines))


def until(is_so):
    """Waits for something that must come."""
    ends = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.slow
def test_a_cluster_makes_what_one_machine_makes(folder, joined, monkeypatch):
    """Ray gives a worker of one CPU one thread. More would add up in another order, and differ by a level."""
    os.remove("photos/eel.png")
    batch, pairs = asked(joined)
    seen = []
    made = made_by(cluster.Workers(batch, lambda: 0, xla_cache=None), pairs, lambda news: seen.append(type(news)))
    assert {outcome.status for outcome in made.values()} == {pairs_lib.Status.MADE}
    assert ray.is_initialized()  # The user's own program has begun it.
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    alone = made_by(parent.Workers("alone", lambda: 0, xla_cache=None), pairs)
    assert len(made) == 4
    for name, outcome in made.items():
        assert np.array_equal(pixels(f"made/{name}"), pixels(f"alone/{name}")), name
        assert outcome.losses == alone[name].losses
        assert outcome.steps == STEPS


@pytest.mark.slow
def test_the_death_of_workers_costs_only_the_pair_that_kills_each(folder, joined, scripted):
    script("go")
    script("deadly", "cat_wave.png")
    script("deadly_once", "dog_wave.png")
    made = made_by(cluster.Workers(asked(joined, tries=2)[0], lambda: 0, xla_cache=None), asked(joined)[1])
    failed = made.pop("cat_wave.png")
    assert failed.status is pairs_lib.Status.FAILED
    assert failed.sentence.startswith("Its worker has died each time that it was begun (2).")
    assert {outcome.status for outcome in made.values()} == {pairs_lib.Status.MADE}
    assert sorted(made) == sorted({*NAMES} - {"cat_wave.png"})
    times = collections.Counter(name for name, *_ in begun())
    assert times == {name: 1 + (name in ("cat_wave.png", "dog_wave.png")) for name in NAMES}
    assert sorted(path.name for path in pathlib.Path("made").glob("*.png")) == sorted(made)


@pytest.mark.slow
def test_the_pairs_of_a_node_that_is_lost_are_made_on_others(folder, joined, scripted):
    """Both nodes are at work on a pair when the second is lost; another comes, and is used."""
    lost = joined.second.node_id
    script("free")
    batch, pairs = asked(joined)
    steps = set()

    def hear(news):
        if isinstance(news, pairs_lib.Step):
            steps.add(news.number)
        if lost is not None and len(steps) == 2 and not pathlib.Path("made/go").exists():
            joined.remove_node(joined.second, allow_graceful=False)
            joined.second = joined.add_node(num_cpus=1, object_store_memory=80 * 2**20)
            script("go")

    made = made_by(cluster.Workers(batch, lambda: 0, xla_cache=None), pairs, hear)
    assert sorted(made) == sorted(NAMES)
    assert {outcome.status for outcome in made.values()} == {pairs_lib.Status.MADE}
    places = [place for *_, place in begun()]
    assert places.count(lost) == 1
    assert len(places) == len(NAMES) + 1


@pytest.mark.slow
def test_a_driver_that_is_killed_or_interrupted_goes_on(folder, nodes):
    """Killed when one picture is made; then interrupted by Ctrl-C; then run to its end. Each is made once."""
    script("free", "dog_night.png")
    command_line = [f"--{name}={value}" for name, value in given(extractor="compact").items()]
    command_line += ["--output_dir=made", f"--ray_address={nodes.address}"]

    @contextlib.contextmanager
    def start(*further, kind="Scripted"):
        program = PROGRAM.format(kind=kind)
        own = {"env": {**os.environ, "PYTHONPATH": str(ROOT)}, "start_new_session": True, "text": True}
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen([sys.executable, "-c", program, *command_line, *further], **own, **pipes) as driver:
            try:
                yield driver
            finally:
                driver.kill()

    first = pathlib.Path("made/dog_night.png")
    with start() as driver:
        until(lambda: first.exists() and len(begun()) == 3)
        driver.kill()
    until(lambda: not any(pathlib.Path(f"/proc/{process}").exists() for _, process, _ in begun()))
    before = first.stat().st_mtime_ns
    with start(kind="Swift") as driver:  # It comes to no picture.
        until(lambda: len(begun()) == 5)
        os.killpg(driver.pid, signal.SIGINT)
        out, err = driver.communicate(timeout=120)
    assert driver.returncode == 130, err
    assert "The same command goes on." in err
    assert "Traceback" not in err + out
    script("go")
    with start("--workers=1") as driver:
        out, err = driver.communicate(timeout=120)
    assert (driver.returncode, err) == (0, "")
    assert all(line.startswith("nst_keras: ") for line in out.splitlines())
    assert first.stat().st_mtime_ns == before
    assert sorted(path.name for path in pathlib.Path("made").glob("*_*.png") if path.name in NAMES) == sorted(NAMES)
    assert len(begun()) == 3 + 2 + 5


def test_a_cluster_without_room_is_one_sentence(folder, joined, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", 0.0)
    batch, pairs = asked(joined, worker_cpus=64)
    with pytest.raises(TimeoutError, match="no room for a worker, which takes 64 processor cores"):
        made_by(cluster.Workers(batch, lambda: 0, xla_cache=None), pairs)


class Unready:
    """A worker that cannot be started."""

    def __init__(self, output_dir, xla_cache):
        raise RuntimeError("no such network")

    def ready(self):
        """Is never answered."""


@pytest.mark.slow
def test_workers_that_cannot_start_end_the_batch(folder, joined, monkeypatch):
    monkeypatch.setattr(cluster.Workers, "actor_class", Unready)
    batch, pairs = asked(joined, workers=1, tries=2)
    with pytest.raises(RuntimeError, match=r"^ray_address: workers cannot be started \(.*no such network"):
        made_by(cluster.Workers(batch, lambda: 0, xla_cache=None), pairs)


def test_room(monkeypatch):
    """Equal machines have a worker each, GPUs have one each, and `workers` and `worker_cpus` win."""

    def room(*machines, **options):
        nodes = [{"Alive": True, "Resources": machine} for machine in machines]
        module = mock.Mock(nodes=lambda: [*nodes, {"Alive": False, "Resources": {"CPU": 2}}])
        found = connecting.Room(module, settings.BatchSettings(**{"ray_address": "auto", **options}))
        return found.options["num_gpus"], found.options["num_cpus"], found.workers()

    assert room({"CPU": 8}, {"CPU": 8}) == (0, 8, 2)
    assert room({"CPU": 8}, {"CPU": 17}) == (0, 8, 3)
    assert room({"memory": 1.0}, {"CPU": 4}) == (0, 4, 1)
    assert room({"CPU": 64, "GPU": 4}) == (1, 1, 4)
    assert room({"CPU": 64, "GPU": 4}, {"CPU": 8}, worker_cpus=16) == (1, 16, 4)
    assert room({"CPU": 8}, {"CPU": 8}, worker_cpus=2) == (0, 2, 8)
    assert room({"CPU": 8}, {"CPU": 8}, workers=5) == (0, 8, 5)
    assert room({}) == (0, 1, 1)  # Machines are still to come.
    with pytest.raises(ValueError, match=r"^worker_cpus: a worker that takes 9 processor cores has no room on this"):
        room({"CPU": 8}, ray_address="local", worker_cpus=9)
    monkeypatch.setenv("TF_CONFIG", "{}")
    monkeypatch.setenv("NST_KERAS_WEIGHTS_DIR", "/weights")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    module = mock.Mock(nodes=lambda: [{"Alive": True, "Resources": {"CPU": 3}}])
    shared = connecting.Room(module, settings.BatchSettings(ray_address="auto")).options["runtime_env"]["env_vars"]
    assert shared["NST_KERAS_WEIGHTS_DIR"] == "/weights"
    assert shared["TF_NUM_INTRAOP_THREADS"] == "3"
    assert not {"TF_CONFIG", "AWS_SECRET_ACCESS_KEY"} & shared.keys()


@pytest.mark.parametrize("address", ["somewhere", "host:port", ":6379"])
def test_a_bad_address_is_one_sentence(folder, capsys, address):
    assert not ray.is_initialized()
    with pytest.raises(ValueError, match=rf"^ray_address: '{address}' is no address of a cluster"):
        connecting.connect(ray, address)


def test_an_address_that_does_not_answer_is_one_sentence(folder, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = [f"--{name}={value}" for name, value in given(extractor="compact").items()]
    assert command.main([*arguments, f"--ray_address={address}", "--output_dir=made"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nst_keras: ray_address: no cluster answers at '{address}' (")


def test_without_ray_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        ImportError, match=r'^ray_address: a cluster needs Ray\. Install it with `pip install "nst_keras'
    ):
        cluster.Workers(settings.BatchSettings(ray_address="local"), lambda: 0, xla_cache=None)
