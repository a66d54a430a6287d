"""`fieldward sync status`: where every entry of this device is, and what is not in order, why, and the way out.

Never one word for all of it: what only this device has, what others have, what the relay signed for and what it has in
a backup are different promises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.blob_text import counts_json
from edge_runtime.cli.output import print_json, with_device, working
from edge_runtime.cli.sync_entry import by, entry_json, refused_do, say_entry
from edge_runtime.cli.sync_status_text import say_status

if TYPE_CHECKING:
    from edge_runtime.access.disputes import Dispute
    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.lacking import Held
    from edge_runtime.sync.recheck import Rechecked


@click.command()
@click.option("--entry", metavar="HASH", help="Say it of one entry: its hash, or at least the first 4 digits.")
@with_device()
def status(runtime: Runtime, entry: str | None, *, as_json: bool) -> None:
    """Say where every entry of this device is, and what is held, refused or disputed, why, and what to do.

    On this device only; at a peer as well; at the relay; receipted: the relay signed for it and this device verified
    that; safe: in the relay's last backup, too.

    \b
    Example:
      fieldward sync status --home nurse
      fieldward sync status --entry 3f2a90bc --home nurse
    """
    if entry is not None:
        with working("Looking for it", as_json=as_json):
            told = entry_json(runtime, entry)
        if as_json:
            print_json(told)
        else:
            say_entry(told)
        return
    with working("Looking through what is here", as_json=as_json):
        facts = _facts(runtime)
    if as_json:
        print_json(facts)
    else:
        say_status(facts)


def _facts(runtime: Runtime) -> dict[str, Any]:
    """Everything, for machines. The six counts of states add up to `entries`."""
    from edge_runtime.runtime import clock
    from edge_runtime.store.uploads import UploadState
    from edge_runtime.sync.lacking import held_report
    from edge_runtime.sync.progress import ALARM, load_cursor
    from edge_runtime.sync.recheck import rechecked
    from edge_runtime.sync.safety import tally

    store, now_ms = runtime.store, clock()
    counts, oldest, alarm = store.upload_counts(), store.oldest_pending_ms(), store.get_value(ALARM)
    safe_entries, receipted, fed = tally(store)
    compared = rechecked(store)
    refused = [
        {"entry": str(one.name), "code": one.code, "reason": one.text, "do": refused_do(one.code)}
        for one in store.refused()
    ]
    return {
        "entries": store.size(),
        "on_this_device_only": counts.get(UploadState.PENDING, 0),
        "at_a_peer": counts.get(UploadState.AT_PEER, 0),
        "at_the_relay": fed,
        "receipted": receipted,
        "safe": safe_entries,
        "refused": refused,
        "held": [_held(runtime, one) for one in held_report(store)],
        "disputed": [] if runtime.waiting else _disputed(runtime),
        "oldest_unsent_s": None if oldest is None else max(0, (now_ms - oldest) // 1000),
        "log_size": load_cursor(store).size,
        "backed_up": _backed_up(runtime, now_ms),
        "restored": _restored(runtime),
        "compared_ms": None if compared is None else compared.done_ms,
        "withheld": _withheld(compared),
        "alarm": None if alarm is None else alarm.decode(),
        "attachments": counts_json(runtime),
    }


def _held(runtime: Runtime, one: Held) -> dict[str, Any]:
    return {
        "author": None if one.author is None else str(one.author),
        "by": by(runtime, one.author),
        "stream": None if one.stream is None else str(one.stream),
        "session": None if one.session is None else str(one.session),
        "seq": one.seq,
        "entries": one.count,
        "waits_for": None if one.waits_for is None else str(one.waits_for),
        "since_ms": one.since_ms,
        "code": one.code,
        "reason": one.got,
        "do": one.do,
    }


def _disputed(runtime: Runtime) -> list[dict[str, Any]]:
    from edge_runtime.access.disputes import disputes

    return [_dispute(one) for one in disputes(runtime.store, runtime.identity, runtime.keyring)]


def _dispute(one: Dispute) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "chart": None if one.chart is None else str(one.chart),
        "stream": str(one.stream),
        "session": str(one.session),
        "entries": one.entries,
        "do": one.do,
    }


def _backed_up(runtime: Runtime, now_ms: int) -> dict[str, Any] | None:
    from edge_runtime.sync.safety import statement

    said = statement(runtime.store)
    if said is None:
        return None
    return {"size": said.size, "made_ms": said.made_ms, "age_s": max(0, (now_ms - said.made_ms) // 1000)}


def _withheld(compared: Rechecked | None) -> dict[str, Any] | None:
    """What the relay left out of its feed until a comparison asked for it."""
    if compared is None or not compared.withheld:
        return None
    return {"entries": compared.withheld, "at_ms": compared.withheld_ms}


def _restored(runtime: Runtime) -> list[dict[str, Any]]:
    from edge_runtime.restored import notes

    return [{"session": str(one.left), "at_ms": one.at_ms, "why": one.why} for one in notes(runtime.store)]
