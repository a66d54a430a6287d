"""`fieldward sync`: exchange with the relay or another device, and an honest word on what is where."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, check_out, print_json, say, with_device, working
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.client import SyncReport
    from edge_runtime.sync.meeting_report import MeetingReport

_ALARMS: Final = {
    "relay_log_differs": "The relay's log is not what it was. All was compared and sent again; tell an administrator.",
    "relay_log_shrank": "The relay's log is shorter than the relay itself had signed. Tell an administrator.",
    "relay_log_split": "The relay signed two different logs of one length. Tell an administrator.",
    "relay_sent_unsound_entries": "The relay sent entries that do not verify; none was stored. Tell an administrator.",
}
_SHOWN: Final = 5


@click.group()
def sync() -> None:
    """Sync with the relay, or with a device nearby; see what is where."""


@sync.command()
@click.option("--relay", help="The relay's address; else the last one used.")
@click.option("--http", "over_http", is_flag=True, help="Use plain requests, for links that allow no WebSocket.")
@click.option("--attempts", type=click.IntRange(1, 20), default=3, show_default=True, help="How often to try.")
@with_device()
def once(runtime: Runtime, relay: str | None, *, over_http: bool, attempts: int, as_json: bool) -> int:
    """Send what waits, take what is new, and end. A device that waits for approval fetches its certificate first.

    \b
    Example:
      fieldward sync once --home nurse
    """
    from edge_runtime.enrolment.newcomer import complete_enrolment
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.store.uploads import UploadState

    address = runtime.relay_address(relay)
    with working("Syncing", as_json=as_json) as words:
        if runtime.waiting:
            with closing(runtime.http(address)) as http:
                complete_enrolment(runtime.store, http, now_ms=clock(), entropy=entropy)

        def show(report: SyncReport) -> None:
            words(f"Syncing: {report.receipted} of {report.sent} sent are receipted, {report.received} came in")

        report = runtime.sync_once(address, over_http=over_http, attempts=attempts, progress=show)
    pending = runtime.store.upload_counts().get(UploadState.PENDING, 0)
    ok = not report.refusals and not report.alarms and pending == 0
    if as_json:
        refused = [{"code": e.code, "expected": e.expected, "got": e.got, "do": e.do} for e in report.refused]
        facts = {"sent": report.sent, "receipted": report.receipted, "received": report.received}
        print_json(
            {"ok": ok}
            | facts
            | {"pending": pending, "refused": refused, "alarms": report.alarms}
            | {"log_size": report.checkpoint, "broken": [str(chart) for chart in sorted(report.broken)]}
        )
        return EXIT_DONE if ok else EXIT_REFUSED
    say(f"{report.receipted} of {report.sent} sent entries are durable at the relay; {report.received} came in.")
    for error in report.refused[:_SHOWN]:
        say(safe(f"Refused ({error.code}): expected {error.expected}; got {error.got}; {error.do}."))
    if report.refusals > _SHOWN:
        say(f"... and {report.refusals - _SHOWN} more; see 'fieldward sync status'.")
    if report.refusals:
        say("What is refused stays on this device and is offered again by the next sync.")
    for chart in sorted(report.broken):
        say(f"THE GLASS IS BROKEN: chart {chart.short} was opened in an emergency; see 'fieldward break-glass list'.")
    for alarm in report.alarms:
        say(f"ALARM: {_ALARMS.get(alarm, alarm)}")
    if pending:
        say(f"{pending} entries are still on this device only.")
    return EXIT_DONE if ok else EXIT_REFUSED


@sync.command()
@with_device()
def status(runtime: Runtime, *, as_json: bool) -> None:
    """Say what is on this device only, what the relay has receipted, and what it refused.

    \b
    Example:
      fieldward sync status --home nurse
    """
    from edge_runtime.runtime import clock
    from edge_runtime.store.uploads import UploadState
    from edge_runtime.sync.client import ALARM, load_cursor

    store = runtime.store
    counts = store.upload_counts()
    oldest = store.oldest_pending_ms()
    age_s = None if oldest is None else max(0, (clock() - oldest) // 1000)
    refused = [{"entry": str(one.arrived.entry.hash), "code": one.code, "reason": one.text} for one in store.refused()]
    alarm = store.get_value(ALARM)
    facts = {
        "on_this_device_only": counts.get(UploadState.PENDING, 0),
        "at_the_relay": counts.get(UploadState.RECEIPTED, 0),
        "refused": refused,
        "oldest_unsent_s": age_s,
        "log_size": load_cursor(store).size,
        "alarm": None if alarm is None else alarm.decode(),
    }
    if as_json:
        print_json(facts)
        return
    say(f"{facts['at_the_relay']:>8}  at the relay")
    say(
        f"{facts['on_this_device_only']:>8}  on this device only"
        + ("" if age_s is None else f", the oldest for {age_s} s")
    )
    say(f"{len(refused):>8}  refused by the relay, kept here")
    for one in refused[:20]:
        say(safe(f"          {one['entry'][:8]}  {one['code']}: {one['reason']}"))
    if alarm is not None:
        say(f"ALARM: {_ALARMS.get(alarm.decode(), alarm.decode())}")


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
    from edge_runtime.store.uploads import UploadState

    if not as_json:
        say(f"This device: {own_words(runtime.identity.certificate)}.")
    with working("Meeting", as_json=as_json) as words:

        def show(report: MeetingReport) -> None:
            words(f"Meeting: {report.received} entries came, {report.sent} handed over")

        report = runtime.meet(address, progress=show)
    pending = runtime.store.upload_counts().get(UploadState.PENDING, 0)
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
