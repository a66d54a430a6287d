"""What the command line says of bundles."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.output import say, when
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.sync.bundle_import import BundleReport
    from edge_runtime.sync.bundle_inspection import Inspection
    from sync_protocol.certificates import Certificate
    from sync_protocol.errors import ExplainedError

_SHOWN: Final = 5
_ENDINGS: Final = {
    "whole": "whole, as its maker signed it",
    "cut": "cut off before its end",
    "damaged": "damaged",
}
_UNPROVEN: Final = _ENDINGS | {"whole": "whole, but signed by nobody whom this organisation knows"}
_WHY: Final = {
    "not_member": "of charts that are not on this device; they stay in the file, for a device that has them",
    "unknown_stream": "of charts whose own records are not here; import the bundle that has them, then this one again",
    "unknown_epoch": "under keys whose record is not here; import the bundle that has it, then this one again",
    "chart_destroyed": "of charts whose content was destroyed, as was confirmed",
    "gap": "without what comes before; import the bundle that has it, then this one again",
    "forged": "that do not verify",
    "malformed": "that cannot be read",
    "untrusted": "by nobody of this organisation",
}


def total_is_well(reports: Iterable[tuple[Path, BundleReport]]) -> bool:
    """Whether every file was whole and all of it was taken."""
    return all(report.is_whole and not (report.refused or report.deferred or report.alarms) for _, report in reports)


def import_json(file: Path, report: BundleReport) -> dict[str, Any]:
    """One import, for machines. The last four counts and those of `refused` add up to the first."""
    files = report.attachments
    counts = {"entries": report.entries, "received": report.received, "known": report.known, "held": report.held}
    return (
        {"file": str(file), "ending": report.ending.value, "maker": _maker_json(_maker(report))}
        | {"maker_proven": report.is_proven, "made_ms": report.made_ms, "maker_revoked": report.maker_revoked}
        | counts
        | {"deferred": report.deferred, "had_waited": report.waited}
        | {"refused": dict(sorted(report.refused.items())), "reasons": [error_json(one) for one in report.reasons]}
        | {"damaged": report.damaged, "charts": sorted(map(str, report.charts)), "alarms": report.alarms}
        | {"attachments": {"received": files.fetched, "unknown": files.waiting, "refused": files.refused or []}}
    )


def say_import(file: Path, report: BundleReport) -> None:
    """One import, for people."""
    say(f"{safe(file.name)}: {_ENDINGS[report.ending.value] if report.is_proven else _UNPROVEN[report.ending.value]}.")
    say(f"  {_made_by(report)}, {when(report.made_ms)}")
    where = f", in {many(len(report.charts), 'chart')}" if report.charts else ""
    goes_up = "; the next sync brings them to the relay" if report.received else ""
    for count, words in (
        (report.received, f"new on this device{where}{goes_up}"),
        (report.waited, "more had waited here for some of these, and have their places now"),
        (report.known, "were here before"),
        (report.held, "wait here for entries that come before them; see 'fieldward sync status'"),
        (report.deferred, "NOT KEPT: too much of their author's waits here; see 'fieldward sync status'"),
        (report.attachments.fetched, "came as attachments"),
        (report.attachments.waiting, "attached to what this device does not read, or not yet; left in the file"),
    ):
        if count or words.startswith(("new", "were here")):
            say(f"  {count:>6} {words}")
    for code in dict.fromkeys(report.attachments.refused or ()):
        say(safe(f"         attachments were left in the file ({code}); make room and import it again"))
    for code, count in sorted(report.refused.items()):
        say(f"  {count:>6} not taken, {_WHY.get(code, safe(code))}")
    if report.damaged:
        places = "place in the file is" if report.damaged == 1 else "places in the file are"
        say(f"  {report.damaged:>6} {places} not as written; what was whole was taken")
    if not report.is_whole:
        say("Copy the file again, or export it again, and import it: what is here already changes nothing.")
    if report.maker_revoked:
        say("That device is revoked: what it wrote after its cut awaits review and counts for nothing.")
    if report.alarms:
        say("ALARM: it holds entries that nobody signed so; none was stored. Tell an administrator where it came from.")


def say_failure(file: Path, error: ExplainedError) -> None:
    """A file among several that was not imported."""
    say(safe(f"{file.name}: not imported ({error.code})."))
    say(safe(f"  expected {error.expected}; got {error.got}"))
    say(safe(f"  {error.do}"))


def inspection_json(file: Path, found: Inspection) -> dict[str, Any]:
    """A bundle, for machines."""
    return {
        "file": str(file),
        "ending": found.ending.value,
        "bytes": found.read,
        "organisation": str(found.organisation),
        "maker": _maker_json(found.maker),
        "made_ms": found.made_ms,
        "entries": found.entries,
        "control_entries": found.control,
        "body_bytes": found.bodies,
        "streams": len(found.streams),
        "sessions": len(found.sessions),
        "certificates": found.certificates,
        "seals": found.seals,
        "attachment_parts": found.attachments,
        "unreadable_entries": found.unreadable,
        "first_ms": found.first_ms,
        "last_ms": found.last_ms,
        "damaged": [error_json(one) for one in found.damaged],
    }


def say_inspection(file: Path, found: Inspection) -> None:
    """A bundle, for people."""
    say(f"{safe(file.name)}: {_ENDINGS[found.ending.value]}, {found.read} bytes.")
    say(f"  organisation  {found.organisation}")
    if found.maker is not None:
        maker = found.maker
        say(f"  made by       {maker.role.value}, user {maker.user.short}, device {maker.device.short}, as it says")
    say(f"  made at       {when(found.made_ms)}, by the maker's clock")
    say(f"  entries       {found.entries}, of which {found.control} on members and keys; {found.bodies} bytes sealed")
    if found.first_ms is not None and found.last_ms is not None:
        say(f"  written       {when(found.first_ms)} to {when(found.last_ms)}, by their authors' clocks")
    say(f"  streams       {len(found.streams)}, written by {many(len(found.sessions), 'session')}")
    for error in found.damaged[:_SHOWN]:
        say(safe(f"  damage        expected {error.expected}; got {error.got}"))
    if not found.is_whole:
        say("What is whole can be imported all the same.")
    say("Nobody vouches here for what it says of itself: 'fieldward bundle import' verifies its maker and each entry.")


def _made_by(report: BundleReport) -> str:
    """Who made it: known only of a whole file."""
    maker = _maker(report)
    if maker is None:
        return "made by somebody unknown here"
    who = f"{maker.role.value}, device {maker.device.short}"
    return f"made by {who}" if report.is_proven else f"says that it was made by {who}"


def many(count: int, what: str) -> str:
    """A number of things."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _maker(report: BundleReport) -> Certificate | None:
    return None if report.maker is None else report.maker.value


def _maker_json(maker: Certificate | None) -> dict[str, str] | None:
    if maker is None:
        return None
    return {"role": maker.role.value, "user": str(maker.user), "device": str(maker.device)}


def error_json(error: ExplainedError) -> dict[str, str]:
    """An error, for machines."""
    return {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}
