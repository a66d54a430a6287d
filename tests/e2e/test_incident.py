"""A ferry hits a pier: 60 casualties on four phones without a network, merged at a kit, identified later.

Real stores, keys and meetings, in one process: each phone reads and writes only what it has. Beside the phones stands
a log of who triaged whom as what, and what that phone showed then; the claims are checked against it, not against the
rules that they test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from edge_runtime.access.teams import Teams
from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.scores.catalogue import score
from edge_runtime.errors import RefusedError
from edge_runtime.facts import FactId
from edge_runtime.incidents.board import Board
from edge_runtime.incidents.desk import Incidents
from edge_runtime.incidents.registering import Newcomer, Registered
from edge_runtime.incidents.row import Presence, Row, Urgency
from sync_protocol.encoding import Value
from sync_protocol.ids import ChartId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry
from tests.unit.edge_runtime.sync.meeting_pair import meet
from tests.unit.edge_runtime.test_verdicts import _revoke

MINUTE_MS: Final = 60_000
FIRST: Final = ("red", "red", "yellow", "yellow", "yellow", "green", "green", "green", "green", "grey")
"""What a phone finds, over and over."""
EACH: Final = 15
TAG: Final = "A-0042"
WEAK: Final[dict[str, object]] = {"walks": False, "respiratory_rate": 36}
STEADY: Final[dict[str, object]] = {
    "walks": False,
    "respiratory_rate": 22,
    "radial_pulse": True,
    "obeys_commands": True,
}


@dataclass(frozen=True)
class Said:
    """One triage, as its author made it: what it was, its fact, and the facts that its author saw standing then."""

    chart: str
    to: Triage
    fact: FactId
    saw: frozenset[FactId]


@dataclass
class Scene:
    """The phones, the kit, and the log beside them."""

    clinic: Clinic
    kit: Device
    phones: list[Device]
    incident: ChartId
    log: list[Said] = field(default_factory=list)
    made: list[Registered] = field(default_factory=list)

    def desk(self, device: Device) -> Incidents:
        """What a person works with."""
        return Incidents(device.charts, device.identity, device.keyring)

    def board(self, device: Device) -> Board:
        """What a device shows."""
        return self.desk(device).board(self.incident)

    def row(self, device: Device, chart: ChartId | str) -> Row:
        """One casualty as a device shows it."""
        found = self.board(device).of(str(chart))
        assert found is not None
        return found

    def register(self, device: Device, *newcomers: Newcomer) -> tuple[Registered, ...]:
        """Register, and log what the first triage is."""
        self.clinic.clock.now_ms += MINUTE_MS
        made = self.desk(device).register(self.incident, newcomers)
        for one in made:
            own = self.row(device, one.chart).own
            assert own is not None
            self.log.extend(
                Said(str(one.chart), Triage(str(fact.fact.payload["to"])), fact.id, frozenset()) for fact in own.heads
            )
        self.made.extend(made)
        return made

    def triage(self, device: Device, chart: ChartId, payload: dict[str, Value], *, lower: bool = False) -> None:
        """Triage again, and log what its author saw."""
        self.clinic.clock.now_ms += MINUTE_MS
        before = self.row(device, chart)
        assert before.own is not None
        saw = frozenset(fact.id for fact in before.own.heads)
        self.desk(device).triage(self.incident, [before], payload, lower=lower)
        after = self.row(device, chart).own
        assert after is not None
        (new,) = [fact for fact in after.heads if fact.id not in saw]
        self.log.append(Said(str(chart), Triage(str(payload["to"])), new.id, saw))


def judged(system: str, given: dict[str, object]) -> dict[str, Value]:
    """What a flow chart says."""
    return score(system, given).triage_payload()


def by_eye(category: Triage) -> dict[str, Value]:
    """A person's own judgement."""
    return {"to": category.value, "system": "clinical"}


def standing(log: Sequence[Said], chart: str) -> list[Triage]:
    """What nobody who saw it replaced, by the log alone."""
    about = [said for said in log if said.chart == chart]
    seen = frozenset().union(*(said.saw for said in about))
    return [said.to for said in about if said.fact not in seen]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A nurse's kit with an incident, four phones that know of it, and nobody else in reach."""
    clinic = Clinic(tmp_path)
    clinic.device(Role.COMPLIANCE_OFFICER)
    kit = clinic.device(Role.NURSE)
    phones = [clinic.device(role) for role in [Role.EMERGENCY_RESPONDER] * 3 + [Role.PHYSICIAN]]
    teams = Teams(kit.store, kit.identity, kit.keyring, kit.recorder)
    team = teams.create("Ferry", sensitive=False)
    for phone in phones:
        teams.add(team, phone.id)
    incident = Incidents(kit.charts, kit.identity, kit.keyring).begin("Ferry, pier 4", team)
    for phone in phones:
        meet(phone, kit)
    yield Scene(clinic, kit, phones, incident)
    clinic.close()


