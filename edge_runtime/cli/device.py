"""`fieldward device`: how devices join; what else is done with them stands in `device_list` and `device_admin`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.device_admin import renew, revoke, role
from edge_runtime.cli.device_backup import backup, restore
from edge_runtime.cli.device_list import applicants_of, known_members, list_devices, show
from edge_runtime.cli.device_users import add_user, read_invitation_file, users
from edge_runtime.cli.output import check_out, print_json, say, when, with_device, working, write_out
from sync_protocol.roles import Role

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import DeviceId, UserId

_GROUP: Final = 4


@click.group()
def device() -> None:
    """Invite, enrol, approve, list, renew and revoke devices."""


device.add_command(backup)
device.add_command(restore)


@device.command()
@click.option("--relay", help="The relay's address, as 'fieldward server run' printed it.")
@click.option("--role", "role_name", type=click.Choice([role.value for role in Role]), help="What its user is.")
@click.option("--for-user", metavar="USER", help="For a further device of this user; the role defaults to the user's.")
@click.option("--on-device", metavar="DEVICE", help="For a further user of this device, in a home of its own.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write INV.")
@click.option("--relay-fingerprint", help="What the relay printed: checked at the first contact.")
@with_device()
def invite(
    runtime: Runtime,
    relay: str | None,
    role_name: str | None,
    for_user: str | None,
    on_device: str | None,
    out: Path,
    relay_fingerprint: str | None,
    *,
    as_json: bool,
) -> None:
    """Make a one-time invitation, good for three days. An administrator's device does this.

    INV holds a secret: hand it over in person, as a file, a QR code or paper, and to nobody else. The first invitation
    also certifies the relay. Others will see: that a device was invited, and for which role.

    \b
    Example:
      fieldward device invite --home admin --relay http://127.0.0.1:8440 --role nurse --out nurse.inv
      fieldward device invite --home admin --for-user 91c0de77 --out phone.inv
    """
    from edge_runtime.enrolment import invitations
    from edge_runtime.enrolment.organisation import require_administrator
    from edge_runtime.enrolment.relay import claim_relay
    from edge_runtime.runtime import clock, entropy

    check_out(out)
    require_administrator(runtime.identity)
    user, named_device, theirs = _named(runtime, for_user, on_device)
    role_name = role_name or theirs
    if role_name is None:
        raise click.UsageError("Missing option '--role'; it may be left out with --for-user only")
    address = runtime.connections.relay_address(relay)
    identity, recorder = runtime.identity, runtime.recorder
    with working("Asking the relay who it is", as_json=as_json), closing(runtime.connections.http(address)) as http:
        claim_relay(runtime.store, identity, recorder, http, fingerprint=relay_fingerprint, now_ms=clock())
        invitation = invitations.invite(
            recorder,
            identity,
            address=address,
            role=Role(role_name),
            now_ms=clock(),
            entropy=entropy,
            user=user,
            device=named_device,
        )
        runtime.connections.sync_once(address, attempts=3)
    write_out(out, (invitations.write_invitation(invitation) + "\n").encode())
    if as_json:
        facts = {"invitation": str(invitation.invitation), "role": role_name, "expires_ms": invitation.expires_ms}
        names = {
            "user": None if user is None else str(user),
            "device": None if named_device is None else str(named_device),
        }
        print_json(facts | names | {"file": str(out), "relay": address})
        return
    say(f"Invitation for one {role_name} is in {out}, good until {when(invitation.expires_ms)}.")
    say(f"Next, on the new device: fieldward device enrol --home NEW --invitation {out}")


@device.command()
@click.option("--invitation", type=click.Path(path_type=Path, dir_okay=False), required=True, help="INV.")
@with_device(make=True)
def enrol(runtime: Runtime, invitation: Path, *, as_json: bool) -> None:
    """Ask to become a device of the organisation that the invitation names. The keys are made here and stay here.

    Others will see: a device that asks, with its public keys.

    \b
    Example:
      fieldward device enrol --home nurse --invitation nurse.inv
    """
    from edge_runtime.enrolment.newcomer import request_enrolment
    from edge_runtime.runtime import clock, entropy

    opened = read_invitation_file(invitation)
    address = runtime.connections.relay_address(opened.address)
    with working("Asking to be enrolled", as_json=as_json), closing(runtime.connections.http(address)) as http:
        name, code = request_enrolment(runtime.store, http, opened, now_ms=clock(), entropy=entropy)
    if as_json:
        print_json({"device": str(name), "code": code, "role": opened.role.value, "state": "pending"})
        return
    say(f"This device asks to be enrolled as {opened.role.value}.")
    say(f"  device  {name}")
    shown = " ".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
    say(f"  code    {shown}")
    say("Read the code out to the administrator, who runs:")
    say(f"  fieldward device approve --home ADMIN {name.short} --code {shown}")
    say("Then, here: fieldward sync once --home THIS")


@device.command()
@click.argument("device_id", metavar="ID")
@click.argument("rest", metavar="", nargs=-1)
@click.option("--code", required=True, help="The twelve digits that the new device shows, in groups or not.")
@click.option("--relay", help="The relay's address; else the last one used.")
@with_device()
def approve(
    runtime: Runtime, device_id: str, rest: tuple[str, ...], code: str, relay: str | None, *, as_json: bool
) -> None:
    """Sign the certificate of a device that asks, after comparing the codes. An administrator's device does this.

    Others will see: a new device with its role.

    \b
    Example:
      fieldward device approve --home admin 3f2a90bc --code 4829 1306 7215
    """
    if not all(word.isascii() and word.replace("-", "").isdigit() for word in rest):
        raise click.UsageError("after the ID and the digits of --code comes nothing else")
    from edge_runtime.enrolment import approval
    from edge_runtime.recorder.naming import one_named
    from edge_runtime.runtime import clock

    address = runtime.connections.relay_address(relay)
    with working("Asking the relay who waits", as_json=as_json):
        waiting = {one.request.device: one for one in applicants_of(runtime, address)}
        found = waiting[one_named(device_id, waiting, "request", "list those who wait with 'fieldward device list'")]
        name = approval.approve(runtime.recorder, runtime.identity, found, code=" ".join((code, *rest)), now_ms=clock())
        runtime.connections.sync_once(address, attempts=3)
    request = found.request
    if as_json:
        print_json({"device": str(request.device), "role": request.role.value, "certificate": str(name)})
        return
    say(f"Device {request.device.short} is now enrolled in the organisation, as {request.role.value}.")


def _named(
    runtime: Runtime, user: str | None, on_device: str | None
) -> tuple[UserId | None, DeviceId | None, str | None]:
    """The user and the device that an invitation is to name, and the role that the user has.

    Raises:
        RefusedError: no such user or device, or one that was revoked.
    """
    from edge_runtime.enrolment.register import of_device, of_user, require_trusted

    everybody = known_members(runtime)
    theirs = None if user is None else require_trusted(of_user(everybody, user))
    shared = None if on_device is None else require_trusted(of_device(everybody, on_device))
    return (
        None if theirs is None else theirs[0].user,
        None if shared is None else shared[0].device,
        None if theirs is None else theirs[0].roles[0].value,
    )


for command in (list_devices, show, users, add_user, renew, role, revoke):
    device.add_command(command)
