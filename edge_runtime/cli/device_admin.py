"""`fieldward device renew`, `role` and `revoke`: what an administrator does with devices that are there."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.device_list import known_members
from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, say, when, with_device, working
from edge_runtime.errors import InputError, RefusedError, RemoteError
from sync_protocol.revocation import RevocationReason
from sync_protocol.roles import Role

if TYPE_CHECKING:
    from edge_runtime.enrolment.revoking import Subject
    from edge_runtime.enrolment.sessions import Endings
    from edge_runtime.runtime import Runtime

_DAYS = 365
_DAYS_MAX = 3650
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RELAY = "The relay's address; else the last one used."


@click.command()
@click.argument("device_id", metavar="DEVICE", required=False)
@click.option("--all", "everyone", is_flag=True, help="Every device that is trusted and ends sooner.")
@click.option("--days", type=click.IntRange(1, _DAYS_MAX), default=_DAYS, show_default=True, help="Good for so long.")
@click.option("--relay", help=_RELAY)
@with_device()
def renew(
    runtime: Runtime, device_id: str | None, days: int, relay: str | None, *, everyone: bool, as_json: bool
) -> int:
    """Prolong certificates; nothing else about a device changes. An administrator's device does this.

    A renewed device takes its new certificate over when it syncs. Others will see: that the device was renewed.

    \b
    Example:
      fieldward device renew 3f2a90bc --home admin
      fieldward device renew --all --days 180 --home admin
    """
    from edge_runtime.enrolment import renewal
    from edge_runtime.enrolment.register import of_device
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.sync.renewing import take_over

    if (device_id is None) == (not everyone):
        raise click.UsageError("name a DEVICE, or give --all")
    everybody = known_members(runtime)
    chosen = [one for one in everybody if one.trusted] if device_id is None else of_device(everybody, device_id)
    done = renewal.renew(runtime.recorder, runtime.identity, runtime.store, chosen, days=days, now_ms=clock())
    take_over(runtime.store, runtime.identity, now_ms=clock(), entropy=entropy)
    note = _sync(runtime, relay, as_json=as_json) if done.made else None
    left = [{"device": str(one.device), "user": str(one.user), "why": why} for one, why in done.left]
    if as_json:
        made = [{"device": str(one.value.device), "not_after_ms": one.value.not_after_ms} for one in done.made]
        print_json({"renewed": made, "left": left, "note": note})
    else:
        for one in done.made:
            say(f"Device {one.value.device.short} is good until {when(one.value.not_after_ms)}, once it has synced.")
        for each in left:
            say(f"Device {each['device'][:8]} was left as it is: {each['why']}.")
        _say_note(note)
    return EXIT_DONE if done.made or everyone else EXIT_REFUSED


@click.command()
@click.argument("name", metavar="DEVICE|USER")
@click.argument("role_name", metavar="ROLE", type=click.Choice([role.value for role in Role]))
@click.option("--relay", help=_RELAY)
@with_device()
def role(runtime: Runtime, name: str, role_name: str, relay: str | None, *, as_json: bool) -> None:
    """Give a user on a device, or a user on all devices, another role. An administrator's device does this.

    From then on it may read and write what the new role may; what it wrote before stays. Others will see: the change.

    \b
    Example:
      fieldward device role 3f2a90bc physician --home admin
    """
    from edge_runtime.enrolment.register import of_either
    from edge_runtime.enrolment.roles import set_role

    changed = set_role(runtime.recorder, runtime.identity, of_either(known_members(runtime), name), Role(role_name))
    note = _sync(runtime, relay, as_json=as_json) if changed else None
    if as_json:
        rows = [{"device": str(one.device), "user": str(one.user), "from": one.role} for one in changed]
        print_json({"role": role_name, "changed": rows, "note": note})
        return
    for one in changed:
        say(f"User {one.user.short} on device {one.device.short} was {one.role} and is now {role_name}.")
    if not changed:
        say(f"Nothing changed: the role is {role_name} already.")
    _say_note(note)


@click.command()
@click.argument("name", metavar="DEVICE")
@click.option("--user", "by_user", is_flag=True, help="DEVICE is a user's id: all devices of that user.")
@click.option("--reason", type=click.Choice([one.value for one in RevocationReason]), required=True, help="Why.")
@click.option("--since", metavar="TIME", help="Trust nothing the relay got from then on, as 2026-03-01T14:30 (UTC).")
@click.option("--root", is_flag=True, help="Sign with the organisation's root keys, where this vault holds them.")
@click.option("--relay", help=_RELAY)
@with_device()
def revoke(
    runtime: Runtime,
    name: str,
    reason: str,
    since: str | None,
    relay: str | None,
    *,
    by_user: bool,
    root: bool,
    as_json: bool,
) -> None:
    """Trust a device, or a user, no longer. What it wrote until now stays; what it writes later is kept for review.

    An administrator nearer to the root than the device does this, or the root. Others will see: who was revoked, and
    why as the one word given. The break-glass desk is told at once, where there is one and it answers.

    \b
    Example:
      fieldward device revoke 3f2a90bc --reason stolen --since 2026-03-01T14:30 --home admin
    """
    from edge_runtime.cli.break_glass_input import tell_if_announced
    from edge_runtime.enrolment import revoking
    from edge_runtime.enrolment.register import of_device, of_user
    from edge_runtime.runtime import clock

    since_ms = None if since is None else _time(since)
    revoking.check_since(since_ms, clock())
    everybody = known_members(runtime)
    chosen = of_user(everybody, name) if by_user else of_device(everybody, name)
    subject = revoking.subject_of(chosen, user=by_user, again=since is not None)
    by = revoking.authority(runtime.store, runtime.identity, everybody, subject, root=root)
    with working("Asking the relay where its sessions ended", as_json=as_json):
        endings, cut_by = _endings(runtime, subject, relay, since_ms)
    record = revoking.revoke(
        runtime.recorder, runtime.identity, by, subject, endings, reason=RevocationReason(reason), now_ms=clock()
    )
    note = _sync(runtime, relay, as_json=as_json)
    desk = tell_if_announced(runtime, as_json=as_json)
    facts: dict[str, Any] = {
        "revocation": str(record),
        "device": None if subject.device is None else str(subject.device),
        "user": None if subject.user is None else str(subject.user),
        "reason": reason,
        "sessions": len(endings.cuts),
        "sessions_left_out": endings.left_out,
        "cut_by": cut_by,
        "desk": desk,
        "note": note,
    }
    if as_json:
        print_json(facts)
        return
    what = f"user {subject.id.short} on all devices" if by_user else f"device {subject.id.short}"
    say(f"Revoked: {what}; {len(endings.cuts)} sessions are cut at what {_CUT_BY[cut_by]}.")
    say(
        "From now on: the relay drops its connections, keys rotate at the next write, and what it writes later is kept "
        "apart for review."
    )
    if endings.left_out:
        say(f"{endings.left_out} older sessions do not fit into the record: what they wrote awaits review.")
    if cut_by == "this_device":
        say("The relay could not be asked: more may await review than must. Revoke again with --since once it answers.")
    if desk is not None:
        say(_DESK[desk])
    _say_note(note)


_CUT_BY = {"relay": "the relay has of them", "relay_since": "the relay had then", "this_device": "this device knows"}


_DESK = {
    "told": "The break-glass desk knows of it.",
    "not_told": "The break-glass desk does not answer and may not know of it: run 'fieldward break-glass tell' soon.",
}


def _endings(runtime: Runtime, subject: Subject, relay: str | None, since_ms: int | None) -> tuple[Endings, str]:
    """Where the sessions end, and by whose knowledge.

    Raises:
        RefusedError: a time was asked for, and the relay, which alone knows when things arrived, does not answer.
    """
    from edge_runtime.enrolment import revoking

    try:
        address = runtime.connections.relay_address(relay)
        with closing(runtime.connections.http(address)) as http:
            token = runtime.connections.token(http, address)
            endings, _ = revoking.asked_endings(
                runtime.store, runtime.identity, http, token, subject, before_ms=since_ms
            )
    except (RemoteError, RefusedError) as error:
        if since_ms is None:
            return revoking.known_endings(runtime.store, runtime.identity, subject), "this_device"
        raise RefusedError(
            "relay_needed",
            expected="the relay's answer: it alone knows when things arrived",
            got=error.got,
            do="try again, or leave --since out to cut at what this device knows, and revoke again later",
        ) from None
    return endings, "relay" if since_ms is None else "relay_since"


def _sync(runtime: Runtime, relay: str | None, *, as_json: bool) -> str | None:
    """Sync what was recorded; what to say where that did not go through."""
    try:
        with working("Telling the relay", as_json=as_json):
            runtime.connections.sync_once(runtime.connections.relay_address(relay), attempts=3)
    except (RemoteError, RefusedError) as error:
        return f"recorded here, and not yet known to others: {error.got}; run 'fieldward sync once'"
    return None


def _say_note(note: str | None) -> None:
    if note is not None:
        say(f"({note})")


def _time(text: str) -> int:
    """Read a time, UTC where it says nothing else.

    Raises:
        InputError: it is none.
    """
    try:
        read = datetime.fromisoformat(text if _DATE.match(text) else "")
        ms = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        ms = -1
    if ms < 0:
        raise InputError("since", expected="a time as 2026-03-01T14:30", got=f"{text[:32]!r}", do="give it so")
    return ms
