import pytest

from tests.durability import kill_campaign


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_pixels(capsys):
    """A short form of the campaign that is run by hand; its seed kills once by each signal."""
    assert kill_campaign.main(["--kills=2", "--seed=4", "--only", "pyramid"]) == 0
    assert "2 kills {'SIGKILL': 1, 'SIGTERM': 1}" in capsys.readouterr().out
