import threading

import pytest

from nst_keras.cli.studio import turns as turns_lib
from tests.cli.studio.conftest import until


def stays():
    return True


def begin(turns, ticket):
    """Waits for a turn in a thread: what it was told of those before it, and an event for its turn."""
    told, has_turn = [], threading.Event()

    def wait():
        for before in turns.wait(ticket, stays=stays, every=0.02):
            told.append(before)
        has_turn.set()

    threading.Thread(target=wait, daemon=True).start()
    until(lambda: told or has_turn.is_set())
    return told, has_turn


def test_each_waits_for_those_who_came_before():
    turns = turns_lib.Turns(1, 5)
    assert list(turns.wait("a", stays=stays)) == []
    (told_b, b), (told_c, c) = begin(turns, "b"), begin(turns, "c")
    assert (set(told_b), set(told_c)) == ({1}, {2})
    turns.leave("a")
    assert b.wait(5)
    until(lambda: told_c[-1] == 1)
    assert not c.is_set()
    turns.leave("b")
    assert c.wait(5)


def test_several_have_a_turn_at_once():
    turns = turns_lib.Turns(2, 5)
    for ticket in "ab":
        assert list(turns.wait(ticket, stays=stays)) == []
    told, third = begin(turns, "c")
    assert set(told) == {1}
    turns.leave("b")
    assert third.wait(5)


def test_one_who_goes_leaves_the_line():
    turns = turns_lib.Turns(1, 5)
    list(turns.wait("a", stays=stays))
    looks = iter([True, True, False])
    assert list(turns.wait("b", stays=lambda: next(looks), every=0.01)) == [1, 1]
    turns.leave("b")
    turns.leave("b")
    turns.leave("a")
    assert list(turns.wait("c", stays=stays)) == []


def test_one_too_many_is_told_to_come_back():
    turns = turns_lib.Turns(1, 1)
    list(turns.wait("a", stays=stays))
    begin(turns, "b")
    with pytest.raises(RuntimeError, match="The studio is full: 1 are waiting. Come back"):
        next(turns.wait("c", stays=stays))
