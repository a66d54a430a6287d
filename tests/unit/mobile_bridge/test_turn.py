"""The turn: one at a time, in the order of asking."""

from __future__ import annotations

import threading

import pytest

from mobile_bridge.turn import Turn


def test_one_at_a_time() -> None:
    """However many threads ask, no two are inside."""
    turn = Turn()
    inside, worst = 0, 0
    done: list[None] = []

    def work() -> None:
        nonlocal inside, worst
        for _ in range(200):
            with turn:
                inside += 1
                worst = max(worst, inside)
                inside -= 1
        done.append(None)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == 4
    assert worst == 1


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
