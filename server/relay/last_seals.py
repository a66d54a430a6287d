"""How far each session of some device or user had come by a moment: what an administrator needs to cut it there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select

from server.relay.database import slices
from server.relay.models import SealRow, SessionRow, table
from sync_protocol.ids import CertificateHash, SessionId

if TYPE_CHECKING:
    from sqlalchemy import Connection

SESSIONS_MAX: Final = 8192
"""Sessions in one answer, the newest."""
_ASKED_MAX: Final = 400
_SEAL: Final = table(SealRow)
_SESSION: Final = table(SessionRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeal:
    """A session, and the last seal of it that was here by some moment.

    Attributes:
        wire: the session's record.
        seal: None where no seal had come.
        received_ms: when that came, in Unix milliseconds by the relay's clock; None where nobody noted it.
    """

    session: SessionId
    wire: bytes
    seal: bytes | None
    received_ms: int | None


def last_seals(
    connection: Connection, certificates: Collection[CertificateHash], *, before_ms: int | None
) -> list[LastSeal]:
    """The sessions of some certificates in order of arrival, at most SESSIONS_MAX, each with its last seal.

    Args:
        connection: to read by.
        certificates: whose sessions.
        before_ms: leave out what is known to have come then or later; what came before the relay noted times stays in.
    """
    rows: list[tuple[int, bytes, bytes]] = []
    mine = select(_SESSION.c.arrival, _SESSION.c.id, _SESSION.c.wire)
    for some in slices(sorted(certificates), _ASKED_MAX):
        query = mine.where(_SESSION.c.certificate.in_(some)).order_by(_SESSION.c.arrival.desc()).limit(SESSIONS_MAX)
        rows += [tuple(row) for row in connection.execute(query)]
    return [_last(connection, name, wire, before_ms) for _, name, wire in sorted(rows)[-SESSIONS_MAX:]]


def _last(connection: Connection, name: bytes, wire: bytes, before_ms: int | None) -> LastSeal:
    query = select(_SEAL.c.wire, _SEAL.c.received_ms).where(_SEAL.c.session == name)
    if before_ms is not None:
        query = query.where(or_(_SEAL.c.received_ms.is_(None), _SEAL.c.received_ms < before_ms))
    found = connection.execute(query.order_by(_SEAL.c.number.desc(), _SEAL.c.hash).limit(1)).one_or_none()
    seal, received_ms = (None, None) if found is None else tuple(found)
    return LastSeal(session=SessionId(name), wire=wire, seal=seal, received_ms=received_ms)
