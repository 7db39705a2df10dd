import hashlib

from nst_keras.images import digests


def test_a_file_has_the_digest_that_other_programs_give_it(tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    assert digests.digest(tmp_path / "a.png") == hashlib.sha256(b"pixels").hexdigest()
    assert digests.digest((tmp_path / "a.png").as_uri()) == hashlib.sha256(b"pixels").hexdigest()
    assert digests.digest("sample:swirls") is digests.digest("a" * 5000) is digests.digest("a\0b") is None


def test_a_folders_digest_is_of_its_pictures_names_and_bytes(tmp_path):
    (tmp_path / "a.png").write_bytes(b"one")
    (tmp_path / "b.png").write_bytes(b"two")
    first = digests.digest(tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")
    assert digests.digest(str(tmp_path)) == first
    (tmp_path / "b.png").rename(tmp_path / "c.png")
    renamed = digests.digest(tmp_path)
    (tmp_path / "c.png").write_bytes(b"three")
    changed = digests.digest(tmp_path)
    (tmp_path / "c.png").unlink()
    assert len({first, renamed, changed, digests.digest(tmp_path)}) == 4