def fill(scene: Scene) -> None:
    """15 casualties on each phone: 12 with numbers of its own, the others alone; a printed tag is used twice."""
    for phone in scene.phones:
        many = [Newcomer(triage=by_eye(_category(FIRST[at % len(FIRST)]))) for at in range(EACH - 2)]
        scene.register(phone, *many)
        scene.register(phone, Newcomer(triage=judged("start", WEAK)))
    for phone in scene.phones[:2]:
        scene.register(phone, Newcomer(number=TAG, triage=by_eye(Triage.DELAYED)))
    for phone in scene.phones[2:]:
        scene.register(phone, Newcomer(note="nobody looked yet"))


def _category(colour: str) -> Triage:
    return {"red": Triage.IMMEDIATE, "yellow": Triage.DELAYED, "green": Triage.MINOR, "grey": Triage.EXPECTANT}[colour]


def everybody_meets(scene: Scene, *devices: Device) -> None:
    """Each meets the kit, twice, so that the first hears of the last."""
    for _ in range(2):
        for device in devices:
            meet(device, scene.kit)


def check_nobody_is_lost(scene: Scene, device: Device) -> None:
    """Each of those that were registered stands on the board once, with its number and its chart."""
    rows = {row.chart: row for row in scene.board(device).rows}
    assert len(rows) == len(scene.made)
    for one in scene.made:
        row = rows[str(one.chart)]
        assert one.number in row.numbers
        assert (row.presence, row.registered) == (Presence.HERE, True)


def check_nobody_is_downgraded(scene: Scene, device: Device) -> None:
    """What is shown is at least as urgent as all that nobody knowingly replaced; dead beside alive is red."""
    for row in scene.board(device).rows:
        found = standing(scene.log, row.chart)
        living = [one for one in found if one is not Triage.DECEASED]
        assert row.own is not None
        expected = max(found, key=[*Triage].index, default=None)
        if living and len(living) < len(found):
            expected = Triage.IMMEDIATE
            assert row.disputed
            assert ReviewKind.TRIAGE in {review.kind for review in row.reviews}
        assert row.own.value is expected
        kept = {fact.id for fact in (*row.own.heads, *row.own.history)}
        assert {said.fact for said in scene.log if said.chart == row.chart} == kept


def test_sixty_casualties_on_four_phones(scene: Scene):
    """Registered apart, re-triaged apart and against each other, merged at a kit, linked, identified: none is lost."""
    one, two, three, _ = scene.phones
    fill(scene)
    assert len(scene.made) == 60
    assert len({registered.number for registered in scene.made}) == 59
    assert [len(scene.board(phone).rows) for phone in scene.phones] == [EACH] * 4

    # Two phones meet at the water's edge, part, and say different things of the same people.
    meet(one, two)
    meet(two, one)
    yellow, red, faint = (scene.made[at].chart for at in (2, 0, 1))
    scene.triage(one, yellow, judged("start", WEAK))
    scene.triage(two, yellow, by_eye(Triage.DECEASED), lower=True)
    scene.triage(one, red, judged("start", STEADY), lower=True)
    scene.triage(two, red, by_eye(Triage.IMMEDIATE))
    green = scene.made[5].chart
    scene.triage(one, green, by_eye(Triage.IMMEDIATE))
    scene.triage(two, green, by_eye(Triage.MINOR))
    scene.triage(one, faint, by_eye(Triage.DELAYED), lower=True)
    with pytest.raises(RefusedError) as refused:
        scene.triage(two, faint, by_eye(Triage.MINOR))
    assert refused.value.code == "would_lower"

    # Three phones reach the kit; the fourth is late, and nobody has heard of what it holds.
    everybody_meets(scene, one, two, three)
    assert len(scene.board(scene.kit).rows) == 3 * EACH
    shown = {chart: scene.row(scene.kit, chart) for chart in (yellow, red, green, faint)}
    assert [row.shown for row in shown.values()] == [Triage.IMMEDIATE] * 3 + [Triage.DELAYED]
    assert shown[yellow].disputed
    (review,) = [found for found in shown[yellow].reviews if found.kind is ReviewKind.TRIAGE]
    assert len(review.values) == 2
    assert not shown[red].disputed

    everybody_meets(scene, *scene.phones)
    for device in (scene.kit, *scene.phones):
        check_nobody_is_lost(scene, device)
        check_nobody_is_downgraded(scene, device)
        assert scene.board(device) == scene.board(scene.kit)
    assert sum(scene.board(scene.kit).counts().values()) == 60

    _two_with_one_tag(scene)
    _link_and_identify(scene)


