"""`fieldward recovery`: the organisation's recovery key, in the hands of several people."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, say, with_device, working
from edge_runtime.cli.recovery_shares import read_shares
from edge_runtime.errors import InputError
from sync_protocol.errors import ExplainedError

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from sync_protocol.emergency_records import RecoveryRecord
    from sync_protocol.signed import Verified

_FOLDER_MODE: Final = 0o700
_SHEETS = click.argument(
    "sheets", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=False), metavar="[SHEET]..."
)


@click.group()
def recovery() -> None:
    """Make, try and use the organisation's recovery key."""


@recovery.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new folder for the sheets."
)
@click.option("--threshold", type=click.IntRange(2, 16), default=3, show_default=True, help="How many sheets open it.")
@click.option("--shares", type=click.IntRange(2, 16), default=5, show_default=True, help="How many sheets to make.")
@click.option(
    "--remove-root", is_flag=True, help="Take the root's keys off this device: then the sheets alone hold it."
)
@with_device()
def create(runtime: Runtime, out: Path, threshold: int, shares: int, *, remove_root: bool, as_json: bool) -> None:
    """Make a recovery key, or another in place of the one before, and a sheet for each of its holders.

    The device that founded the organisation does this, once a year and after each use. Print the sheets, hand each to
    one person, then delete the files. Others will see: that there is a new recovery key, and how many sheets open it.

    \b
    Example:
      fieldward recovery create --home admin --out sheets
    """
    from edge_runtime.identity import root_keys
    from edge_runtime.recovery.create import announce, make_recovery
    from edge_runtime.recovery.records import recovery_status
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.settings import replace_file

    keys = root_keys(runtime.store, runtime.identity)
    before = recovery_status(runtime.keyring).record
    now_ms = clock() if before is None else max(clock(), before.value.issued_ms + 1)
    made = make_recovery(
        runtime.identity.root, keys, threshold=threshold, shares=shares, now_ms=now_ms, entropy=entropy
    )
    try:
        out.mkdir(mode=_FOLDER_MODE)
        files = [out / f"sheet-{sheet.head.number}.txt" for sheet in made.sheets]
        for file, sheet in zip(files, made.sheets, strict=True):
            replace_file(file, sheet.text().encode())
    except OSError as error:
        if not isinstance(error, FileExistsError):
            shutil.rmtree(out, ignore_errors=True)  # words of a key that does not count
        raise InputError(
            "out_folder",
            expected="a new folder for the sheets",
            got=error.strerror or "an error of the file system",
            do="name a folder that is not there yet, on a disk with room; no key was made",
        ) from None
    announce(runtime.recorder, runtime.store, made, remove_root=remove_root)
    if as_json:
        facts = {"recovery": str(made.record.hash), "threshold": threshold, "shares": shares}
        print_json(facts | {"sheets": [str(file) for file in files], "root_removed": remove_root})
        return
    say(f"A recovery key is made; any {threshold} of its {shares} sheets open it.")
    for file in files:
        say(f"  {file}")
    say("Print them, hand each to one person, then delete the files. Whoever finds them holds the organisation.")
    if remove_root:
        say("The root's keys are no longer on this device. The sheets bring them back: fieldward recovery run --root")
    if before is not None:
        say("Sheets of the key before open only what was written under it: keep them apart until the next drill.")
    say("Next: fieldward sync once, and before long: fieldward recovery drill")


@recovery.command()
@_SHEETS
@with_device()
def drill(runtime: Runtime, sheets: tuple[Path, ...], *, as_json: bool) -> None:
    """Try the holders' drill words: they open the canary, and no chart.

    SHEET names files with drill words or whole sheets; without any, the words are asked for and not shown. Others will
    see: that a drill was held, by which device.

    \b
    Example:
      fieldward recovery drill --home admin sheet-1.txt sheet-3.txt sheet-4.txt
    """
    from edge_runtime.recovery.drill import hold_drill
    from edge_runtime.recovery.records import present_record
    from edge_runtime.recovery.shares import check_drill
    from edge_runtime.recovery.words import DrillShare
    from edge_runtime.runtime import entropy

    record = present_record(runtime.keyring)
    with _refusals(runtime, record, drill=True):
        shares = read_shares(sheets, DrillShare, record.value)
        check_drill(shares, record.value)
        _audit(runtime, record, drill=True)
        hold_drill(runtime.recorder, runtime.identity, record, shares, entropy=entropy)
    if as_json:
        print_json({"recovery": str(record.hash), "shares": [share.number for share in shares], "canary": True})
        return
    say(f"Sheets {', '.join(str(share.number) for share in shares)} are whole, and open the canary together.")
    say("Nothing else was opened. Next: fieldward sync once")


