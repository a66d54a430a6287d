"""When each device's chain was last seen here, and whose has not been for longer than the organisation allows.

A device that is lost, broken or kept from syncing shows by its silence. What is known are hashes and times, no names:
who a certificate belongs to, the organisation's devices know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, select

from server.relay.models import SessionRow, SessionSeen, table
from sync_protocol.certificates import Certificate, Trust
from sync_protocol.ids import CertificateHash, DeviceId
from sync_protocol.signed import Verified

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from server.relay.store import SqlStore

DAY_MS: Final = 24 * 60 * 60 * 1000
_SINCE: Final = "watching_since_ms"
_SESSION: Final = table(SessionRow)
_SEEN: Final = table(SessionSeen)


class Arrival(NamedTuple):
    """The newest entry of a certificate.

    Attributes:
        log_index: where it stands.
        arrived_ms: by the relay's clock; 0 if it came before the relay noted when.
    """

    log_index: int
    arrived_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How it is with one certificate.

    Attributes:
        certificate: its hash.
        last: its newest entry; None if there is none.
        silent_ms: since when, in Unix milliseconds, nothing was seen of it.
        current: whether it is its device's newest and has not expired.
        overdue: whether it is current and silent for longer than allowed.
    """

    certificate: CertificateHash
    last: Arrival | None
    silent_ms: int
    current: bool
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What counts as too long.

    Attributes:
        unseen_after_days: how many days a device may be silent.
        since_ms: when the relay began to watch; nobody is silent since earlier.
    """

    unseen_after_days: int
    since_ms: int


def sights(
    certificates: Collection[Verified[Certificate]],
    last: Mapping[CertificateHash, Arrival],
    policy: Policy,
    *,
    now_ms: int,
) -> list[Sight]:
    """How it is with each certificate, in the given order.

    A certificate of which nothing was seen yet is silent since it was issued.

    Args:
        certificates: of one organisation.
        last: their newest entries.
        policy: what is allowed.
        now_ms: the relay's clock, in Unix milliseconds.
    """
    newest: dict[DeviceId, tuple[int, bytes]] = {}
    for certificate in certificates:
        record = certificate.value
        rank = (record.issued_ms, certificate.hash)
        newest[record.device] = max(rank, newest.get(record.device, rank))
    found: list[Sight] = []
    for certificate in certificates:
        record, name = certificate.value, CertificateHash(certificate.hash)
        arrival = last.get(name)
        silent_ms = max(policy.since_ms, record.issued_ms if arrival is None else arrival.arrived_ms)
        current = newest[record.device][1] == name and record.not_after_ms > now_ms
        overdue = current and now_ms - silent_ms > policy.unseen_after_days * DAY_MS
        found.append(Sight(certificate=name, last=arrival, silent_ms=silent_ms, current=current, overdue=overdue))
    return found


class Watch:
    """The running relay's memory of when it saw whom: asked by health, told by the writer after each commit."""

    def __init__(self, trust: Trust, last: Mapping[CertificateHash, Arrival], policy: Policy) -> None:
        """Go on from what the store had; `trust` has the certificates."""
        self._trust = trust
        self._last = dict(last)
        self._policy = policy

    def note(self, arrivals: Mapping[CertificateHash, Arrival]) -> None:
        """Take over what a commit brought; in the writer's thread alone."""
        self._last.update(arrivals)

    def told(self, now_ms: int) -> tuple[str, dict[str, object]]:
        """The state of the devices in a word, `ok` or `attention`, and in numbers."""
        found = sights(self._trust.certificates(), self._last, self._policy, now_ms=now_ms)
        overdue = [sight for sight in found if sight.overdue]
        oldest = min(overdue, key=lambda sight: sight.silent_ms, default=None)
        told: dict[str, object] = {
            "enrolled": sum(sight.current for sight in found),
            "overdue": len(overdue),
            "unseen_after_days": self._policy.unseen_after_days,
            "oldest": None
            if oldest is None
            else {"certificate": oldest.certificate.short, "days": (now_ms - oldest.silent_ms) // DAY_MS},
        }
        return "attention" if overdue else "ok", told


def recall_arrivals(engine: Engine) -> dict[CertificateHash, Arrival]:
    """Of each certificate the newest entry that the store has."""
    newest = (
        select(_SESSION.c.certificate, func.max(_SEEN.c.log_index).label("log_index"))
        .join(_SEEN, _SEEN.c.session == _SESSION.c.id)
        .group_by(_SESSION.c.certificate)
        .subquery()
    )
    query = select(newest.c.certificate, _SEEN.c.log_index, _SEEN.c.arrived_ms).join(
        newest, newest.c.log_index == _SEEN.c.log_index
    )
    with engine.connect() as connection:
        return {CertificateHash(name): Arrival(index, at) for name, index, at in connection.execute(query)}


def begin_watching(store: SqlStore, now_ms: int) -> int:
    """When this relay began to watch, in Unix milliseconds: now, if it never did."""
    since_ms = watching_since(store)
    if since_ms is None:
        store.put_value(_SINCE, b"%d" % now_ms)
        return now_ms
    return since_ms


def watching_since(store: SqlStore) -> int | None:
    """When this relay began to watch, in Unix milliseconds."""
    kept = store.get_value(_SINCE)
    return None if kept is None else int(kept)
