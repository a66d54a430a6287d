"""What happened on this device, told to whoever shows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge_runtime.events import Alarmed, Changed, Event, Events, Synced
from sync_protocol.ids import ChartId

if TYPE_CHECKING:
    import pytest


def test_every_subscriber_hears_it() -> None:
    """An event reaches everyone in order of subscription, before `publish` returns."""
    events, heard = Events(), list[tuple[int, Event]]()
    events.subscribe(lambda event: heard.append((1, event)))
    events.subscribe(lambda event: heard.append((2, event)))
    change = Changed(frozenset({ChartId(bytes(16))}))
    events.publish(change)
    assert heard == [(1, change), (2, change)]


def test_a_subscription_ends() -> None:
    """After unsubscribing nothing comes; again is nothing; one callable's two subscriptions end one by one."""
    events, heard = Events(), list[Event]()
    first, second = events.subscribe(heard.append), events.subscribe(heard.append)
    first()
    first()
    events.publish(Alarmed("one"))
    second()
    events.publish(Alarmed("two"))
    assert heard == [Alarmed("one")]


def test_subscribing_while_an_event_is_told() -> None:
    """A subscriber may end subscriptions or add some; that counts from the next event on."""
    events, heard = Events(), list[str]()

    def once(_: Event) -> None:
        heard.append("once")
        end()
        events.subscribe(lambda _: heard.append("later"))

    end = events.subscribe(once)
    events.publish(Alarmed("a"))
    events.publish(Alarmed("b"))
    assert heard == ["once", "later"]


def test_a_failing_subscriber_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Who fails keeps neither the writer nor the next subscriber from going on; the log names types, never words."""
    events, heard = Events(), list[Event]()

    def fail(_: Event) -> None:
        raise ValueError("Zofia Wielgus")

    events.subscribe(fail)
    events.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        events.publish(Synced(received=1, receipted=2, pending=3))
    assert heard == [Synced(received=1, receipted=2, pending=3)]
    assert "Synced" in caplog.text
    assert "ValueError" in caplog.text
    assert "Wielgus" not in caplog.text
