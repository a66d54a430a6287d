"""The turn: one at a time, in the order of asking."""

from __future__ import annotations

import threading

import pytest

from mobile_bridge.turn import Turn


def test_one_at_a_time() -> None:
    """Who asks while another has the turn waits until it is given on."""
    turn, got = Turn(), threading.Event()

    def ask() -> None:
        with turn:
            got.set()

    turn.acquire()
    thread = threading.Thread(target=ask)
    thread.start()
    assert not got.wait(0.1)
    turn.release()
    assert got.wait(10)
    thread.join(10)


def test_in_the_order_of_asking() -> None:
    """Who lets go and asks again at once comes after who waited: a busy thread starves nobody."""
    turn = Turn()
    order: list[str] = []
    asked = threading.Event()
    turn.acquire()

    def other() -> None:
        asked.set()
        with turn:
            order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    asked.wait(5)
    while turn._asked < 2:
        pass
    turn.release()
    with turn:
        order.append("busy")
    thread.join(5)
    assert order == ["other", "busy"]


def test_a_failure_gives_it_on() -> None:
    """An exception inside does not keep it."""
    turn = Turn()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turn:
            _ = 1 / 0
    assert turn._asked == turn._serving == 2
