"""The record inside a stranger's picture: shown as text, and nothing else."""

import json
import os
import struct
import sys
import zlib

import numpy as np
import pytest

from nst_keras import export
from nst_keras.cli import provenance
from nst_keras.images.formats import metadata
from nst_keras.settings import printable

WHOLE = {
    "nst_keras": "0.1.0", "settings": {}, "without_flag": {}, "inputs": {}, "versions": {"python": "3.11"},
    "extractor": {"name": "vgg19", "sha256": "0"}, "steps": 3, "stop_reason": "all made", "completed": True,
    "losses": {"loss": 1.0},
}  # fmt: skip


def _picture(tmp_path, text):
    path = tmp_path / "strangers.png"
    export.save_image(np.zeros([9, 9, 3], np.uint8), path, text=text if isinstance(text, str) else json.dumps(text))
    return str(path)


def _naming(path, digest="0"):
    return WHOLE | {"settings": {"content_image": str(path)}, "inputs": {"content_image": digest}}


_opened = []


def _note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "subprocess.Popen", "socket.connect"):
        _opened.append(str(arguments[0]))


def test_no_file_that_it_names_is_opened_unless_asked(tmp_path, capsys):
    (tmp_path / "named.png").write_bytes(b"private")
    path = _picture(tmp_path, _naming(tmp_path / "named.png"))
    sys.addaudithook(_note)
    _opened.clear()
    assert provenance.main([path]) == 0
    assert path in _opened
    assert str(tmp_path / "named.png") not in _opened
    printed = capsys.readouterr()
    assert f"--content_image={tmp_path}/named.png\n" in printed.out
    assert printed.err == ""
    assert provenance.main([path, "--check_inputs"]) == 0
    assert "named.png' has changed, and would" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pipe", "device", "sparse", "nul", "forbidden", "url"])
def test_what_cannot_be_checked_is_told_at_once(kind, tmp_path, capsys, monkeypatch):
    named = tmp_path / "named"
    if kind == "pipe":
        os.mkfifo(named)
    elif kind == "sparse":
        named.touch()
        os.truncate(named, 200 * 10**9)
    elif kind == "forbidden":
        named.touch()
        monkeypatch.setattr(provenance.os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    named = {"device": "/dev/zero", "nul": f"{named}\0", "url": "https://host/a.png"}.get(kind, named)
    assert provenance.main([_picture(tmp_path, _naming(named)), "--check_inputs"]) == 0
    assert ("was not read (" in capsys.readouterr().err) == (kind != "url")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        json.dumps(WHOLE)[:-1] + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}",
        json.dumps(WHOLE | {"losses": {"loss": 10**400}}),
        json.dumps(WHOLE).replace("1.0", "9" * 5000),
        *(json.dumps(WHOLE | {name: value}) for name in WHOLE for value in ([], {"a": [1]}, 5, None)
          if name in ("settings", "without_flag", "inputs", "versions", "extractor", "losses") and value != {"a": [1]}),
        json.dumps(WHOLE | {"settings": {"style_layers": 5}}),
        json.dumps(WHOLE | {"settings": {"style_image": {"a": 1}}}),
        "null", "5", '"text"', "[]",
    ],
)  # fmt: skip
def test_a_record_of_another_form_gives_one_line(text, tmp_path, capsys):
    status = provenance.main([_picture(tmp_path, text)])
    printed = capsys.readouterr()
    assert (status, printed.err.count("\n")) in ((2, 1), (0, 0))
    assert status == 0 or printed.err.startswith("nst_keras: ")


def test_no_control_character_is_printed(tmp_path, capsys):
    hostile = "\x1b[2J\x07\x9b31m\u202egnp\ud800\u2028"
    record = WHOLE | dict.fromkeys(("stop_reason", "nst_keras", "steps"), hostile)
    record |= {"without_flag": {hostile: hostile}, "inputs": {hostile: hostile}, "versions": {hostile: hostile}}
    record |= {"settings": {"content_image": f"a{hostile}.png", "style_image": "b\u200d.png", hostile: 1}}
    path = _picture(tmp_path, record)
    for options in ([], ["--json"], ["--check_inputs"]):
        assert provenance.main([path, *options]) == 0
        printed = capsys.readouterr()
        assert printable.printable(printed.out + printed.err) == printed.out + printed.err
        assert ("\n--style_image=b\u200d.png\n" in printed.out) == (options != ["--json"])
        assert "\n--content_image" not in printed.out
    assert provenance.main([f"{tmp_path}/\x1b[2J.png"]) == 2
    assert "\\x1b[2J" in capsys.readouterr().err


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_texts_of_a_png_are_found_without_unpacking_others(tmp_path):
    plain = tmp_path / "plain.png"
    export.save_image(np.zeros([9, 9, 3], np.uint8), plain)
    data = plain.read_bytes()
    bomb = _chunk(b"zTXt", b"prompt\0\0" + zlib.compress(bytes(10**8)))
    packed = {
        b"iTXt": b"nst_keras\0\1\0en\0\xc3\xb6\0" + zlib.compress("grün".encode()),
        b"zTXt": b"nst_keras\0\0" + zlib.compress("grün".encode("latin-1")),
        b"tEXt": "nst_keras\0grün".encode("latin-1"),
    }
    for name, body in packed.items():
        plain.write_bytes(data[:-12] + bomb + _chunk(name, body) + data[-12:])
        assert metadata.read(plain) == "grün"
    plain.write_bytes(data[:33] + _chunk(b"iTXt", b"nst_keras\0\1\0\0\0" + zlib.compress(bytes(10**8))) + data[33:])
    assert metadata.read(plain) is None
    plain.write_bytes(data[:33] + _chunk(b"iTXt", b"nst_keras\0\1\0\0\0no zlib") + data[33:])
    assert metadata.read(plain) is None
    plain.write_bytes(data[:33] + b"\xff\xff\xff\xfftEXt" + data[33:])
    with pytest.raises(ValueError, match="^path: .* is damaged"):
        metadata.read(plain)


@pytest.mark.parametrize("smuggled", ["\udcc2\udc85", "\udce2\udc80\udca8", "\udcc2\udc9b2J", "\u2028", "\n"])
def test_bytes_of_a_name_are_no_way_to_smuggle_a_line_or_a_control_character(smuggled):
    made = _naming(f"a.png{smuggled}--overwrite")
    lines = provenance.flagfile(made).split("\n")
    assert not any(line.startswith("--content_image") for line in lines)
    assert any(line.startswith("# No flag can say") for line in lines)


def test_names_keep_the_bytes_that_are_no_utf_8(tmp_path):
    text = provenance.flagfile(_naming("gr\udcc3\udcb6\udcc3\udc9fe lat\udcffin.png"))
    assert "--content_image=größe lat\udcffin.png" in text.split("\n")
    export.write_text(tmp_path / "a.flags", text)
    assert "--content_image=größe lat".encode() + b"\xffin.png\n" in (tmp_path / "a.flags").read_bytes()
