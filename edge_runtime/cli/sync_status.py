"""`fieldward sync status`: where every entry of this device is, and what is not in order, why, and the way out.

Never one word for all of it: what only this device has, what others have, what the relay signed for and what it has in
a backup are different promises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.blob_text import counts_json, counts_line
from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.access.disputes import Dispute
    from edge_runtime.runtime import Runtime
    from edge_runtime.sync.lacking import Held

ALARMS: Final = {
    "relay_log_differs": "The relay's log is not what it was. All was compared and sent again; tell an administrator.",
    "relay_log_shrank": "The relay's log is shorter than the relay itself had signed. Tell an administrator.",
    "relay_log_split": "The relay signed two different logs of one length. Tell an administrator.",
    "relay_sent_unsound_entries": "The relay sent entries that do not verify; none was stored. Tell an administrator.",
}
_SHOWN: Final = 8
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S


@click.command()
@with_device()
def status(runtime: Runtime, *, as_json: bool) -> None:
    """Say where every entry of this device is, and what is held, refused or disputed, why, and what to do.

    On this device only; at a peer as well; at the relay; receipted: the relay signed for it and this device verified
    that; safe: in the relay's last backup, too.

    \b
    Example:
      fieldward sync status --home nurse
    """
    facts = _facts(runtime)
    if as_json:
        print_json(facts)
    else:
        _say(facts)


def _facts(runtime: Runtime) -> dict[str, Any]:
    """Everything, for machines. The six counts of states add up to `entries`."""
    from edge_runtime.runtime import clock
    from edge_runtime.store.uploads import UploadState
    from edge_runtime.sync.lacking import held_report
    from edge_runtime.sync.progress import ALARM, load_cursor
    from edge_runtime.sync.safety import tally

    store, now_ms = runtime.store, clock()
    counts, oldest, alarm = store.upload_counts(), store.oldest_pending_ms(), store.get_value(ALARM)
    safe_entries, receipted, fed = tally(store)
    refused = [
        {"entry": str(one.arrived.entry.hash), "code": one.code, "reason": one.text, "do": _REFUSED_DO}
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
        "held": [_held(one) for one in held_report(store)],
        "disputed": [] if runtime.waiting else _disputed(runtime),
        "oldest_unsent_s": None if oldest is None else max(0, (now_ms - oldest) // 1000),
        "log_size": load_cursor(store).size,
        "backed_up": _backed_up(runtime, now_ms),
        "restored": _restored(runtime),
        "alarm": None if alarm is None else alarm.decode(),
        "attachments": counts_json(runtime),
    }


_REFUSED_DO: Final = "it stays on this device and is offered again by each sync; ask an administrator about the reason"


def _held(one: Held) -> dict[str, Any]:
    return {
        "author": None if one.author is None else str(one.author),
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


def _restored(runtime: Runtime) -> list[dict[str, Any]]:
    from edge_runtime.restored import notes

    return [{"session": str(one.left), "at_ms": one.at_ms, "why": one.why} for one in notes(runtime.store)]


def _say(facts: dict[str, Any]) -> None:
    """The same for a person: counts, then what is not in order."""
    age, backup = facts["oldest_unsent_s"], facts["backed_up"]
    oldest = "" if age is None else f"; the oldest has waited {_ago(age)}"
    saved = "" if backup is None else f", which is {_ago(backup['age_s'])} old"
    say(f"{facts['entries']} entries are on this device. Of these")
    for count, words in (
        (facts["on_this_device_only"], f"on this device only{oldest}"),
        (facts["at_a_peer"], "at another device as well, not at the relay yet"),
        (facts["at_the_relay"], "from the relay"),
        (facts["receipted"], "receipted: the relay signed for them, and that was verified"),
        (facts["safe"], f"safe: in the relay's last backup, too{saved}"),
        (len(facts["refused"]), "refused by the relay, kept here"),
    ):
        say(f"{count:>8}  {words}")
    if line := counts_line(facts["attachments"]):
        say(f"{'':>8}  {line}")
    if backup is None and facts["receipted"] + facts["at_the_relay"]:
        say("The relay has not said yet that anything is in a backup: nothing counts as safe.")
    _say_list(
        "Refused", facts["refused"], lambda one: f"{one['entry'][:8]}  {one['code']}: {one['reason']}; {one['do']}"
    )
    _say_list("Held", facts["held"], _held_line)
    _say_list("Disputed", facts["disputed"], _dispute_line)
    for one in facts["restored"][-_SHOWN:]:
        why = _WHY.get(one["why"], one["why"])
        say(f"Note: this device began a new session at {when(one['at_ms'])}, because {why}.")
    if facts["alarm"] is not None:
        say(f"ALARM: {ALARMS.get(facts['alarm'], facts['alarm'])}")


def _say_list(title: str, items: list[dict[str, Any]], line: Any) -> None:  # noqa: ANN401 a function of one item
    if not items:
        return
    say(f"{title}:")
    for one in items[:_SHOWN]:
        say(safe(f"          {line(one)}"))
    if len(items) > _SHOWN:
        say(f"          ... and {len(items) - _SHOWN} more; --json has them all")


def _refused_line(one: dict[str, Any]) -> str:
    return f"{one['entry'][:8]}  {one['code']}: {one['reason']}; {one['do']}"


def _held_line(one: dict[str, Any]) -> str:
    who = "several authors" if one["author"] is None else f"author {one['author'][:8]}"
    many = f"{one['entries']} entries" if one["entries"] > 1 else "1 entry"
    since = f" since {when(one['since_ms'])}" if one["since_ms"] else ""
    return f"{many} of {who}{since}: {one['reason']}; {one['do']}"


def _dispute_line(one: dict[str, Any]) -> str:
    where = "the organisation's records" if one["chart"] is None else f"chart {one['chart'][:8]}"
    what = {
        "fork": "a session wrote two entries with one number",
        "outside_cut": "written by a revoked device outside its cut",
    }[one["kind"]]
    return f"{one['entries']} entries in {where}: {what}; {one['do']}"


_WHY: Final = {
    "store_older": "its store was an older one than before",
    "other_marker": "its store was put in another's place",
    "other_file": "its store was copied from elsewhere",
    "backup": "it was made from a backup",
    "relay": "the relay had more of it than this device",
    "peer": "another device had more of it than this one",
    "came_back": "entries of its own came from elsewhere",
}


def _ago(seconds: int) -> str:
    """A length of time for a person."""
    for unit, words in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {words}"
    return f"{seconds} s"
