"""`fieldward device list` and `show`: who belongs to the organisation, and how each stands."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.errors import RefusedError, RemoteError

if TYPE_CHECKING:
    from edge_runtime.enrolment.approval import Applicant
    from edge_runtime.enrolment.register import Member
    from edge_runtime.runtime import Runtime

_HEAD = "device    user      role"


@click.command("list")
@click.option("--relay", help="The relay's address; else the last one used.")
@click.option("--offline", is_flag=True, help="Do not ask the relay who waits.")
@with_device()
def list_devices(runtime: Runtime, relay: str | None, *, offline: bool, as_json: bool) -> None:
    """List the organisation's devices and users as this device knows them; administrators also see who waits.

    Others will see: nothing.

    \b
    Example:
      fieldward device list --home admin
    """
    from edge_runtime.runtime import clock

    now = clock()
    everybody = known_members(runtime)
    waiting: list[dict[str, str]] = []
    note = None
    if runtime.identity.keys.administrator is not None and not offline:
        try:
            waiting = [_applicant(one) for one in applicants_of(runtime, runtime.connections.relay_address(relay))]
        except (RemoteError, RefusedError) as error:
            note = f"who waits is not known now: {error.got}"
    if as_json:
        print_json({"devices": [member_json(one, now) for one in everybody], "waiting": waiting, "note": note})
        return
    say(_HEAD)
    for one in everybody:
        say(f"{one.device.short}  {one.user.short}  {one.role:<20} {_standing(one, now)}{_mark(one)}")
    for each in waiting:
        say(f"{each['device'][:8]}  {each['user'][:8]}  {each['role']:<20} waits for approval")
    if note:
        say(f"({note})")


@click.command()
@click.argument("device_id", metavar="DEVICE")
@with_device()
def show(runtime: Runtime, device_id: str, *, as_json: bool) -> None:
    """Show one device: its users, their roles, until when, who enrolled it, and whether it is trusted.

    Others will see: nothing.

    \b
    Example:
      fieldward device show 3f2a90bc --home admin
    """
    from edge_runtime.enrolment.register import of_device
    from edge_runtime.runtime import clock

    now = clock()
    chosen = of_device(known_members(runtime), device_id)
    if as_json:
        print_json({"device": str(chosen[0].device), "users": [member_json(one, now) for one in chosen]})
        return
    say(f"Device {chosen[0].device}{_mark(chosen[0])}")
    for one in chosen:
        say(f"  user       {one.user}")
        say(f"  role       {one.role}" + ("" if len(one.roles) < 2 else "  (several changes at once: all bind)"))  # noqa: PLR2004 more than one
        say(f"  standing   {_standing(one, now)}")
        say(f"  enrolled   {when(one.certificate.issued_ms)}, {one.depth} from the root")
        say(f"  principal  {one.principal}")


def known_members(runtime: Runtime) -> list[Member]:
    """Everybody whom this device knows."""
    from edge_runtime.enrolment.register import members

    return members(runtime.identity, runtime.keyring.organisation())


def member_json(one: Member, now_ms: int) -> dict[str, Any]:
    """A user on a device, for machines."""
    return {
        "device": str(one.device),
        "user": str(one.user),
        "role": one.role,
        "roles": [role.value for role in one.roles],
        "not_after_ms": one.certificate.not_after_ms,
        "expiry": one.ends(now_ms),
        "trusted": one.trusted,
        "revoked_ms": one.revoked_ms,
        "revoked_for": None if one.reason is None else one.reason.value,
        "depth": one.depth,
        "principal": str(one.principal),
        "this": one.this,
    }


def applicants_of(runtime: Runtime, address: str) -> list[Applicant]:
    """The devices that wait for this administrator's approval, as the relay has them.

    Raises:
        RefusedError: this is no administrator's device, or its certificate has ended.
        RemoteError: the relay does not answer.
    """
    from edge_runtime.enrolment.approval import applicants
    from edge_runtime.enrolment.organisation import require_administrator

    require_administrator(runtime.identity)
    with closing(runtime.connections.http(address)) as http:
        return applicants(runtime.store, http, runtime.connections.token(http, address))


def _applicant(one: Applicant) -> dict[str, str]:
    request = one.request
    return {"device": str(request.device), "user": str(request.user), "role": request.role.value}


def _standing(one: Member, now_ms: int) -> str:
    if one.revoked_ms is not None and one.reason is not None:
        return f"REVOKED {when(one.revoked_ms)}, {one.reason.value}"
    if not one.trusted:
        return "NOT TRUSTED: enrolled by an administrator after that one's revocation"
    until = when(one.certificate.not_after_ms)
    match one.ends(now_ms):
        case "ended":
            return f"ENDED {until}: it writes, and syncs no more until it is renewed"
        case "ends_soon":
            return f"until {until}: renew it soon"
    return f"until {until}"


def _mark(one: Member) -> str:
    return "  (this device)" if one.this else ""
