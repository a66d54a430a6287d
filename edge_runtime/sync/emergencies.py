"""Hearing that somebody broke the glass of a chart on this device, as soon as the record comes."""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.keyring import Keyring
from sync_protocol.control import unpack_control
from sync_protocol.emergency_records import BreakGlass
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash


def glass_records(entries: Iterable[VerifiedEntry]) -> frozenset[EntryHash]:
    """Those of new entries that break a glass."""
    return frozenset(entry.hash for entry in entries if entry.header.epoch is None and _breaks(entry))


def newly_broken(
    keyring: Keyring, charts: Iterable[ChartId], records: frozenset[EntryHash], own: CertificateHash
) -> frozenset[ChartId]:
    """The charts whose glass somebody else broke by one of these records, and that nobody has closed since.

    Args:
        keyring: knows the charts.
        charts: that have something new.
        records: that break a glass, new here.
        own: this device's principal.
    """
    if not records:
        return frozenset()
    memberships = {chart: keyring.membership(chart) for chart in charts}
    return frozenset(
        chart
        for chart, membership in memberships.items()
        if membership is not None and any(one.record in records and one.author != own for one in membership.broken)
    )


def _breaks(entry: VerifiedEntry) -> bool:
    try:
        return isinstance(unpack_control(entry.body), BreakGlass)
    except PeerError:
        return False
