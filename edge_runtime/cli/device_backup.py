"""`fieldward device backup` and `fieldward device restore`: a device's own encrypted copy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.output import check_out, home_options, print_json, read_passphrase, say, when, working
from edge_runtime.errors import InputError, VaultError

if TYPE_CHECKING:
    from edge_runtime.settings import Home
    from edge_runtime.store.device import DeviceStore

_BACKUP_PASSPHRASE = click.option(
    "--backup-passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The backup's own passphrase: the first line of this file, FIELDWARD_BACKUP_PASSPHRASE, or a prompt.",
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write BACKUP.")
@_BACKUP_PASSPHRASE
@home_options
def backup(
    out: Path, backup_passphrase_file: Path | None, home: Path, passphrase_file: Path | None, *, as_json: bool
) -> None:
    """Write all that this device holds to one file, sealed by a passphrase of its own.

    BACKUP holds the device's keys: whoever opens it is this device. Keep it apart from its passphrase. Others will
    see: that a backup was made, in this device's ledger.

    \b
    Example:
      fieldward device backup --home tablet --out tablet.backup
    """
    from edge_runtime.backup.home import back_up
    from edge_runtime.blobs.book import BlobState
    from edge_runtime.runtime import clock, entropy, open_home
    from edge_runtime.vault.file import open_vault
    from edge_runtime.vault.passphrase import DEFAULT_COST, Passphrase
    from sync_protocol.audit import Purpose

    check_out(out)
    passphrase = read_passphrase(passphrase_file, confirm=False)
    keystore = Passphrase(_backup_passphrase(backup_passphrase_file, confirm=True), cost=DEFAULT_COST)
    with open_home(home, passphrase) as runtime, working("Writing the backup", as_json=as_json):
        identity = runtime.identity
        runtime.auditor.record("backed_up", purpose=Purpose.OPERATIONS)
        manifest = back_up(
            runtime.home,
            runtime.store,
            identity,
            out,
            data_key=open_vault(runtime.home.vault, Passphrase(passphrase)),
            keystore=keystore,
            now_ms=clock(),
            entropy=entropy,
        )
        left_out = runtime.attachments.stock.counts()[BlobState.HERE]
    size = out.stat().st_size
    if as_json:
        facts = {"file": str(out), "bytes": size, "device": str(manifest.device), "made_ms": manifest.made_ms}
        print_json(facts | {"attachments_left_out": left_out})
        return
    say(f"Device {manifest.device.short} is backed up to {out}, {size} bytes.")
    if left_out:
        say(f"It holds no files: {left_out} attachments are on this device only. Sync, so that the relay has them too.")
    say("Keep it apart from its passphrase. To try it: fieldward device restore --from FILE --home NEW")


@click.command()
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="BACKUP, as it was written.",
)
@_BACKUP_PASSPHRASE
@home_options
def restore(
    source: Path, backup_passphrase_file: Path | None, home: Path, passphrase_file: Path | None, *, as_json: bool
) -> None:
    """Make a home of a backup, at a place where none is. The device goes on there under a new session.

    All of BACKUP is checked before anything is written. What was written since it was made comes back from the relay.
    Others will see: that the device was restored, in its ledger, and a further session of it.

    \b
    Example:
      fieldward device restore --from tablet.backup --home replacement
    """
    from edge_runtime.backup.home import check_place, read_backup
    from edge_runtime.backup.home import restore as restore_home
    from edge_runtime.runtime import clock, entropy
    from edge_runtime.settings import Home
    from edge_runtime.vault.passphrase import DEFAULT_COST, Passphrase

    new = Home(home)
    check_place(new)
    passphrase = Passphrase(read_passphrase(passphrase_file, confirm=True), cost=DEFAULT_COST)
    sealing = Passphrase(_backup_passphrase(backup_passphrase_file, confirm=False))
    try:
        file = source.open("rb")
    except OSError as error:
        raise InputError(
            "no_backup",
            expected=f"a backup at {source}",
            got=error.strerror or "an error",
            do="check the path after --from",
        ) from None
    with file, working("Checking the backup", as_json=as_json) as words:
        sealed, manifest = read_backup(file, sealing)
        words("Writing the home")
        restore_home(
            sealed,
            manifest,
            new,
            keystore=passphrase,
            clock=clock,
            entropy=entropy,
            first=lambda part, store: _record(part, store, manifest.made_ms),
        )
    if as_json:
        print_json({"home": str(home), "device": str(manifest.device), "made_ms": manifest.made_ms})
        return
    say(f"Device {manifest.device.short}, as it was backed up on {when(manifest.made_ms)}, is restored in {home}.")
    say("If the device itself still works, use one of the two only. Next: fieldward sync once")


def _record(part: Home, store: DeviceStore, made_ms: int) -> None:
    """Record the restoring: the first entry of the new session."""
    from edge_runtime.runtime import Runtime
    from sync_protocol.audit import Purpose

    auditor = Runtime(part, store).auditor
    auditor.record("restored", purpose=Purpose.OPERATIONS, detail={"backup_ms": str(made_ms)})


def _backup_passphrase(file: Path | None, *, confirm: bool) -> str:
    """The backup's passphrase from its file, the environment, or a prompt.

    Raises:
        InputError: the file cannot be read, or is no passphrase.
        VaultError: nobody is there to ask.
    """
    if file is not None:
        return read_passphrase(file, confirm=False)
    given = os.environ.get("FIELDWARD_BACKUP_PASSPHRASE")
    if given:
        return given
    if not sys.stdin.isatty():
        raise VaultError(
            "no_passphrase",
            expected="the backup's own passphrase",
            got="none, and nobody to ask",
            do="give --backup-passphrase-file, or set FIELDWARD_BACKUP_PASSPHRASE",
        )
    return str(click.prompt("Passphrase of the backup", hide_input=True, confirmation_prompt=confirm, err=True))
