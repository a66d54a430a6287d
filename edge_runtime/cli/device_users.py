"""`fieldward device users` and `add-user`: several people on one device, each with a home of their own."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import json_option, print_json, read_passphrase, say, working
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import InputError
from edge_runtime.settings import Home

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import DeviceId
    from sync_protocol.invitations import Invitation

_INVITATION_BYTES_MAX: Final = 4096
_GROUP: Final = 4
_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The shared device: a folder of homes.",
)


@click.command()
@_folder
@json_option
def users(folder: Path, *, as_json: bool) -> None:
    """List who has a home on a shared device, by the labels that they chose, and how often opening one failed since.

    It takes no passphrase, so whoever holds the device can read it: a label should be initials or a word. Nothing of
    any chart is shown. Others will see nothing of this.

    \b
    Example:
      fieldward device users --folder tablet
    """
    from edge_runtime.shared_device.profiles import list_profiles
    from edge_runtime.vault.attempts import failed_attempts

    rows = [
        {
            "label": one.label,
            "home": one.name,
            "failed_attempts": 0
            if (found := failed_attempts(Home(folder / one.name).attempts)) is None
            else found.count,
        }
        for one in list_profiles(folder)
    ]
    if as_json:
        print_json({"users": rows})
        return
    if not rows:
        say("Nobody has a home there. Add somebody: fieldward device add-user --help")
        return
    width = max(len("user"), *(len(str(row["label"])) for row in rows))
    say(f"{'user':<{width}}  {'home':<16}  failed attempts")
    for row in rows:
        say(safe(f"{row['label']:<{width}}  {row['home']:<16}  {row['failed_attempts'] or '-'}"))


@click.command("add-user")
@_folder
@click.option("--label", required=True, help="What the list calls this user; whoever holds the device can read it.")
@click.option(
    "--invitation", type=click.Path(path_type=Path, dir_okay=False), required=True, help="INV, made for this device."
)
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help="The new user's passphrase: first line."
)
@json_option
def add_user(folder: Path, label: str, invitation: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    """Give one more person a home on a shared device, with keys and a passphrase of their own, and ask to be certified.

    From the second user on, INV must name this device: an administrator makes it with 'device invite --on-device'.
    Others will see: another user of this device who asks, with public keys.

    \b
    Example:
      fieldward device add-user --folder tablet --label "A. B." --invitation ana.inv
    """
    from edge_runtime.enrolment.newcomer import request_enrolment
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.shared_device.joining import add_profile

    opened = read_invitation_file(invitation)
    passphrase = read_passphrase(passphrase_file, confirm=True)

    def ask(runtime: Runtime) -> tuple[DeviceId, str]:
        with closing(runtime.connections.http(runtime.connections.relay_address(opened.address))) as http:
            return request_enrolment(runtime.store, http, opened, now_ms=clock(), entropy=entropy)

    with working("Asking to be enrolled", as_json=as_json):
        profile, name, code = add_profile(folder, label, passphrase, invited=opened.device, entropy=entropy, enrol=ask)
    home = folder / profile.name
    if as_json:
        print_json(
            {"label": profile.label, "home": str(home), "device": str(name), "code": code, "role": opened.role.value}
        )
        return
    say(safe(f"{profile.label} asks to be enrolled as {opened.role.value}, in the home {home}."))
    say(f"  device  {name}")
    say(f"  code    {' '.join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))}")
    say("Read the code out to the administrator, who runs 'fieldward device approve'.")
    say(safe(f"Then, here: fieldward sync once --home {home}"))


def read_invitation_file(path: Path) -> Invitation:
    """Read INV.

    Raises:
        InputError: it cannot be read, or is no invitation.
    """
    from edge_runtime.enrolment.invitations import read_invitation

    try:
        with path.open("rb") as file:
            text = file.read(_INVITATION_BYTES_MAX).decode("ascii", errors="replace")
    except OSError as error:
        raise InputError(
            "invitation", expected="a readable invitation file", got=error.strerror or "an error", do="check the path"
        ) from None
    return read_invitation(text)
