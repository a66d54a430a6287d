"""What `fieldward recovery status` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_runtime.cli.output import say, when

if TYPE_CHECKING:
    from edge_runtime.recovery.records import Status


def say_status(found: Status, *, due: str | None, root_here: bool, lacking: int) -> None:
    """Print it for a person."""
    if found.record is None:
        say("The organisation has no recovery key that this device knows of.")
    else:
        value = found.record.value
        say(f"Recovery key  {found.record.hash.short}, made {when(value.issued_ms)}")
        say(f"Sheets        {value.shares}; any {value.threshold} open it")
        drilled = found.last_drill_ms()
        say(f"Last drill    {'never' if drilled is None else when(drilled)}")
        for use in found.uses:
            if not use.drill:
                what = "about to be put together" if use.granted is None else f"let in {use.granted.short}"
                say(f"USED          {when(use.wall_ms)}, by {use.by.short}: {what}")
    if lacking:
        say(f"Not wrapped   {lacking} keys of charts on this device; its next sync wraps those that it can open")
    say(f"Root's keys   {'on this device' if root_here else 'not on this device'}")
    if due is not None:
        say(f"Another key is due: {due}. On the founder's device: fieldward recovery create")


def status_json(found: Status) -> dict[str, Any]:
    """The same for machines."""
    record = found.record
    uses = [
        {
            "by": str(use.by),
            "wall_ms": use.wall_ms,
            "drill": use.drill,
            "let_in": None if use.granted is None else str(use.granted),
        }
        for use in found.uses
    ]
    return {
        "recovery": None if record is None else str(record.hash),
        "issued_ms": None if record is None else record.value.issued_ms,
        "threshold": None if record is None else record.value.threshold,
        "shares": None if record is None else record.value.shares,
        "uses": uses,
    }
