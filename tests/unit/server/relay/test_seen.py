"""Whose chain was seen when: by arrival at the relay, kept over restarts, and told without names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.relay.seen import DAY_MS, Arrival, Policy, Watch, begin_watching, recall_arrivals, sights, watching_since
from sync_protocol.ids import CertificateHash
from sync_protocol.labels import Label
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import HybridSigningKey
from tests.support.charts import ChartWriter
from tests.support.databases import BOTH, fresh, sql_store
from tests.support.people import Device, Organisation
from tests.support.relay_room import open_bench
from tests.support.relay_server import RelayThread

POLICY = Policy(unseen_after_days=14, since_ms=0)
LONG_MS = 400 * DAY_MS


@pytest.fixture
def organisation() -> Organisation:
    """An organisation for this test alone."""
    return Organisation.make(23)


def name(device: Device) -> CertificateHash:
    """A device's certificate."""
    return CertificateHash(device.certificate.hash)


class TestSights:
    def test_silence_counts_from_the_last_arrival(self, organisation: Organisation) -> None:
        """Overdue when more than the allowed days have passed, to the millisecond; what came counts, by arrival."""
        nurse = organisation.device(Role.NURSE, life_ms=LONG_MS)
        at = organisation.clock.now_ms + 100 * DAY_MS
        last = {name(nurse): Arrival(5, at)}
        for passed, overdue in ((0, False), (14 * DAY_MS, False), (14 * DAY_MS + 1, True)):
            (sight,) = sights([nurse.certificate], last, POLICY, now_ms=at + passed)
            assert (sight.certificate, sight.last, sight.silent_ms) == (name(nurse), Arrival(5, at), at)
            assert (sight.current, sight.overdue) == (True, overdue)

    def test_a_device_that_never_came_is_silent_since_it_was_certified(self, organisation: Organisation) -> None:
        """It may be lost between enrolment and its first sync."""
        nurse = organisation.device(Role.NURSE, life_ms=LONG_MS)
        issued_ms = nurse.certificate.value.issued_ms
        for passed, overdue in ((14 * DAY_MS, False), (15 * DAY_MS, True)):
            (sight,) = sights([nurse.certificate], {}, POLICY, now_ms=issued_ms + passed)
            assert (sight.last, sight.silent_ms, sight.overdue) == (None, issued_ms, overdue)

    def test_nobody_is_overdue_for_a_time_that_was_not_watched(self, organisation: Organisation) -> None:
        """A relay that begins to note arrivals gives everybody the days from then on."""
        nurse = organisation.device(Role.NURSE, life_ms=LONG_MS)
        since_ms = organisation.clock.now_ms + 200 * DAY_MS
        policy = Policy(unseen_after_days=1, since_ms=since_ms)
        for last in ({}, {name(nurse): Arrival(5, 0)}):
            for passed, overdue in ((-DAY_MS, False), (DAY_MS, False), (DAY_MS + 1, True)):
                (sight,) = sights([nurse.certificate], last, policy, now_ms=since_ms + passed)
                assert sight.overdue is overdue

    def test_replaced_and_expired_certificates_are_not_missed(self, organisation: Organisation) -> None:
        """Only the newest certificate of a device counts, and only as long as it is good."""
        old = organisation.device(Role.NURSE, life_ms=LONG_MS)
        short = organisation.device(Role.NURSE, life_ms=DAY_MS)
        key = organisation.admin.key
        assert isinstance(key, HybridSigningKey)
        renewed = replace(old.certificate.value, issued_ms=organisation.clock())
        new = sign_hybrid(renewed, key, Label.CERTIFICATE)
        found = sights(
            [new, old.certificate, short.certificate], {}, POLICY, now_ms=organisation.clock.now_ms + 20 * DAY_MS
        )
        assert [(sight.current, sight.overdue) for sight in found] == [(True, True), (False, False), (False, False)]


