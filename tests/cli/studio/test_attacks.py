"""Requests that no page makes: nothing is given away, and the studio goes on."""

import concurrent.futures
import secrets

import httpx
import PIL.Image
import pytest

pytest.importorskip("gradio", reason="needs the extra `studio`")

from tests.cli.studio import conftest

pytestmark = pytest.mark.slow

SECRET = "nothing that a visitor may see"
META = {"_type": "gradio.FileData"}


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def functions(client):
    """{number of a function of the page: number of its inputs}."""
    return {one["id"]: len(one["inputs"]) for one in client.get("/config").json()["dependencies"]}


def answer(client, number, data):
    """What the server says to a function that is called as the page calls it."""
    session = secrets.token_hex(5)
    body = {"fn_index": number, "data": data, "session_hash": session}
    joined = client.post("/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.text
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
        text = ""
        for line in events.iter_lines():
            text += line
            if "process_completed" in line or "unexpected_error" in line:
                return text
    return text


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        *((kind, {"meta": META}) for kind in ("path", "relative", "url", "data url")),
        # Gradio looks only at what is marked as a file.
        *((kind, {}) for kind in ("path", "picture", "folder")),
    ],
    ids=lambda value: value if isinstance(value, str) else "marked" if value else "unmarked",
)
def test_no_path_or_address_can_be_named_in_any_place(client, functions, uploads, tmp_path, kind, meta):
    (tmp_path / "secret.txt").write_text(SECRET)
    PIL.Image.new("RGB", (64, 64), "red").save(tmp_path / "secret.png")
    named = {
        "path": {"path": str(tmp_path / "secret.txt")},
        "picture": {"path": str(tmp_path / "secret.png")},
        "folder": {"path": str(tmp_path)},
        "relative": {"path": f"../../../../../..{tmp_path}/secret.txt"},
        "url": {"path": "http://127.0.0.1:1/x.png", "url": "http://127.0.0.1:1/x.png"},
        "data url": {"path": "/etc/passwd", "url": "data:text/plain;base64,AAAA"},
    }[kind]
    before = set(conftest.left(uploads))
    for number, inputs in functions.items():
        said = answer(client, number, [{**named, **meta}] * inputs)
        assert not any(given in said for given in (SECRET, "root:", "Traceback", "bytes)", "is a folder")), said
    assert set(conftest.left(uploads)) == before
    assert (tmp_path / "secret.txt").exists()
    assert (tmp_path / "secret.png").exists()


def test_an_upload_is_taken_where_a_path_is_not(client, functions, files):
    """So that the refusals above are refusals of what was named."""
    with open(files["painting"], "rb") as picture:
        (path,) = client.post("/gradio_api/upload", files={"files": ("painting.png", picture)}).json()
    said = [answer(client, number, [{"path": path}]) for number, inputs in functions.items() if inputs == 1]
    assert any("photograph.png" in one for one in said)


PATHS = ["file=/etc/passwd", "file=../../../../etc/passwd", "file=%2e%2e/%2e%2e/etc/passwd", "file=/proc/self/environ"]
PATHS += [
    "file/etc/passwd",
    "file=http://127.0.0.1:1/",
    "proxy=http://127.0.0.1:1/",
    "file=setup.cfg",
    "file=.git/config",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_file_of_the_machine_is_served(client, path):
    said = client.get(f"/gradio_api/{path}")
    assert said.status_code in (403, 404, 422), said.text
    assert "root:" not in said.text
    assert "[" not in said.text[:1]


def test_uploads_have_a_size(client):
    said = client.post("/gradio_api/upload", files={"files": ("a.png", b"x" * 3_000_000)})
    assert said.status_code == 413
    said = client.post(
        "/gradio_api/upload", files=[("files", (f"{place}.png", b"x" * 1_900_000)) for place in range(5)]
    )
    assert (said.status_code, said.text) == (413, "The request is too large.")


VALUES = ["__import__('os').system('id')", -1, "Infinity", [], {"__class__": "x"}, "\0", "9" * 5000, None]


def test_changed_hidden_fields_are_told_or_do_nothing(client):
    config = client.get("/config").json()
    value_of = {one["id"]: one["props"].get("value") for one in config["components"]}
    start = max(config["dependencies"], key=lambda one: len(one["inputs"]) * (len(one["outputs"]) > 10))
    usual = [value_of[number] for number in start["inputs"]]
    assert len(usual) > 30
    for place in range(len(usual)):
        value = VALUES[place % len(VALUES)]
        said = answer(client, start["id"], [*usual[:place], value, *usual[place + 1 :]])
        assert not any(given in said for given in ("Traceback", "/nst_keras/", "uid=")), said
        assert '"success":true' in said or '"error":' in said, said


def test_paintings_are_bounded(client):
    config = client.get("/config").json()
    editor = next(one["id"] for one in config["components"] if one["type"] == "imageeditor")
    about = {"fn_name": "accept_blobs", "component_id": str(editor), "session_hash": "x", "type": "layer", "id": "y"}
    said = {
        index: client.post(
            "/gradio_api/component_server", data={**about, "index": index}, files={"file": b"x"}
        ).status_code
        for index in ("0", "999999999", "-1", "a")
    }
    assert said == {"0": 200, "999999999": 500, "-1": 500, "a": 500}


def test_a_flood_of_requests_is_survived(client):
    paths = ["/", "/config", "/gradio_api/file=x", "/monitoring"] * 75
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda path: client.get(path).status_code, paths))
    assert {status for path, status in zip(paths, said, strict=True) if path in ("/", "/config")} == {200}
    assert max(said) < 500
    assert client.get("/").status_code == 200
