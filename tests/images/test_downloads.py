import contextlib
import errno
import hashlib
import http.server
import io
import json
import os
import pathlib
import threading
import time

import numpy as np
import PIL.Image
import pytest

from nst_keras.images import digests, downloads, loading, transfers
from nst_keras.runtime import phases


def picture(level, kind="PNG"):
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.full((6, 8, 3), level, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


class Site:
    """A server of this machine. `answers` maps a path to what is done with a request of it."""

    def __init__(self):
        self.answers, self.asked = {}, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append((self.path, dict(self.headers)))
                with contextlib.suppress(ConnectionError):
                    site.answers.get(self.path, say(404))(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def say(status, body=b"", **headers):
    def act(request):
        etag = headers.get("ETag")
        known = etag is not None and request.headers.get("If-None-Match") == etag
        request.send_response(304 if known else status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(b"" if known else body)

    return act


@contextlib.contextmanager
def served(files):
    """Serves {name: bytes} over HTTP, and yields the address of their folder."""
    made = Site()
    made.answers = {f"/{name}": say(200, body) for name, body in files.items()}
    try:
        yield made.address
    finally:
        made.close()


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    made = Site()
    yield made
    made.close()


def level(url):
    return float(loading.load(url, argument="photo")[0, 0, 0, 0])


def files(tmp_path):
    return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())


def test_the_request_names_the_package(site, capsys):
    site.answers["/a.png"] = say(200, picture(9))
    assert level(f"{site.address}/a.png") == 9
    agent = site.asked[0][1]["User-Agent"]
    assert agent.startswith("nst_keras/")
    assert "github.com/nst-keras" in agent
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("/my dog.png", "/my%20dog.png"),
        ("/größe.png", "/gr%C3%B6%C3%9Fe.png"),
        ("/a%20b.png", "/a%20b.png"),
        ("/folder/", "/folder/"),
        ("/a?id=3&x=y z", "/a?id=3&x=y%20z"),
    ],
)
def test_any_spelling_of_a_url(site, written, asked):
    site.answers[asked] = say(200, picture(9))
    assert level(f"{site.address.replace('http', 'HTTP')}{written}") == 9


def test_a_changed_picture_is_noticed_and_the_same_one_is_not_sent_again(site):
    url = f"{site.address}/a.png"
    for seen, tag in ((1, '"one"'), (1, '"one"'), (2, '"two"')):
        site.answers["/a.png"] = say(200, picture(seen), ETag=tag)
        assert level(url) == seen
    assert [headers.get("If-None-Match") for _, headers in site.asked] == [None, '"one"', '"one"']
    site.answers["/a.png"] = say(200, picture(3), Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
    assert level(url) == level(url) == 3
    assert site.asked[-1][1]["If-Modified-Since"] == "Mon, 01 Jan 2024 00:00:00 GMT"


def test_a_picture_is_known_by_its_bytes_whatever_the_server_calls_it(site):
    site.answers["/a.png"] = say(200, picture(7), Content_Type="text/html")
    assert level(f"{site.address}/a.png") == 7


def test_a_picture_too_large_to_decode_is_told_as_one(site, monkeypatch):
    site.answers["/a.png"] = say(200, picture(7))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ValueError, match=r"photo: 'http.*a\.png' has more than .* megapixels"):
        level(f"{site.address}/a.png")


def test_a_copy_serves_while_the_server_does_not(site):
    url = f"{site.address}/a.png"
    site.answers["/a.png"] = say(200, picture(5))
    assert level(url) == 5
    for broken, reason in ((say(503), "503"), (say(200, b"<html>"), "web page")):
        site.answers["/a.png"] = broken
        with pytest.warns(UserWarning, match=rf"photo: .*a\.png' could not.*{reason}.*using the copy of .*picture'"):
            assert level(url) == 5
    site.close()
    with pytest.warns(UserWarning, match="cannot be reached"):
        assert level(url) == 5


def cut_off(request):
    say(200, picture(9)[:-20], Content_Length=str(len(picture(9))))(request)


def endless(request):
    say(200)(request)
    while True:
        request.wfile.write(b"\x89PNG" * 2**14)


def dripping(request):
    say(200)(request)
    for _ in range(40):
        request.wfile.write(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (say(404), "the server answers 404"),
        (say(304), "the server answers 304"),
        (say(200, b"  <!DOCTYPE HTML><p>Sorry"), "the server sent a web page, not a picture"),
        (say(200, b"{}", Content_Type="application/json"), "the server sent application/json that is no picture"),
        (say(200), "the server sent nothing"),
        (say(200, picture(9), Content_Length=str(2**40)), "it is larger than 1 MiB"),
        (cut_off, "the transfer was cut off|broke off"),
        (endless, "it is larger than 1 MiB"),
        (dripping, "the server took too long"),
        (lambda request: time.sleep(0.3), "the server took too long"),
        (say(302, Location="/again"), "it redirects more than 10 times"),
        (say(302, Location="file:///etc/hostname"), "it leads to an address that is neither http nor https"),
    ],
)
def test_nothing_else_is_kept(site, tmp_path, monkeypatch, answer, message):
    monkeypatch.setattr(transfers, "_MOST_BYTES", 2**20)
    monkeypatch.setattr(transfers, "_SILENT_SECONDS", 0.1)
    monkeypatch.setattr(transfers, "_TOTAL_SECONDS", 0.3)
    site.answers |= {"/a.png": answer, "/again": answer}
    with pytest.raises(OSError, match=rf"^photo: '{site.address}/a\.png' could not be downloaded: .*({message})"):
        loading.load(f"{site.address}/a.png", argument="photo")
    assert files(tmp_path) == []