@recovery.command("run")
@_SHEETS
@click.option("--for", "principal", metavar="DEVICE", help="Let this device in; otherwise the one that runs this.")
@click.option("--root", is_flag=True, help="Bring the root's keys back on this administrator's device.")
@click.option("--relay", help="The relay's address; else the last one used.")
@with_device()
def run_(
    runtime: Runtime, sheets: tuple[Path, ...], principal: str | None, relay: str | None, *, root: bool, as_json: bool
) -> int:
    """Put the recovery key together, after the relay has receipted the record of it.

    The device that runs it, or the one after --for, becomes a member of every chart as its role reads. SHEET names
    files with live words or whole sheets; without any, the words are asked for and not shown. Others will see: that
    the recovery key was used, by which device, and who was let in. Make another key afterwards.

    \b
    Example:
      fieldward recovery run --home tablet sheet-1.txt sheet-3.txt sheet-4.txt
    """
    from edge_runtime.recovery.receipt import check_receipted
    from edge_runtime.recovery.records import present_record
    from edge_runtime.recovery.run import announce_use, bring_root, grant, open_keys, require_administrator, rewrap
    from edge_runtime.recovery.shares import check_live
    from edge_runtime.recovery.words import LiveShare
    from edge_runtime.runtime import entropy

    identity, address = runtime.identity, runtime.connections.relay_address(relay)
    if root:
        require_administrator(identity)
    with working("Asking the relay for the newest records", as_json=as_json):
        runtime.connections.sync_once(address, attempts=3)
    record = present_record(runtime.keyring)
    name = identity.principal if principal is None else _principal(runtime, principal)
    with _refusals(runtime, record, drill=False):
        shares = read_shares(sheets, LiveShare, record.value)
        check_live(shares, record.value)
    with working("Putting the use of the recovery key on record", as_json=as_json) as words:
        _audit(runtime, record, drill=False)
        announced = announce_use(runtime.recorder, record, drill=False, entropy=entropy)
        runtime.connections.sync_once(address, attempts=3)
        with _refusals(runtime, record, drill=False):
            keys = open_keys(check_receipted(runtime.store, identity, announced), shares, record)
        if root:
            bring_root(runtime.store, identity, keys, record)
        words("Letting the device in, and fetching the charts")
        grant(runtime.recorder, keys, record, name)
        runtime.connections.sync_once(address, attempts=3)
        runtime.connections.sync_once(address, attempts=3)  # the relay feeds the charts once it knows of the grant
        words("Opening keys")
        found = rewrap(runtime.recorder, runtime.keyring, identity, keys, record)
        runtime.connections.sync_once(address, attempts=3)
    if as_json:
        facts = {"recovery": str(record.hash), "let_in": str(name), "root": root}
        print_json(facts | {"charts": found.charts, "opened": found.epochs, "closed": found.closed})
        return EXIT_REFUSED if found.closed else EXIT_DONE
    say(f"The recovery key was used; the relay's log tells of it. Let in: {name.short}.")
    say(f"{found.charts} charts are open to this device; the recovery key opened {found.epochs} of their keys.")
    if found.closed:
        say(f"{found.closed} keys stay closed: nobody wrapped them to this recovery key. Earlier sheets may open them.")
    if root:
        say("The root's keys are on this device again.")
    say("Next, because these sheets have met: fieldward recovery create")
    return EXIT_REFUSED if found.closed else EXIT_DONE


@recovery.command()
@with_device()
def status(runtime: Runtime, *, as_json: bool) -> None:
    """Say which recovery key the organisation has, when it was tried or used, and whether another is due.

    \b
    Example:
      fieldward recovery status --home admin
    """
    from edge_runtime.cli.recovery_text import say_status, status_json
    from edge_runtime.identity import stored_root_keys
    from edge_runtime.recovery.records import not_wrapped, recovery_status
    from edge_runtime.runtime import clock

    lacking = not_wrapped(runtime.keyring)
    found = recovery_status(runtime.keyring)
    due = found.due(clock())
    root_here = stored_root_keys(runtime.store) is not None
    if as_json:
        print_json(status_json(found) | {"due": due, "root_keys_here": root_here, "not_wrapped": lacking})
        return
    say_status(found, due=due, root_here=root_here, lacking=lacking)


def _audit(runtime: Runtime, record: Verified[RecoveryRecord], *, drill: bool, reason: str | None = None) -> None:
    """Record the use in this device's ledger, or why there was none."""
    from sync_protocol.audit import Purpose, Result

    detail = {"record": str(record.hash), "drill": "yes" if drill else "no"}
    result = Result.DONE if reason is None else Result.REFUSED
    detail |= {} if reason is None else {"reason": reason}
    runtime.auditor.record("recovery_used", purpose=Purpose.OPERATIONS, result=result, detail=detail)


@contextmanager
def _refusals(runtime: Runtime, record: Verified[RecoveryRecord], *, drill: bool) -> Iterator[None]:
    """Record that shares were refused, and pass the refusal on."""
    try:
        yield
    except ExplainedError as error:
        _audit(runtime, record, drill=drill, reason=error.code)
        raise


def _principal(runtime: Runtime, text: str) -> Any:  # noqa: ANN401 a CertificateHash, which is not imported at start-up
    """The principal of a device, by its id or its certificate's."""
    from edge_runtime.recorder.naming import one_named

    trust = runtime.identity.trust
    by_device = {one.value.device: trust.principal(one.hash) for one in trust.certificates()}
    return by_device[one_named(text, by_device, "device", "list the devices with 'fieldward device list'")]