def _two_with_one_tag(scene: Scene) -> None:
    """Both are shown, under one number, with one review; one of them gets another number."""
    desk = scene.desk(scene.kit)
    twins = scene.board(scene.kit).called(TAG)
    assert len(twins) == 2
    reviews = [review for row in twins for review in row.reviews if review.kind is ReviewKind.DUPLICATE_CASUALTY]
    assert len({review.id for review in reviews}) == 1
    assert len(reviews) == 2
    with pytest.raises(RefusedError, match="fits 2"):
        desk.casualty(scene.incident, TAG)
    desk.renumber(scene.incident, desk.casualty(scene.incident, twins[1].chart), "A-0043")
    scene.made = [Registered("A-0043", one.chart) if str(one.chart) == twins[1].chart else one for one in scene.made]
    assert not any(row.reviews for row in scene.board(scene.kit).called(TAG))


def _link_and_identify(scene: Scene) -> None:
    """Two were registered twice, and a third pair only seemed to be; later names become known."""
    desk, late = scene.desk(scene.kit), scene.phones[3]
    pairs = [(scene.made[0], scene.made[20]), (scene.made[8], scene.made[40]), (scene.made[9], scene.made[50])]
    for left, right in pairs:
        here, there = scene.row(scene.kit, left.chart), scene.row(scene.kit, right.chart)
        desk.link(scene.incident, here, there, "same tattoo", same=True)
    board = scene.board(scene.kit)
    assert board.patients == 57
    for left, right in pairs:
        here, there = scene.row(scene.kit, left.chart), scene.row(scene.kit, right.chart)
        both = [row.own.value for row in (here, there) if row.own is not None and row.own.value is not None]
        assert here.shown is there.shown is max(both, key=[*Triage].index)
        assert (here.linked, there.linked) == ((there.chart,), (here.chart,))
    brother, other = (scene.row(scene.kit, one.chart) for one in pairs[2])
    desk.link(scene.incident, brother, other, "two brothers", same=False)
    assert scene.board(scene.kit).patients == 58

    names = {str(one.chart): f"Passenger {at}" for at, one in enumerate(scene.made)}
    for chart, name in names.items():
        desk.identify(scene.row(scene.kit, chart), {"name": name, "according_to": "the passenger list"})
    everybody_meets(scene, *scene.phones)
    for device in (scene.kit, late):
        assert {row.chart: row.names for row in scene.board(device).rows} == {
            chart: (name,) for chart, name in names.items()
        }
        check_nobody_is_lost(scene, device)
        check_nobody_is_downgraded(scene, device)
        assert scene.board(device).patients == 58


def test_a_lost_phone_and_a_thief(scene: Scene):
    """What a phone handed to another before it sank is there; what a thief says with a stolen one lowers nobody."""
    one, two, stolen, sunk = scene.phones
    fill(scene)
    meet(sunk, two)
    sunk.store.close()
    scene.clinic.devices.remove(sunk)
    meet(stolen, scene.kit)
    carry(stolen, scene.clinic.admin)
    honest = [row.chart for row in scene.board(stolen).rows]
    log = list(scene.log)

    scene.clinic.clock.now_ms += MINUTE_MS
    for chart in honest:
        scene.triage(stolen, ChartId.parse(chart), by_eye(Triage.DECEASED), lower=True)
    (planted,) = scene.desk(stolen).register(scene.incident, [Newcomer(triage=by_eye(Triage.IMMEDIATE))])
    meet(stolen, scene.kit)
    assert scene.board(scene.kit).counts()[Urgency.DECEASED] == EACH
    scene.log = log
    _revoke(scene.clinic, stolen)
    carry(scene.clinic.admin, scene.kit)

    everybody_meets(scene, one, two)
    rows = {row.chart: row for row in scene.board(scene.kit).rows}
    assert {str(registered.chart) for registered in scene.made} <= set(rows)
    for registered in scene.made:
        row = rows[str(registered.chart)]
        assert row.shown is max(standing(log, row.chart), key=[*Triage].index, default=None)
        assert len(row.unverified) == (row.chart in honest)
    assert rows[str(planted.chart)].unverified
