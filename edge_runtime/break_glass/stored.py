"""The act, durable on this device: without it no key comes out, neither of a kit nor of the desk.

Owns `Stored`, which only this module makes: of what the recorder just wrote, or of what lies in the store. The audit
record with the free text goes with the act in one transaction: into the chart's audit stream where this device can
write there, otherwise into its ledger, which compliance officers read.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.audit.device_source import Holder
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.identity import Entropy
from edge_runtime.recorder.record import Recorder
from edge_runtime.streams import stream_entries
from sync_protocol.audit import Purpose, audit_record
from sync_protocol.control import control_stream, unpack_control
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, CloseBreakGlass
from sync_protocol.entries import VerifiedEntry
from sync_protocol.epochs import IN_GLASS
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId
from sync_protocol.limits import ID_BYTES
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment

WHY_BYTES_MAX: Final = 1024
SERVES_MS: Final = 24 * 60 * 60 * 1000
"""As long a glass that is broken serves to ask again; see the desk's ENTRY_LIFE_MS."""
_MINT: Final = object()


class Stored:
    """A broken glass that is durable in this device's own chain.

    Attributes:
        chart: whose.
        entry: the act.
        record: what it says.
    """

    __slots__ = ("chart", "entry", "record")

    def __init__(self, mint: object, *, chart: ChartId, entry: VerifiedEntry, record: BreakGlass) -> None:
        """Made by this module only."""
        assert mint is _MINT, "Stored is made of what the recorder wrote"
        self.chart: Final = chart
        self.entry: Final = entry
        self.record: Final = record


def break_the_glass(
    holder: Holder,
    recorder: Recorder,
    chart: ChartId,
    *,
    reason: BreakGlassReason,
    why: str,
    kit: bool,
    entropy: Entropy,
) -> Stored:
    """Record that this device's user opens a chart in an emergency, durably, with the reason.

    Args:
        holder: the device.
        recorder: its recorder.
        chart: which; it need not be here.
        reason: as a word, which the relay reads.
        why: in the user's own words, sealed.
        kit: without a network, by what this kit carries.
        entropy: for the record's nonce.

    Raises:
        InputError: no words, or too many.
        RefusedError: the role reads no charts, or this device is a member already.
        StoreError: it cannot be recorded, so nothing is opened.
    """
    words = why.strip()
    if not words or len(words.encode()) > WHY_BYTES_MAX:
        raise InputError(
            "break_glass_why",
            expected=f"a reason in words, of at most {WHY_BYTES_MAX} bytes",
            got="none" if not words else "more",
            do="say in a sentence why you open this chart",
        )
    record = BreakGlass(reason=reason, kit=kit, nonce=entropy(ID_BYTES))
    membership = holder.keyring.membership(chart)
    check_may_break(holder, membership)
    batch = recorder.begin()
    name = batch.break_in(chart, record)
    act = audit_record(
        "break_glass",
        purpose=Purpose.EMERGENCY,
        charts=(chart,),
        detail={"reason": reason.value, "why": words, "entry": name.hex()},
    )
    if membership is not None and Compartment.AUDIT in batch.readable(chart):
        batch.audit(chart, act)
    else:
        batch.ledger(act)
    written = {entry.hash: entry for entry in recorder.write(batch)}
    return Stored(_MINT, chart=chart, entry=written[name], record=record)


def broken_before(holder: Holder, chart: ChartId, *, now_ms: int) -> Stored | None:
    """The glass of a chart that this device broke within SERVES_MS and that nobody has closed: it serves again.

    Whoever lost the network half-way, or the power, goes on from there and breaks nothing a second time.
    """
    closed: set[bytes] = set()
    found: list[tuple[VerifiedEntry, BreakGlass]] = []
    for arrived in stream_entries(holder.store, control_stream(chart)):
        entry = arrived.entry
        try:
            record = unpack_control(entry.body)
        except PeerError:
            continue
        if isinstance(record, CloseBreakGlass):
            closed.add(record.record)
        elif isinstance(record, BreakGlass) and holder.keyring.author(entry) == holder.identity.principal:
            found.append((entry, record))
    fresh = [
        (entry, record)
        for entry, record in found
        if entry.hash not in closed and now_ms - entry.header.wall_ms <= SERVES_MS
    ]
    if not fresh:
        return None
    entry, record = fresh[-1]
    return Stored(_MINT, chart=chart, entry=entry, record=record)


def check_may_break(holder: Holder, membership: Membership | None) -> None:
    """Check that breaking the glass would be counted, and is needed.

    Raises:
        RefusedError: the role reads no charts, or this device is a member already.
    """
    identity = holder.identity
    reads = holder.keyring.organisation().now.reads(identity.principal)
    if not reads & IN_GLASS:
        raise RefusedError(
            "role_reads_no_chart",
            expected="a role that reads charts",
            got=f"role {identity.certificate.role.value}",
            do="have a clinician do this on a clinical device",
        )
    own = frozenset() if membership is None else membership.members.get(identity.principal, frozenset())
    broken = membership is not None and any(one.author == identity.principal for one in membership.broken)
    if own >= reads & IN_GLASS and not broken:
        raise RefusedError(
            "already_a_member",
            expected="a chart of which this device is no member",
            got="one that it may read",
            do="show it with 'fieldward chart show'",
        )
