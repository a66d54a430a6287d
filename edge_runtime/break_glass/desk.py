"""The break-glass desk as a device talks to it: who it is, what it lacks of the organisation, a request.

Owns the requests over HTTP. Nothing that comes is believed here: an answer is opened under the root's record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edge_runtime.audit.device_source import Holder
from edge_runtime.errors import RemoteError
from edge_runtime.streams import causal_order, stream_entries
from edge_runtime.sync.proofs import ProofBook
from edge_runtime.transports.http import HttpClient
from sync_protocol.errors import PeerError
from sync_protocol.glass_news import GlassFrontier, news_of
from sync_protocol.ids import Hash, OrganisationId
from sync_protocol.key_wrap import WrapPublicKey
from sync_protocol.records import pack, unpack
from sync_protocol.signing import VerifyKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFacts:
    """What a desk says of itself; only the root's record, once there is one, is anybody else's word."""

    organisation: OrganisationId
    desk: WrapPublicKey
    signer: VerifyKey

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of both keys in hexadecimal: computed here, because a stranger could show anybody's."""
        return Hash.of(self.desk + self.signer).hex()


def desk_facts(http: HttpClient) -> DeskFacts:
    """Ask a desk who it is.

    Raises:
        RemoteError: no answer, or not a desk's.
    """
    with _desk_errors(http):
        _, _, data = http.request("GET", "/v1/desk")
    try:
        told = json.loads(data)
        return DeskFacts(
            organisation=OrganisationId.parse(told["organisation"]),
            desk=WrapPublicKey.parse(told["desk"]),
            signer=VerifyKey.parse(told["signer"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError, PeerError):
        raise _no_desk() from None


def tell_desk(holder: Holder, http: HttpClient) -> int:
    """Hand the desk what it lacks of the organisation's control records, revocations among them.

    Returns:
        How many entries were handed over.

    Raises:
        RemoteError: it does not answer, or refuses.
    """
    with _desk_errors(http):
        _, _, data = http.request("GET", "/v1/desk/control")
        try:
            known = unpack(GlassFrontier, data).sessions
        except PeerError:
            raise _no_desk() from None
        arrived = stream_entries(holder.store, holder.identity.root.value.control)
        entries = [one.entry for one in arrived]
        lacking = [entry for entry in entries if entry.header.seq >= known.get(entry.header.session, 0)]
        book = ProofBook(holder.store, holder.identity.trust)
        # In causal order, so that what names others comes after them; the desk knows no session's seals for certain.
        ready, _ = causal_order(entries)
        wanted = {entry.hash for entry in lacking}
        groups = ((book.proofs((entry,)), entry.wire) for entry in ready if entry.hash in wanted)
        for news in news_of(groups):
            http.request("POST", "/v1/desk/control", body=pack(news))
    return len(wanted)


def ask(http: HttpClient, wire: bytes) -> bytes:
    """Send a request.

    Returns:
        The answer, not verified.

    Raises:
        RemoteError: the desk does not answer, or refuses, in its own words.
    """
    with _desk_errors(http):
        _, _, answer = http.request("POST", "/v1/desk/open", body=wire)
    return answer


def reachable(clients: Sequence[HttpClient]) -> HttpClient:
    """The first of a desk's addresses that answers; the others are closed.

    Raises:
        RemoteError: none does.
    """
    problem = RemoteError("desk_unreachable", expected="an address of the desk", got="none", do="announce it again")
    for http in clients:
        try:
            desk_facts(http)
        except RemoteError as error:
            http.close()
            problem = error
            continue
        return http
    raise problem


@contextmanager
def _desk_errors(http: HttpClient) -> Iterator[None]:
    """Say of the desk what the transport says of a relay."""
    try:
        yield
    except RemoteError as error:
        if error.code != "relay_unreachable":
            raise
        raise RemoteError(
            "desk_unreachable",
            expected=f"a break-glass desk that answers at {http.address}",
            got=error.got,
            do="check the network and run it again: the glass is broken already and serves for a day",
        ) from None


def _no_desk() -> RemoteError:
    return RemoteError(
        "not_a_desk", expected="a break-glass desk", got="something else that answers", do="check the address"
    )