class TestWatch:
    def test_it_tells_numbers_and_the_oldest(self, organisation: Organisation) -> None:
        """How many are enrolled and overdue, and of the one silent for longest its short hash and the days."""
        first, second, third = (organisation.device(Role.NURSE, life_ms=LONG_MS) for _ in range(3))
        now_ms = organisation.clock.now_ms + 30 * DAY_MS
        watch = Watch(organisation.trust(), {}, POLICY)
        admin = name(organisation.admin)
        watch.note({name(first): Arrival(0, now_ms - 20 * DAY_MS), admin: Arrival(1, now_ms)})
        watch.note({name(third): Arrival(2, now_ms - 15 * DAY_MS)})
        state, told = watch.told(now_ms)
        oldest = {"certificate": name(second).short, "days": 30}
        assert state == "attention"
        assert told == {"enrolled": 4, "overdue": 3, "unseen_after_days": 14, "oldest": oldest}
        watch.note({name(device): Arrival(9, now_ms) for device in (first, second, third)})
        assert watch.told(now_ms) == (
            "ok",
            {"enrolled": 4, "overdue": 0, "unseen_after_days": 14, "oldest": None},
        )

    def test_the_writer_tells_it_whose_entries_came(self, tmp_path: Path, organisation: Organisation) -> None:
        """After each commit and for new entries alone; the store tells the same after a restart."""
        with open_bench(tmp_path, organisation) as bench:
            one = ChartWriter.begin(organisation.device(Role.PHYSICIAN).session())
            other = ChartWriter.begin(organisation.device(Role.NURSE).session())
            for chart in (one, other):
                bench.commit(chart.session, entries=chart.written)
            first = dict(bench.watch._last)
            bench.commit(other.session, entries=other.written)  # duplicates: nothing was seen
            assert bench.watch._last == first
            count = len(one.written)
            entries = one.write(count=3)
            bench.commit(one.session, entries=entries)
            known = bench.watch._last
            assert known[name(one.session.device)].log_index == count + len(other.written) + 2
            assert known[name(one.session.device)].arrived_ms > first[name(other.session.device)].arrived_ms
            assert known[name(other.session.device)] == first[name(other.session.device)]
            assert recall_arrivals(bench.store._engine) == known

    def test_a_further_session_of_the_device_counts(self, tmp_path: Path, organisation: Organisation) -> None:
        """The newest entry of any of its sessions is what is known of a certificate."""
        device = organisation.device(Role.PHYSICIAN)
        with open_bench(tmp_path, organisation) as bench:
            for _ in range(3):
                chart = ChartWriter.begin(device.session())
                bench.commit(chart.session, entries=chart.written)
            size = bench.store.size()
            assert recall_arrivals(bench.store._engine) == bench.watch._last
            assert bench.watch._last[name(device)].log_index == size - 1


@pytest.mark.parametrize("engine", BOTH)
def test_a_relay_remembers_when_it_began_to_watch(engine: str, tmp_path: Path) -> None:
    """Once, at its first start."""
    with sql_store(fresh(engine, tmp_path)) as store:
        assert watching_since(store) is None
        assert (begin_watching(store, 5), begin_watching(store, 7), watching_since(store)) == (5, 5, 5)


@pytest.fixture
def room(tmp_path: Path, organisation: Organisation) -> Iterator[RelayThread]:
    """A relay by the organisation's clock."""
    with RelayThread(tmp_path / "home", organisation) as opened:
        yield opened


def test_health_asks_for_attention_and_stays_well(room: RelayThread, organisation: Organisation) -> None:
    """A silent device is not the relay's illness: status ok and 200, but the part says attention; and no names."""
    nurse = organisation.device(Role.NURSE, life_ms=LONG_MS)
    admin = name(organisation.admin)
    last = {admin: Arrival(3, organisation.clock.now_ms + 16 * DAY_MS)}
    room.services.watch = Watch(organisation.trust(), last, POLICY)
    at = organisation.clock.now_ms + 17 * DAY_MS
    room.services.now_ms = lambda: at
    status, _, body = room.request("GET", "/v1/health")
    told = json.loads(body)
    assert (status, told["status"], told["parts"]["devices"]) == (200, "ok", "attention")
    assert told["devices"]["overdue"] == 1
    assert told["devices"]["oldest"] == {"certificate": name(nurse).short, "days": 17}
    assert nurse.certificate.value.user.hex() not in body.decode()
    assert name(nurse).hex() not in body.decode()
