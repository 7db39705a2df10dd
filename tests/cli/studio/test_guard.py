import json

import pytest

pytest.importorskip("gradio", reason="needs the extra `studio`")

from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from nst_keras.cli.studio import guard


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await PlainTextResponse(b"passed on " + body)(scope, receive, send)


@pytest.fixture(scope="module")
def client():
    return TestClient(guard.Guard(echo, largest_upload=10**6))


NEEDED = [
    "/",
    "/config",
    "/theme.css",
    "/assets/index-1.js",
    "/static/fonts/x.woff2",
    "/gradio_api/file=/tmp/gradio/ab/made.png",
]
NEEDED += ["/gradio_api/queue/data?session_hash=abc", "/gradio_api/heartbeat/abc1", "/gradio_api/info"]


@pytest.mark.parametrize("path", NEEDED)
def test_what_the_page_needs_is_passed_on(client, path):
    assert client.get(path).text.startswith("passed on")


UNNEEDED = [
    "/monitoring",
    "/gradio_api/proxy=http://169.254.169.254/x",
    "/gradio_api/openapi.json",
    "/gradio_api/dev/reload",
]
UNNEEDED += [
    "/gradio_api/file=http://localhost:22/",
    "/gradio_api/file=ftp://a/b",
    "/gradio_api/file=file:///etc/passwd",
]
UNNEEDED += ["/gradio_api/vibe-edit/", "/gradio_api/call/predict", "/gradio_api/stream/x", "/docs", "/login"]


@pytest.mark.parametrize("path", UNNEEDED)
def test_all_else_is_not_there(client, path):
    for answer in (client.get(path), client.post(path, json={})):
        assert (answer.status_code, answer.text) == (404, "There is no such page.")


@pytest.mark.parametrize(
    "path",
    ["http://169.254.169.254/latest", "HTTPS://host/a.png", "ftp://a", "file:///etc/passwd", " http://a", "gopher:x"],
)
def test_a_picture_named_by_an_address_is_refused(client, path):
    body = {"data": [1, [{"deep": {"path": path, "meta": {"_type": "gradio.FileData"}}}]]}
    answer = client.post("/gradio_api/queue/join", json=body)
    assert (answer.status_code, answer.text) == (403, "Upload the picture: no address is fetched.")


def test_an_upload_may_be_named(client):
    body = json.dumps({"data": [{"path": "/tmp/gradio/ab/a b.png", "orig_name": "http: a.png"}, "http://a text"]})
    assert client.post("/gradio_api/queue/join", content=body).text == f"passed on {body}"
    assert client.post("/gradio_api/run/predict", json={"path": r"C:\Users\me\a.png"}).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 200_000])
def test_what_cannot_be_read_is_refused(client, body):
    assert client.post("/gradio_api/queue/join", content=body).status_code == 403


def test_requests_have_a_size(client):
    large = json.dumps({"data": "x" * (5 * 2**20)})
    answer = client.post("/gradio_api/queue/join", content=large)
    assert (answer.status_code, answer.text) == (413, "The request is too large.")
    assert client.post("/gradio_api/upload", content=b"x" * 10**6).status_code == 200
