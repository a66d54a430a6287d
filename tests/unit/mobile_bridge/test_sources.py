"""What streams give: series, and activity that is merged while nobody asks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.events import (
    Alarmed,
    Changed,
    ClinicalWorkflowStarted,
    CriticalAlert,
    Event,
    Synced,
    WorkflowCompleted,
    WorkflowStepCompleted,
)
from mobile_bridge.limits import ALARMS_MAX, CHARTS_IN_ITEM_MAX
from mobile_bridge.schema.contract import CONTRACT
from mobile_bridge.sources import Activity, Series
from sync_protocol.encoding import Value
from sync_protocol.ids import ChartId, DocumentId, UserId

ITEM = CONTRACT.commands["events.subscribe"].item


def chart(number: int) -> ChartId:
    """A chart's id."""
    return ChartId(number.to_bytes(16, "big"))


def drain(activity: Activity) -> list[Mapping[str, Value]]:
    """Everything that waits."""
    items = []
    while activity.ready:
        items.append(activity.take())
        assert ITEM is not None
        ITEM.check("item", items[-1])
    return items


def test_what_happens_in_a_workflow_is_a_chart_that_changed() -> None:
    """A host shows the chart again; a critical alert is an alarm by its code, once."""
    activity = Activity(on_close=lambda _: None)
    own, user = DocumentId(bytes(16)), UserId(bytes(16))
    for event in (
        ClinicalWorkflowStarted(
            chart=chart(1), document=own, user=user, workflow_type="encounter", priority=None, consent_verified=True
        ),
        WorkflowStepCompleted(chart=chart(1), document=own, user=user, step="s", steps=2, steps_closed=1),
        WorkflowCompleted(chart=chart(2), document=own, user=user, workflow_type="encounter", steps=2, steps_closed=2),
        CriticalAlert(chart(2), "news2.high"),
        CriticalAlert(chart(1), "potassium.high"),
    ):
        activity.add(event)
    assert activity.take() == {"kind": "alarmed", "code": "critical_alert"}
    assert activity.take() == {"kind": "changed", "charts": [str(chart(1)), str(chart(2))], "any_chart": False}
    assert not activity.ready


def test_changes_are_merged() -> None:
    """Each chart is named once, in order."""
    activity = Activity(on_close=lambda _: None)
    for number in (3, 1, 3):
        activity.add(Changed(frozenset({chart(number), chart(2)})))
    assert drain(activity) == [{"kind": "changed", "charts": [str(chart(n)) for n in (1, 2, 3)], "any_chart": False}]
    assert not activity.ready


def test_many_changes_are_any() -> None:
    """Beyond the limit it says that any chart may have changed, and holds none; afterwards it names them again."""
    activity = Activity(on_close=lambda _: None)
    for number in range(CHARTS_IN_ITEM_MAX + 5):
        activity.add(Changed(frozenset({chart(number)})))
    assert drain(activity) == [{"kind": "changed", "charts": [], "any_chart": True}]
    activity.add(Changed(frozenset({chart(1)})))
    assert drain(activity)[0]["any_chart"] is False


def test_syncs_are_summed() -> None:
    """What came in adds up; what waits is the newest count."""
    activity = Activity(on_close=lambda _: None)
    activity.add(Synced(received=2, receipted=1, pending=9))
    activity.add(Synced(received=3, receipted=4, pending=5))
    assert drain(activity) == [{"kind": "synced", "received": 5, "receipted": 5, "pending": 5}]


def test_alarms_come_first_and_once() -> None:
    """Each code is told once, before anything else, and only so many wait."""
    activity = Activity(on_close=lambda _: None)
    activity.add(Changed(frozenset({chart(1)})))
    for number in range(ALARMS_MAX + 5):
        activity.add(Alarmed(f"code_{number}"))
        activity.add(Alarmed(f"code_{number}"))
    items = drain(activity)
    assert [item["kind"] for item in items] == ["alarmed"] * ALARMS_MAX + ["changed"]
    assert items[0]["code"] == "code_0"


events = st.one_of(
    st.builds(Changed, st.frozensets(st.integers(0, 5).map(chart))),
    st.builds(Synced, received=st.integers(0, 9), receipted=st.integers(0, 9), pending=st.integers(0, 9)),
    st.builds(Alarmed, st.sampled_from(["a", "b"])),
)


@given(st.lists(events | st.none(), max_size=30))
def test_nothing_is_lost_however_often_a_host_asks(script: list[Event | None]) -> None:
    """Whenever a host takes, the union of what it hears is what happened."""
    activity = Activity(on_close=lambda _: None)
    heard: list[Mapping[str, Value]] = []
    for event in script:
        if event is not None:
            activity.add(event)
        elif activity.ready:
            heard.append(activity.take())
    heard += drain(activity)
    happened = [event for event in script if event is not None]
    charts = {str(name) for event in happened if isinstance(event, Changed) for name in event.charts}
    assert {name for item in heard for name in item.get("charts", [])} == charts
    synced = [event for event in happened if isinstance(event, Synced)]
    received = [item["received"] for item in heard if "received" in item]
    assert sum(one for one in received if isinstance(one, int)) == sum(event.received for event in synced)
    assert {item["code"] for item in heard if "code" in item} == {
        event.code for event in happened if isinstance(event, Alarmed)
    }


def test_a_series_ends_after_its_last_item() -> None:
    """Its end needs no further item to be asked for."""
    series = Series([1, 2], lambda thing: {"n": thing}, {"all": 2})
    assert [series.take(), series.finished, series.take()] == [{"n": 1}, False, {"n": 2}]
    assert series.finished
    assert not series.ready
    assert series.final() == {"all": 2}


def test_activity_never_ends_by_itself() -> None:
    """It has no final words."""
    activity = Activity(on_close=lambda _: None)
    assert not activity.finished
    with pytest.raises(AssertionError):
        activity.final()
