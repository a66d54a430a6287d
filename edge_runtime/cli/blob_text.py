"""What a device says of its attachments in sum: where they are, and what of them is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.output import say
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.blobs.fetching import BlobReport
    from edge_runtime.runtime import Runtime


_UNITS: Final = ("bytes", "KiB", "MiB")
_STEP: Final = 1024


def counts_json(runtime: Runtime) -> dict[str, int]:
    """How many attachments are known to be where; none of a device that has no charts yet."""
    if runtime.waiting:
        return {}
    return {state.value: count for state, count in runtime.attachments.stock.counts().items()}


def counts_line(counts: dict[str, int]) -> str:
    """The same for a person; empty where there are no attachments."""
    if not any(counts.values()):
        return ""
    return (
        f"attachments: {counts['this_device_only']} on this device only, {counts['at_the_relay']} at the relay, "
        f"{counts['safe']} safe, {counts['not_here']} not fetched"
    )


def report_json(report: BlobReport) -> dict[str, Any]:
    """What one sync did with attachments."""
    return {
        "receipted": report.receipted,
        "fetched": report.fetched,
        "waiting": report.waiting,
        "refused": report.refused or [],
    }


def say_report(report: BlobReport) -> None:
    """Say the same to a person; nothing where nothing was done."""
    lines: list[str] = []
    if report.receipted or report.fetched:
        lines.append(f"Attachments: {report.receipted} became whole at the relay, {report.fetched} came here.")
    if report.waiting:
        lines.append(f"Attachments not at the relay yet: {report.waiting}; the next sync asks again.")
    lines.extend(
        safe(f"An attachment was not transferred ({code}). It stays where it is, and the next sync tries again.")
        for code in dict.fromkeys(report.refused or ())
    )
    for line in lines:
        say(line)


def problems_json(runtime: Runtime, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """What is wrong with attachments on this device, in the form of the doctor's problems.

    What the relay has is fetched again by the next sync. `progress` is told how many were read, of how many.
    """
    stock = runtime.attachments.stock
    try:
        found = stock.problems(progress)
        again = {blob for blob in dict.fromkeys(blob for blob, _ in found) if stock.fetch_again(blob)}
    except StoreError as error:
        return [{"check": "attachments", "row": "-", "found": str(error)}]
    ways = {True: "the next sync fetches it again", False: "the relay does not have it"}
    return [
        {"check": "attachments", "row": blob.short, "found": f"{words}; {ways[blob in again]}"} for blob, words in found
    ]


def size_words(size: int) -> str:
    """A length for a person."""
    amount, unit = float(size), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
