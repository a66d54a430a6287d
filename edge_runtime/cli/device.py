"""`fieldward device`: how devices join."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.device_backup import backup, restore
from edge_runtime.cli.output import check_out, print_json, say, when, with_device, working, write_out
from edge_runtime.errors import InputError, RefusedError, RemoteError
from sync_protocol.roles import Role

if TYPE_CHECKING:
    from edge_runtime.enrolment.approval import Applicant
    from edge_runtime.runtime import Runtime

_INVITATION_BYTES_MAX: Final = 4096
_GROUP: Final = 3


@click.group()
def device() -> None:
    """Invite, enrol, approve and list devices."""


device.add_command(backup)
device.add_command(restore)


@device.command()
@click.option("--relay", help="The relay's address, as 'fieldward server run' printed it.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What its user is.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write INV.")
@click.option("--relay-fingerprint", help="What the relay printed: checked at the first contact.")
@with_device()
def invite(
    runtime: Runtime, relay: str | None, role: str, out: Path, relay_fingerprint: str | None, *, as_json: bool
) -> None:
    """Make a one-time invitation, good for three days. An administrator's device does this.

    INV holds a secret: hand it over in person, as a file, a QR code or paper, and to nobody else. The first invitation
    also certifies the relay. Others will see: that a device was invited, and for which role.

    \b
    Example:
      fieldward device invite --home admin --relay http://127.0.0.1:8440 --role nurse --out nurse.inv
    """
    from edge_runtime.enrolment import invitations
    from edge_runtime.enrolment.relay import claim_relay
    from edge_runtime.runtime import clock, entropy

    check_out(out)
    address = runtime.relay_address(relay)
    identity, recorder = runtime.identity, runtime.recorder
    with working("Asking the relay who it is", as_json=as_json), closing(runtime.http(address)) as http:
        claim_relay(runtime.store, identity, recorder, http, fingerprint=relay_fingerprint, now_ms=clock())
        invitation = invitations.invite(
            recorder, identity, address=address, role=Role(role), now_ms=clock(), entropy=entropy
        )
        runtime.sync_once(address, attempts=3)
    write_out(out, (invitations.write_invitation(invitation) + "\n").encode())
    if as_json:
        facts = {"invitation": str(invitation.invitation), "role": role, "expires_ms": invitation.expires_ms}
        print_json(facts | {"file": str(out), "relay": address})
        return
    say(f"Invitation for one {role} is in {out}, good until {when(invitation.expires_ms)}.")
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
    from edge_runtime.enrolment.invitations import read_invitation
    from edge_runtime.enrolment.newcomer import request_enrolment
    from edge_runtime.runtime import clock, entropy

    try:
        with invitation.open("rb") as file:
            text = file.read(_INVITATION_BYTES_MAX).decode("ascii", errors="replace")
    except OSError as error:
        raise InputError(
            "invitation", expected="a readable invitation file", got=error.strerror or "an error", do="check the path"
        ) from None
    opened = read_invitation(text)
    address = runtime.relay_address(opened.address)
    with working("Asking to be enrolled", as_json=as_json), closing(runtime.http(address)) as http:
        name, code = request_enrolment(runtime.store, http, opened, now_ms=clock(), entropy=entropy)
    if as_json:
        print_json({"device": str(name), "code": code, "role": opened.role.value, "state": "pending"})
        return
    say(f"This device asks to be enrolled as {opened.role.value}.")
    say(f"  device  {name}")
    say(f"  code    {code[:_GROUP]} {code[_GROUP:]}")
    say("Read the code out to the administrator, who runs:")
    say(f"  fieldward device approve --home ADMIN {name.short} --code {code}")
    say("Then, here: fieldward sync once --home THIS")


@device.command()
@click.argument("device_id", metavar="ID")
@click.option("--code", required=True, help="The six digits that the new device shows.")
@click.option("--relay", help="The relay's address; else the last one used.")
@with_device()
def approve(runtime: Runtime, device_id: str, code: str, relay: str | None, *, as_json: bool) -> None:
    """Sign the certificate of a device that asks, after comparing the codes. An administrator's device does this.

    Others will see: a new device with its role.

    \b
    Example:
      fieldward device approve --home admin 3f2a90bc --code 482913
    """
    from edge_runtime.enrolment import approval
    from edge_runtime.recorder.naming import one_named
    from edge_runtime.runtime import clock

    address = runtime.relay_address(relay)
    with working("Asking the relay who waits", as_json=as_json):
        waiting = {one.request.device: one for one in _applicants(runtime, address)}
        found = waiting[one_named(device_id, waiting, "request", "list those who wait with 'fieldward device list'")]
        name = approval.approve(runtime.recorder, runtime.identity, found, code=code, now_ms=clock())
        runtime.sync_once(address, attempts=3)
    request = found.request
    if as_json:
        print_json({"device": str(request.device), "role": request.role.value, "certificate": str(name)})
        return
    say(f"Device {request.device.short} is now a {request.role.value} of the organisation.")


@device.command("list")
@click.option("--relay", help="The relay's address; else the last one used.")
@click.option("--offline", is_flag=True, help="Do not ask the relay who waits.")
@with_device()
def list_devices(runtime: Runtime, relay: str | None, *, offline: bool, as_json: bool) -> None:
    """List the organisation's devices as this device knows them; administrators also see who waits.

    \b
    Example:
      fieldward device list --home admin
    """
    mine = runtime.identity.certificate.device
    members = [certificate.value for certificate in runtime.identity.trust.certificates()]
    rows = [
        {
            "device": str(one.device),
            "user": str(one.user),
            "role": one.role.value,
            "not_after_ms": one.not_after_ms,
            "this": one.device == mine,
        }
        for one in members
    ]
    waiting: list[dict[str, str]] = []
    note = None
    if runtime.identity.keys.administrator is not None and not offline:
        try:
            applicants = _applicants(runtime, runtime.relay_address(relay))
            waiting = [{"device": str(one.request.device), "role": one.request.role.value} for one in applicants]
        except (RemoteError, RefusedError) as error:
            note = f"who waits is not known now: {error.got}"
    if as_json:
        print_json({"devices": rows, "waiting": waiting, "note": note})
        return
    for row in rows:
        until = when(int(str(row["not_after_ms"])))
        say(f"{str(row['device'])[:8]}  {row['role']:<20} until {until}{'  (this device)' if row['this'] else ''}")
    for one in waiting:
        say(f"{one['device'][:8]}  {one['role']:<20} waits for approval")
    if note:
        say(f"({note})")


def _applicants(runtime: Runtime, address: str) -> list[Applicant]:
    from edge_runtime.enrolment.approval import applicants
    from edge_runtime.enrolment.organisation import require_administrator
    from edge_runtime.transports.http import HttpLink

    require_administrator(runtime.identity)
    with closing(runtime.http(address)) as http:
        token = runtime.sync_client().token(HttpLink(http), address)
        return applicants(runtime.store, http, token)
