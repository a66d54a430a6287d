"""The sessions of a device or user and where each ended: what a revocation cuts by.

An administrator's device does not hold what others wrote, so it asks the relay. What the relay answers is believed as
far as signatures go: sessions and seals are verified by their owners' keys. It could leave out what it has; then more
is kept apart for review than must be, and nothing is let through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.enrolment.answers import ANSWER_BYTES_MAX
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import Certificate, Session, Trust, open_session
from sync_protocol.encoding import decode
from sync_protocol.entries import Seal, open_seal
from sync_protocol.errors import PeerError, malformed
from sync_protocol.ids import FixedBytes, SealHash, SessionId
from sync_protocol.limits import CUTS_MAX, RECORD_BYTES_MAX, WALL_MS_MAX
from sync_protocol.records import Codec, identifier, many, octets, uint
from sync_protocol.revocation import Cut
from sync_protocol.signed import Signed, Verified

_ITEMS_MAX: Final = 1 << 16
_WIRES: Final = many(octets(1, RECORD_BYTES_MAX), _ITEMS_MAX)
_SESSION: Final[Codec[SessionId]] = identifier(SessionId)
_WIRE: Final = octets(1, RECORD_BYTES_MAX)
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Endings:
    """Where sessions ended.

    Attributes:
        cuts: the last seal of each session, of those that began last where there are more than a revocation names.
        left_out: how many sessions there are beyond that; what they wrote will await review.
    """

    cuts: Mapping[SessionId, Cut]
    left_out: int


class SessionBook:
    """Verified sessions of certain certificates, each with the last seal that is known of it."""

    def __init__(self, trust: Trust, covers: Callable[[Certificate], bool]) -> None:
        """Collect the sessions of certificates that `covers` says yes to; others are passed over."""
        self._trust = trust
        self._covers = covers
        self._sessions: dict[SessionId, tuple[int, Certificate]] = {}
        self._last: dict[SessionId, Cut] = {}

    def add_own(self, store: DeviceStore) -> None:
        """Take what this device knows itself."""
        for session in store.sessions():
            self._session(session)
        for name in self._sessions:
            last = store.last_seal(name)
            if last is not None:
                self._seal(last)

    def add_told(self, certificates: Iterable[bytes], sessions: Iterable[bytes], seals: Iterable[bytes]) -> int:
        """Take what a relay told; how many records did not verify, none of which is used."""
        unsound = 0
        for wires, take in (
            (certificates, self._told_certificate),
            (sessions, self._told_session),
            (seals, self._told_seal),
        ):
            for wire in wires:
                try:
                    take(wire)
                except PeerError:
                    unsound += 1
        return unsound

    def endings(self) -> Endings:
        """The last seal of each session that has one."""
        newest = sorted(self._last, key=lambda name: (self._sessions[name][0], name), reverse=True)
        return Endings({name: self._last[name] for name in newest[:CUTS_MAX]}, len(newest[CUTS_MAX:]))

    def _told_certificate(self, wire: bytes) -> None:
        self._trust.admit(Signed(Certificate, wire))

    def _told_session(self, wire: bytes) -> None:
        self._session(open_session(wire, self._trust))

    def _session(self, session: Verified[Session]) -> None:
        certificate = self._trust.certificate(session.value.certificate)
        if certificate is not None and self._covers(certificate.value):
            self._sessions[session.value.session] = (session.value.started_ms, certificate.value)

    def _told_seal(self, wire: bytes) -> None:
        known = self._sessions.get(Signed(Seal, wire).claimed().session)
        if known is not None:  # one of somebody else's sessions is none of our business
            self._seal(open_seal(wire, known[1].ed25519))

    def _seal(self, seal: Verified[Seal]) -> None:
        name, cut = seal.value.session, (seal.value.number, SealHash(seal.hash))
        known = self._last.get(name)
        if known is None or cut[0] > known[0]:
            self._last[name] = cut


def told_sessions(
    http: HttpClient, token: bytes, name: FixedBytes, *, before_ms: int | None
) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    """Ask a relay for the certificates, sessions and last seals of a device or user.

    Args:
        http: the relay.
        token: of an administrator's device.
        name: the device's id, or the user's.
        before_ms: only seals that it received before then, by its clock; None for all.

    Raises:
        RemoteError: it does not answer, or refuses.
        PeerError: the answer is none.
    """
    query = "" if before_ms is None else f"?before_ms={before_ms}"
    _, _, data = http.request(
        "GET", f"/v1/principals/{name}/sessions{query}", headers={"Authorization": f"Bearer {token.hex()}"}
    )
    told = decode(data, bytes_max=ANSWER_BYTES_MAX)
    if not isinstance(told, dict) or set(told) != {"certificates", "sessions", "seals"}:
        raise malformed("certificates, sessions and seals", type(told).__name__)
    listed = told["seals"]
    if not isinstance(listed, list) or len(listed) > _ITEMS_MAX:
        raise malformed(f"at most {_ITEMS_MAX} seals", type(listed).__name__)
    seals: list[bytes] = []
    for item in listed:
        if not isinstance(item, list) or len(item) != _PARTS:
            raise malformed("a session, its seal and a time", type(item).__name__)
        _SESSION.load(item[0])
        if item[2] is not None:
            uint(WALL_MS_MAX).load(item[2])
        seals.append(_WIRE.load(item[1]))
    return _WIRES.load(told["certificates"]), _WIRES.load(told["sessions"]), tuple(seals)