@pytest.mark.parametrize("url", ["http://[bad/x.png", "http:///x.png", "http://a..b/x.png", "http://host:x/a.png"])
def test_no_url(site, url):
    with pytest.raises(OSError, match=r"^photo: 'http:.*could not be downloaded: the URL is malformed.*Check the URL"):
        loading.load(url, argument="photo")


def test_a_redirect_is_followed(site):
    site.answers |= {"/a": say(302, Location="/b c.png"), "/b%20c.png": say(200, picture(9))}
    assert level(f"{site.address}/a") == 9


def test_a_copy_that_does_not_decode_is_downloaded_again(site, tmp_path):
    url = f"{site.address}/a.jpg"
    whole = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(whole, "JPEG")
    site.answers["/a.jpg"] = say(200, whole.getvalue()[:1500], ETag="1")  # Without a length to notice it by.
    with pytest.raises(ValueError, match="damaged"):
        level(url)
    site.answers["/a.jpg"] = say(200, whole.getvalue(), ETag="1")
    assert loading.load(url).shape == (1, 64, 64, 3)
    (copy,) = (tmp_path / "keras").rglob("picture")
    copy.write_bytes(b"<html>")
    assert loading.load(url).shape == (1, 64, 64, 3)


def test_what_an_earlier_version_kept_is_not_trusted(site, tmp_path):
    url = f"{site.address}/a.png"
    folder = tmp_path / "keras" / "nst_keras" / hashlib.sha256(url.encode()).hexdigest()[:16]
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"<html>")
    site.answers["/a.png"] = say(200, picture(9))
    assert level(url) == 9


def test_remains_of_a_killed_process_are_removed_and_those_of_another_are_not(site, tmp_path):
    url = f"{site.address}/a.png"
    site.answers["/a.png"] = say(200, picture(9))
    level(url)
    (copy,) = (tmp_path / "keras").rglob("picture")
    for name, age in (("old.part", 7200), ("new.part", 0)):
        (copy.parent / name).write_bytes(b"half")
        os.utime(copy.parent / name, (time.time() - age,) * 2)
    assert level(url) == 9
    assert files(tmp_path) == ["new.part", "picture", "picture.json"]


def test_several_downloads_at_once_each_see_a_whole_picture(site):
    site.answers["/a.png"] = say(200, picture(9))
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(level(f"{site.address}/a.png"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [9] * 6


def test_a_password_is_sent_and_not_shown(site, tmp_path):
    url = site.address.replace("//", "//me:secret@")
    with pytest.raises(OSError, match="me@127") as raised:
        loading.load(f"{url}/none.png")
    assert "secret" not in str(raised.value)
    assert site.asked[0][1]["Authorization"].startswith("Basic ")
    site.answers["/a.png"] = say(200, picture(9))
    assert level(f"{url}/a.png") == 9
    (notes,) = (tmp_path / "keras").rglob("picture.json")
    assert json.loads(notes.read_text())["url"].endswith("/a.png")
    assert "secret" not in notes.read_text()


def test_the_download_is_told_as_a_phase(site):
    told = []

    class Listener:
        phases = phases.Phases(lambda name, seconds: told.append(name))

    site.answers["/a.png"] = say(200, picture(9))
    with phases.told_to([Listener()]):
        level(f"{site.address}/a.png")
    assert told[0] == "downloading from 127.0.0.1"


def test_the_digest_of_a_url_is_that_of_its_picture(site):
    url = f"{site.address}/a.png"
    site.answers["/a.png"] = say(200, picture(9))
    assert digests.digest(url) is None
    level(url)
    assert digests.digest(url) == hashlib.sha256(picture(9)).hexdigest()


def test_without_a_folder_to_write_to_the_copy_lasts_as_long_as_the_process(site, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    site.answers["/a.png"] = say(200, picture(9))
    assert level(f"{site.address}/a.png") == 9
    assert not pathlib.Path(downloads.copy_of(f"{site.address}/a.png")).is_relative_to(tmp_path)


def test_ftp(site, monkeypatch):
    class Reply(io.BytesIO):
        def __init__(self, data):
            super().__init__(data)
            self.headers = {"Content-Length": str(len(data))}

    asked = []
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: asked.append(url) or Reply(picture(9)))
    assert level("ftp://host/my dog.png") == 9
    assert asked == ["ftp://host/my%20dog.png"]


def test_a_full_disk_is_told_as_such(site, monkeypatch):
    def write(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    site.answers["/a.png"] = say(200, picture(9))
    monkeypatch.setattr(transfers, "_write", write)
    with pytest.raises(OSError, match=r"its copy cannot be written below '.*keras' \(No space left on device\)"):
        level(f"{site.address}/a.png")


def test_a_copy_that_its_notes_are_not_about_is_not_trusted(site):
    """A kill between the two renames leaves notes of another file: the copy is not trusted."""
    url = f"{site.address}/a.png"
    site.answers["/a.png"] = say(200, picture(1), ETag="1")
    assert level(url) == 1
    copy = pathlib.Path(downloads.copy_of(url))
    (copy.parent / "next").write_bytes(picture(2))
    (copy.parent / "next").replace(copy)
    assert downloads.copy_of(url) is None
    assert level(url) == 1
    assert "If-None-Match" not in site.asked[-1][1]
