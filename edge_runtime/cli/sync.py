"""`fieldward sync`: exchange with the relay or another device, and an honest word on what is where."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.blob_text import report_json, say_report
from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, check_out, print_json, say, with_device, working
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.sync_policy import policy
from edge_runtime.cli.sync_status import status
from edge_runtime.cli.sync_status_text import ALARMS

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.client import SyncReport
    from edge_runtime.sync.meeting_report import MeetingReport

_SHOWN: Final = 5
_STOPPED: Final = {"time": "Time is up", "bytes": "So many bytes are used up"}


@click.group()
def sync() -> None:
    """Sync with the relay, or with a device nearby; see what is where."""


sync.add_command(policy)
sync.add_command(status)


@sync.command()
@click.option("--relay", help="The relay's address; else the last one used.")
@click.option("--http", "over_http", is_flag=True, help="Use plain requests, for links that allow no WebSocket.")
@click.option("--attempts", type=click.IntRange(1, 20), default=3, show_default=True, help="How often to try.")
@click.option("--seconds", type=click.IntRange(1, 86_400), help="Stop after so long; the next sync goes on from there.")
@click.option("--kilobytes", type=click.IntRange(1, 1 << 32), help="Stop after about so much in both directions.")
@with_device()
def once(
    runtime: Runtime,
    relay: str | None,
    *,
    over_http: bool,
    attempts: int,
    seconds: int | None,
    kilobytes: int | None,
    as_json: bool,
) -> int:
    """Send what waits, take what is new, and end. A device that waits for approval fetches its certificate first.

    With --seconds or --kilobytes it may stop before all is done, and says what waits; that is no failure. What is most
    urgent goes first.

    \b
    Example:
      fieldward sync once --home nurse
      fieldward sync once --home nurse --seconds 30 --kilobytes 500
    """
    from edge_runtime.enrolment.newcomer import complete_enrolment
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.sync.budget import Budget

    address = runtime.connections.relay_address(relay)
    budget = Budget(
        bytes_max=None if kilobytes is None else kilobytes * 1000,
        until_ms=None if seconds is None else clock() + seconds * 1000,
    )
    with working("Syncing", as_json=as_json) as words:
        if runtime.waiting:
            with closing(runtime.connections.http(address)) as http:
                complete_enrolment(runtime.store, http, now_ms=clock(), entropy=entropy)

        def show(report: SyncReport) -> None:
            words(f"Syncing: {report.receipted} of {report.sent} sent are receipted, {report.received} came in")

        report = runtime.connections.sync_once(
            address, over_http=over_http, attempts=attempts, progress=show, budget=budget
        )
    pending = runtime.store.waiting()
    refused_any = report.refusals or report.blobs.unsent
    # A budget that is spent is what was asked for: what waits then is said, and is no failure.
    ok = not refused_any and not report.alarms and (pending == 0 or report.stopped is not None)
    if as_json:
        refused = [{"code": e.code, "expected": e.expected, "got": e.got, "do": e.do} for e in report.refused]
        facts = {"sent": report.sent, "receipted": report.receipted, "received": report.received}
        print_json(
            {"ok": ok}
            | facts
            | {"pending": pending, "refused": refused, "alarms": report.alarms, "stopped": report.stopped}
            | {"attachments": report_json(report.blobs)}
            | {"log_size": report.checkpoint, "broken": [str(chart) for chart in sorted(report.broken)]}
        )
        return EXIT_DONE if ok else EXIT_REFUSED
    sent = (
        f"{report.receipted} of {report.sent} sent entries are durable at the relay"
        if report.sent
        else "Nothing was sent"
    )
    say(f"{sent}; {report.received} came in.")
    for error in report.refused[:_SHOWN]:
        say(safe(f"Refused ({error.code}): expected {error.expected}; got {error.got}; {error.do}."))
    if report.refusals > _SHOWN:
        say(f"... and {report.refusals - _SHOWN} more; see 'fieldward sync status'.")
    if report.refusals:
        say("What is refused stays on this device and is offered again by the next sync.")
    say_report(report.blobs)
    for chart in sorted(report.broken):
        say(f"THE GLASS IS BROKEN: chart {chart.short} was opened in an emergency; see 'fieldward break-glass list'.")
    for alarm in report.alarms:
        say(f"ALARM: {ALARMS.get(alarm, alarm)}")
    _say_what_waits(report, pending)
    return EXIT_DONE if ok else EXIT_REFUSED


def _say_what_waits(report: SyncReport, pending: int) -> None:
    if pending:
        say(f"{pending} entries still wait for the relay.")
    if report.stopped is not None:
        say(f"{_STOPPED[report.stopped]}: not everything is here or there yet. The next sync goes on from here.")


@sync.command()
@click.argument("address")
@with_device()
def meet(runtime: Runtime, address: str, *, as_json: bool) -> int:
    """Meet a device that runs 'fieldward sync host', without a relay, and carry what each lacks.

    Both show the other's role and short ids: compare them. Nothing depends on the network being honest.

    \b
    Example:
      fieldward sync meet ws://192.168.1.5:8731 --home nurse
    """
    from edge_runtime.cli.meeting_text import is_well, meeting_json, own_words, say_meeting

    if not as_json:
        say(f"This device: {own_words(runtime.identity.certificate)}.")
    with working("Meeting", as_json=as_json) as words:

        def show(report: MeetingReport) -> None:
            words(f"Meeting: {report.received} entries came, {report.sent} handed over")

        report = runtime.connections.meet(address, progress=show)
    pending = runtime.store.waiting()
    if as_json:
        print_json(meeting_json(report, pending=pending))
    else:
        say_meeting(report, pending=pending)
    return EXIT_DONE if is_well(report) else EXIT_REFUSED


@sync.command()
@click.option("--listen", default="127.0.0.1:8731", show_default=True, help="Address and port; port 0 is a free one.")
@click.option("--once", is_flag=True, help="End after one meeting.")
@click.option("--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="Written once this device listens.")
@with_device()
def host(runtime: Runtime, listen: str, ready_file: Path | None, *, once: bool, as_json: bool) -> int:
    """Wait for devices that run 'fieldward sync meet', and carry what each lacks, until told to stop.

    With --json, one JSON value a meeting. Others find this device only under an address that they can reach.

    \b
    Example:
      fieldward sync host --listen 192.168.1.5:8731 --home kit
    """
    from edge_runtime.cli.hosting import HostScreen
    from edge_runtime.cli.meeting_text import listen_place

    place = listen_place(listen)
    if ready_file is not None:
        check_out(ready_file)
    screen = HostScreen(runtime, ready_file, as_json=as_json)
    return screen.run(*place, once=once)
