"""What a device that is met may be given: the one rule, privacy weighed against carrying.

Everything that is handed over is ciphertext or public to the organisation, and the other cannot open what it has no key
for. What it learns all the same is which charts there are, who their members are, and when something was written. So:

1. The organisation's control stream goes to every device of the organisation: it names devices and roles, no charts.
2. Of a chart, its control stream and what the other's grant covers go to members, as the relay would feed them; all
   streams go to a compliance officer who is a member, for whom their headers are the record of who wrote.
3. A member carries for members: of a chart of both, a compartment that the other may not read goes as well, but only
   while something in it waits for the relay. Losing a note with the phone on which it was written is worse than that a
   colleague's device learns that the note is there; once the relay has it, there is nothing to carry.
4. A device's own ledger goes to every device that it meets: its id and its members, the compliance officers, follow
   from what everybody knows, and an act whose only witness is lost cannot be proved. It goes no further than to those
   whom the device met itself: nobody spreads when somebody else was at work.
5. A device whose certificate has expired gets 1 alone. It may be lost or have left, and what it is not given it cannot
   keep; its renewal, if there is one, stands in 1. What it wrote is still taken: entries never expire.
"""

from __future__ import annotations

from itertools import chain
from typing import Final

from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.places import streams_of
from sync_protocol.certificates import Certificate
from sync_protocol.control import control_stream
from sync_protocol.digests import Holding, holding
from sync_protocol.ids import StreamId
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Verified
from sync_protocol.store import walk_chain

_ALL: Final = frozenset(Compartment)


def shared_streams(
    store: DeviceStore, identity: Identity, keyring: Keyring, peer: Verified[Certificate], *, expired: bool
) -> dict[StreamId, Holding]:
    """The streams that a device may be given, with what of them is here; by this side's knowledge of now.

    Args:
        store: this device's.
        identity: who this device is.
        keyring: its charts.
        peer: the device that was met.
        expired: whether its certificate has ended.
    """
    streams = {identity.root.value.control}
    if not expired:
        for chart in (*keyring.charts(), *keyring.ledgers()):
            membership = keyring.membership(chart)
            if membership is not None:
                own = keyring.ledger_of(chart) == identity.principal
                reads = membership.members.get(identity.trust.principal(peer.hash))
                both = identity.principal in membership.members
                streams |= _of_chart(store, membership, peer, reads, own=own, both=both)
        streams -= keyring.destroyed_content()  # where the other still has it, it is not taken back
    holdings = {stream: holding(store, stream) for stream in sorted(streams)}
    return {stream: held for stream, held in holdings.items() if held.frontier}


def _of_chart(
    store: DeviceStore,
    membership: Membership,
    peer: Verified[Certificate],
    reads: frozenset[Compartment] | None,
    *,
    own: bool,
    both: bool,
) -> set[StreamId]:
    """What of one chart may be given.

    Args:
        store: this device's.
        membership: the chart's.
        peer: the device that was met.
        reads: the compartments that it may read as a member; None where it is none.
        own: whether it is this device's own ledger.
        both: whether this device is a member.
    """
    if own or (reads is not None and peer.value.role is Role.COMPLIANCE_OFFICER):
        reads = _ALL
    if reads is None:
        return set()
    others = streams_of(membership, _ALL - reads) if both else ()
    carried = {stream for stream in others if _waits(store, stream)}
    return {control_stream(membership.chart)} | streams_of(membership, reads) | carried


def _waits(store: DeviceStore, stream: StreamId) -> bool:
    """Whether something in the stream waits for the relay: the newest of a chain does, or any entry of a fork."""
    heads = [head for _, head in store.frontier(stream).values()]
    branches = (
        arrived.entry.hash for session in store.forked(stream) for arrived in walk_chain(store, stream, session)
    )
    states = (store.upload(name) for name in chain(heads, branches))
    return any(state is not None and state.state is not UploadState.RECEIPTED for state in states)
