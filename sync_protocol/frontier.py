"""Frontiers: how far each session's chain is known in one stream, by sequence number and full header hash.

Full hashes, because short tags can be ground to collide in minutes, and a fork would look like agreement. A frontier
says nothing of the shorter branches of a fork, so a chain that forks is always sent whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from sync_protocol.entries import Place
from sync_protocol.ids import EntryHash, SessionId

Frontier = Mapping[SessionId, Place]


def lacking(
    theirs: Frontier, ours: Frontier, *, knows: Callable[[EntryHash], bool], forked: Collection[SessionId] = ()
) -> dict[SessionId, int]:
    """What `theirs` lacks of `ours`: the first sequence number to send, a session.

    Their head may be one that we do not know: they are ahead, or on another branch, and which of the two cannot be
    told. Then the whole chain is sent, as of a chain that forks here; duplicates cost a look-up.

    Args:
        theirs: the other side's frontier of a stream.
        ours: our frontier of it.
        knows: whether our store has that entry.
        forked: sessions whose chains fork in our store.
    """
    missing: dict[SessionId, int] = {}
    for session, (seq, _) in ours.items():
        known = theirs.get(session)
        if known is None or session in forked or not knows(known[1]):
            missing[session] = 0
        elif known[0] < seq:
            missing[session] = known[0] + 1
    return missing


def unknown(theirs: Frontier, *, knows: Callable[[EntryHash], bool]) -> dict[SessionId, int]:
    """What to ask for: the first sequence number, a session whose head we do not know.

    The whole chain, for the reason that `lacking` gives: asking from our own head on would leave a gap after a fork.
    """
    return {session: 0 for session, (_, head) in theirs.items() if not knows(head)}


def wanting(
    theirs: Frontier, ours: Frontier, *, knows: Callable[[EntryHash], bool], whole: Collection[SessionId] = ()
) -> dict[SessionId, int]:
    """What to ask a peer for: the first sequence number, a session whose head we do not know.

    From our own head on, because their chain nearly always continues ours, and two devices that meet daily would
    otherwise send whole chains daily. After a fork what comes does not continue ours and is a gap: ask for `whole`.

    Args:
        theirs: the other side's frontier of a stream.
        ours: our frontier of it.
        knows: whether our store has that entry.
        whole: sessions whose chains showed a gap when they were asked for.
    """
    wanted: dict[SessionId, int] = {}
    for session, (seq, head) in theirs.items():
        if knows(head):
            continue
        own = ours.get(session)
        wanted[session] = 0 if own is None or session in whole or seq <= own[0] else own[0] + 1
    return wanted
