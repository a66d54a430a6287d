"""What of the timeline a person asks for, and who saw a chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_runtime.audit.event import LISTINGS, READS, Event, Who
from sync_protocol.audit import Result, Risk
from sync_protocol.ids import ChartId, DeviceId, UserId
from sync_protocol.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters; one that is None or empty lets everything pass.

    Attributes:
        chart: acts on this chart, those in ledgers that name it included.
        kinds: names of the catalogue.
        risk: this level at least.
        since_ms, until_ms: by the authors' clocks; `until_ms` is not included.
    """

    chart: ChartId | None = None
    user: UserId | None = None
    device: DeviceId | None = None
    kinds: frozenset[str] = frozenset()
    risk: Risk | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def may_hold(self, who: Who, wall_ms: int) -> bool:
        """Whether an entry can be among the chosen, as far as its header says."""
        return (
            (self.user is None or who.user == self.user)
            and (self.device is None or who.device == self.device)
            and (self.since_ms is None or wall_ms >= self.since_ms)
            and (self.until_ms is None or wall_ms < self.until_ms)
        )

    def words(self) -> dict[str, str]:
        """The filters that are set, as an audit record names them."""
        said = {
            "chart": self.chart,
            "user": self.user,
            "device": self.device,
            "kinds": ",".join(sorted(self.kinds)),
            "risk": None if self.risk is None else self.risk.name.lower(),
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
        }
        return {name: str(value) for name, value in said.items() if value is not None and value != ""}

    def holds(self, event: Event) -> bool:
        """Whether an event is among the chosen."""
        return (
            self.may_hold(event.who, event.wall_ms)
            and (self.chart is None or event.concerns(self.chart))
            and (not self.kinds or event.what.kind.name in self.kinds)
            and (self.risk is None or event.what.risk >= self.risk)
        )


@dataclass(slots=True, kw_only=True)
class Sight:
    """One person on one device, and how often they saw a chart.

    Attributes:
        count: acts by which they saw what stands in it.
        listed: lists and searches that showed that it is there.
        kinds: how often each.
        first_ms, last_ms: by that device's clock.
    """

    user: UserId
    role: Role
    device: DeviceId
    first_ms: int
    last_ms: int
    count: int = 0
    listed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, object]:
        """The stable form for machines."""
        return {
            "user": str(self.user),
            "role": self.role.value,
            "device": str(self.device),
            "count": self.count,
            "listed": self.listed,
            "kinds": dict(sorted(self.kinds.items())),
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
        }


def who_saw(events: Iterable[Event], chart: ChartId) -> list[Sight]:
    """Who saw a chart, the one who saw it last at the end. Refused and failed attempts are not among it."""
    found: dict[tuple[UserId, DeviceId, Role], Sight] = {}
    for event in events:
        name, who, at = event.what.kind.name, event.who, event.wall_ms
        if name not in READS | LISTINGS or event.what.result is not Result.DONE or not event.concerns(chart):
            continue
        person = (who.user, who.device, who.role)
        sight = found.get(person)
        if sight is None:
            sight = Sight(user=who.user, role=who.role, device=who.device, first_ms=at, last_ms=at)
            found[person] = sight
        sight.first_ms, sight.last_ms = min(sight.first_ms, at), max(sight.last_ms, at)
        sight.kinds[name] += 1
        sight.count += name in READS
        sight.listed += name in LISTINGS
    return sorted(found.values(), key=lambda one: (one.last_ms, one.user, one.device))
