"""What hosts are shown is recorded on the device, once for each state that is shown."""

from __future__ import annotations

import pytest

from edge_runtime.runtime import open_home
from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import ErrorCode
from sync_protocol.audit import AuditRecord
from tests.support.audit_records import opened
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.homes import NOTE, PASSPHRASE
from tests.unit.mobile_bridge.hosts import Host, InProcessWire, Refused


def acts(world: World) -> list[AuditRecord]:
    """The records on the tablet, those of charts first; its home must be closed."""
    with open_home(world.homes / "tablet", PASSPHRASE) as runtime:
        streams = [*runtime.keyring.charts(), *runtime.keyring.ledgers()]
        found = [record for chart in streams for _, record in opened(runtime.store, runtime.keyring, chart)]
    return [record for record in found if isinstance(record, AuditRecord)]


def test_what_is_shown_is_recorded_once_a_state(world: World) -> None:
    """A list, a chart and a document each; again only when what is shown has changed. A change shows nothing."""
    with Bridge(world.homes) as bridge:
        host = Host(InProcessWire(bridge))
        host.open("tablet")
        place = {"chart": world.chart, "document": world.encounter}
        for _ in range(3):
            list(host.stream("charts.list"))
            host.call("chart.open", chart=world.chart)
            read = host.call("document.read", **place)
        host.call("document.change", **place, base=read["version"], section="subjective", text=f"{NOTE} Better.")
        host.call("document.read", **place)
    found = acts(world)
    assert [record.kind.name for record in found] == [
        "data_accessed",
        "data_accessed",
        "data_accessed",
        "unlocked",
        "charts_listed",
    ]
    summary, first, second = found[:3]
    assert (summary.documents, len(first.documents), first.fields) == ((), 1, second.fields)
    assert "text.subjective" in first.fields
    assert first.seen != second.seen


def test_each_host_that_opens_the_home_is_recorded_and_so_is_who_may_not(world: World) -> None:
    """A second host's wrong passphrase is counted as the first one's is."""
    with Bridge(world.homes) as bridge:
        one, two = Host(InProcessWire(bridge)), Host(InProcessWire(bridge))
        with pytest.raises(Refused) as refused:
            two.call("session.open", home="tablet", passphrase="wrong")
        assert refused.value.code is ErrorCode.WRONG_PASSPHRASE
        one.open("tablet")
        with pytest.raises(Refused):
            two.call("session.open", home="tablet", passphrase="wrong")
        two.open("tablet")
        one.open("tablet")
    counts = [(record.kind.name, record.count) for record in acts(world)]
    assert counts == [("unlock_failed", 1), ("unlocked", None), ("unlock_failed", 1), ("unlocked", None)]
