"""Findings for people: by kind, each with its place, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from edge_runtime.cli.audit.refusal_text import why_refused
from edge_runtime.cli.output import say
from edge_runtime.cli.safe_text import safe
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.verification import Report

_BRIEF: Final = 5
_SHORT: Final = 16
_PROOF: Final = frozenset({"note", "notes", "path", "paths", "headers", "hello", "welcome"})
"""Evidence for machines: a person sees that it is there."""
WORDS: Final[Mapping[FindingKind, tuple[str, str]]] = {
    FindingKind.FORGED: (
        "Edited, inserted or re-ordered",
        "Do not rely on these entries. Get the device's own copy, and compare; keep this evidence.",
    ),
    FindingKind.GAP: (
        "Missing",
        "Something was removed that others know of. Ask device and relay for it; else ask who had access to this copy.",
    ),
    FindingKind.FORK: (
        "Two histories of one session",
        "A backup was restored on this device, or its key was copied. Ask its user; if nobody restored it, revoke it.",
    ),
    FindingKind.TIME_TRAVEL: (
        "A clock that runs back",
        "Entries were dated before what they follow. Ask who set the clock of this device, and why.",
    ),
    FindingKind.UNTRUSTED: (
        "Signed by a stranger",
        "Signed by nobody whom the organisation's root vouches for. Find out how it came here.",
    ),
    FindingKind.MISSING_LEAF: (
        "The log and the entries differ",
        "The relay's log has a leaf without its entry, or the reverse. Stop it, keep its data, restore a backup.",
    ),
    FindingKind.LOG_DIFFERS: (
        "The log is not what was signed",
        "Tiles do not make the root of a signed checkpoint. Stop the relay, keep its data, restore a backup.",
    ),
    FindingKind.RELAY_SPLIT: (
        "The relay signed two logs",
        "This convicts the relay. Keep the evidence, warn everybody, replace the relay.",
    ),
    FindingKind.RELAY_DENIED: (
        "The relay denied its own checkpoint",
        "This convicts the relay, unless it was restored from a backup. Keep the evidence; ask its operator.",
    ),
    FindingKind.RELAY_REWROTE: (
        "The relay changed its log",
        "Two entries were receipted at one place. This convicts the relay. Keep the evidence, replace the relay.",
    ),
    FindingKind.FOREIGN_CHECKPOINT: (
        "A checkpoint of another log",
        "Not signed by this organisation's relay. Find out how it came here.",
    ),
    FindingKind.DAMAGED: ("A damaged file", "Get the file again from whoever made it."),
    FindingKind.SKEW: ("Clocks that differ", "Set the clocks of both devices. The order is known without them."),
    FindingKind.UNSEEN_DEVICE: ("Not heard of for long", "Find the device; let it sync. If it is lost, revoke it."),
    FindingKind.AWAITED: ("Not come yet", "Sync, or meet the devices that have it; then check again."),
    FindingKind.DESTROYED: ("Destroyed", "As confirmed on the chart's record. What remains was verified: who, when."),
    FindingKind.CONTROL_REFUSED: (
        "Records that do not count",
        "They changed nothing. Most such authors had not heard of a removal. Ask about those that nobody can explain.",
    ),
}


def print_findings(report: Report, *, brief: bool) -> None:
    """Print findings grouped by kind, those that count first.

    Args:
        report: where they are.
        brief: a few of each, without what to do.
    """
    for kind in sorted(report.counts, key=lambda kind: (Finding(kind=kind).severity is Severity.NOTICE, kind.value)):
        title, do = WORDS[kind]
        say(f"{title} ({kind.value}): {report.counts[kind]:,}")
        found = [finding for finding in report.findings if finding.kind is kind]
        for finding in found[: _BRIEF if brief else None]:
            say(safe(f"  {_line(finding)}"))
        hidden = report.counts[kind] - min(len(found), _BRIEF if brief else len(found))
        if hidden:
            say(f"  ... and {hidden:,} more" + (": see 'fieldward audit findings'" if brief else ""))
        if not brief:
            say(f"  What to do: {do}")


def _line(finding: Finding) -> str:
    parts = [*_place(finding)]
    for name, value in finding.evidence.items():
        if finding.kind is FindingKind.CONTROL_REFUSED and name == "reason":
            parts.append(f"does not count: {why_refused(str(value))}")
        elif name not in _PROOF:
            parts.append(f"{name.replace('_', ' ')} {_shown(value)}")
    return ", ".join(parts)


def _place(finding: Finding) -> Iterable[str]:
    if finding.device is not None:
        yield f"device {finding.device.short}"
    if finding.session is not None:
        yield f"session {finding.session.short}"
    if finding.seq is not None:
        yield f"number {finding.seq}"


def _shown(value: Any) -> str:  # noqa: ANN401 - evidence is what it is
    if isinstance(value, (list, tuple)):
        return " and ".join(_shown(item) for item in value)
    text = str(value)
    return text if len(text) <= 2 * _SHORT or " " in text else f"{text[:_SHORT]}..."
