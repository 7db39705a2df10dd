import pytest

from nst_keras import checks


def test_a_folder_that_is_written_to_is_made(tmp_path):
    checks.make_folder("frames_dir", tmp_path / "made" / "deep")
    checks.make_folder("frames_dir", tmp_path / "made" / "deep")
    assert (tmp_path / "made" / "deep").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="frames_dir: .* is not a folder that can be written to .*Choose another"):
        checks.make_folder("frames_dir", tmp_path / "file")
