"""`fieldward doctor`: is this device sound, and if not, what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.blob_text import problems_json
from edge_runtime.cli.doctor_sync import sync_warnings, waiting_warnings
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, print_json, say, with_device, working
from edge_runtime.destroyed import all_destroyed
from edge_runtime.errors import StoreError
from sync_protocol.ids import StreamId

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime

_DAY_MS: Final = 24 * 3600 * 1000
_PAGE: Final = 512


@click.command()
@with_device()
def doctor(runtime: Runtime, *, as_json: bool) -> int:
    """Check vault, store, every record, chains, seals, enrolment, attachments, and the clock.

    Changes nothing, but that the next sync fetches what of an attachment is damaged.

    Exit code 3 means damage; what to do is printed beside it.

    \b
    Example:
      fieldward doctor --home nurse
    """
    enrolled = not runtime.waiting and runtime.store.get_value("identity/chain") is not None
    lacking, destroyed = _destroyed(runtime) if enrolled else (frozenset[StreamId](), 0)
    with working("Looking at every record", as_json=as_json) as words:
        problems: list[dict[str, Any]] = [
            {"check": f"store.{problem.table}", "row": problem.row, "found": problem.what}
            for problem in runtime.store.check(lacking)
        ]
        if enrolled and not problems:
            problems = problems_json(runtime, lambda done, of: words(f"Looking at attachments: {done} of {of}"))
    warnings = _warnings(runtime)
    checks: dict[str, Any] = {
        "vault": "opens",
        "entries": runtime.store.size(),
        "certificates": len(runtime.store.certificates()),
        "enrolled": enrolled,
        "destroyed_charts": destroyed,
    }
    if as_json:
        print_json({"ok": not problems, "checks": checks, "problems": problems, "warnings": warnings})
        return EXIT_DAMAGE if problems else EXIT_DONE
    say(f"Vault opens. {checks['entries']} entries and {checks['certificates']} certificates were checked.")
    if checks["destroyed_charts"]:
        say(f"{checks['destroyed_charts']} charts were destroyed here, as was confirmed. What remains verifies.")
    for problem in problems:
        say(f"DAMAGE in {problem['check']}, row {problem['row']}: {problem['found']}.")
    for warning in warnings:
        say(f"Note: {warning}.")
    if problems and all(problem["check"] == "attachments" for problem in problems):
        say("Charts are sound. Sync, then look again; what the relay does not have, a device that you meet may have.")
    elif problems:
        say("Copy the home aside. What the relay has receipted comes back when the device is enrolled in a new home.")
    else:
        say("All is well.")
    return EXIT_DAMAGE if problems else EXIT_DONE


def _destroyed(runtime: Runtime) -> tuple[frozenset[StreamId], int]:
    """The streams that may lack bodies, and of how many charts; of a store that cannot say it, none: it is damaged."""
    try:
        return runtime.keyring.may_lack_bodies(), len(all_destroyed(runtime.store))
    except StoreError:
        return frozenset(), 0


def _warnings(runtime: Runtime) -> list[str]:
    """What is no damage and yet worth knowing."""
    from edge_runtime.runtime import clock

    found: list[str] = []
    now = clock()
    if _newest_ms(runtime) > now + _DAY_MS:
        found.append("an entry is dated more than a day after this device's clock; check the clock")
    if runtime.waiting:
        found.append("this device waits for an administrator's approval")
    elif runtime.store.get_value("identity/chain") is not None:
        found += _endings(runtime, now)
        found += _refused(runtime)
        if again := runtime.attachments.stock.to_be_fetched():
            found.append(f"{again} attachments are asked for and not here yet; sync")
    try:
        return found + sync_warnings(runtime, now) + waiting_warnings(runtime)
    except StoreError:
        return found  # a store that cannot say it is damaged, and that is reported


def _endings(runtime: Runtime, now_ms: int) -> list[str]:
    """What is to be said of certificates that end: of this device's, and to administrators of all others'."""
    from edge_runtime.enrolment.register import members

    found: list[str] = []
    everybody = [one for one in members(runtime.identity, runtime.keyring.organisation()) if one.trusted]
    for own in (one for one in everybody if one.this and one.ends(now_ms) != "good"):
        left = (own.certificate.not_after_ms - now_ms) // _DAY_MS
        ends = f"its certificate ends in {left} days"
        if left < 0:
            ends = f"its certificate ended {-left} days ago: it goes on writing, and the relay syncs with it no more"
        found.append(f"{ends}; ask an administrator to run 'fieldward device renew {own.device.short}'")
    others = sum(not one.this and one.ends(now_ms) != "good" for one in everybody)
    if others and runtime.identity.keys.administrator is not None:
        found.append(f"{others} other certificates end within 30 days, or did; run 'fieldward device renew --all'")
    return found


def _refused(runtime: Runtime) -> list[str]:
    """The control records that are kept and do not count, a line for each reason."""
    from edge_runtime.audit.refusals import refusals
    from edge_runtime.cli.audit.refusal_text import why_refused

    try:
        counts = Counter(why for why, _ in refusals(runtime.keyring).values())
    except StoreError:
        return []  # a store that cannot say it is damaged, and that is reported
    return [
        f"of the records on devices, keys, members and teams {count} do not count ({why}): {why_refused(why)}; "
        "see 'fieldward audit findings'"
        for why, count in sorted(counts.items())
    ]


def _newest_ms(runtime: Runtime) -> int:
    """The latest time that any entry claims."""
    newest = after = 0
    while page := runtime.store.arrivals(after=after, limit=_PAGE):
        newest = max(newest, *(arrived.entry.header.wall_ms for arrived in page))
        after = page[-1].index + 1
    return newest
