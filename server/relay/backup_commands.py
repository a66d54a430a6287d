"""`fieldward server backup`, `backed-up` and `restore`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from server.relay.command_options import database_option, explained, home_option
from server.relay.settings import RelaySettings
from server.serving.telling import json_option

if TYPE_CHECKING:
    from server.relay.backup_set import Progress
    from sync_protocol.signing import VerifyKey

BACKUP_LOCK: Final = "backup.lock"
_ASSERTS: Final = (
    "This tells every device that entries below {size} are safe though the device is lost, and lets devices remove"
    " attachments that are. Say it only after a backup of the database and of the folders archive, cold and blobs that"
    " was made since the log had {size} entries, and that you know can be read."
)


@click.command(epilog="Example: fieldward server backup --home /srv/relay --out /mnt/backup/relay")
@home_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The backup's folder; again updates it.",
)
@click.option(
    "--with-keys", is_flag=True, help="Put the relay's keys in too; then keep the folder as safe as the home."
)
@database_option
@json_option
def backup(home: Path, out: Path, with_keys: bool, database_url: str | None, as_json: bool) -> None:
    """Copy a relay's data, check the copy, and let devices know what is backed up.

    The relay may run meanwhile or be stopped. Only what changed is copied. Without --with-keys the relay's key files
    are not in the backup: keep copies of relay.key and cosigner.key elsewhere, or a restored relay is a stranger to its
    devices.
    """
    settings = RelaySettings(home=home, database_url=database_url)
    with explained(as_json=as_json):
        told = _back_up(settings, out, with_keys=with_keys, show=not as_json)
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"Backed up through entry {told['size']} of the log and attachment {told['blobs_through']} to {out};"
        f" {told['copied']} files copied, {told['kept']} were there. Checked."
        " Devices hear of it when they sync; a relay that runs notices within half a minute."
    )
    if with_keys:
        click.echo("The relay's keys are in it: whoever has them can pass for the relay.")
    else:
        click.echo("The relay's keys are NOT in it: keep relay.key and cosigner.key elsewhere.")


@click.command("backed-up", epilog="Example: fieldward server backed-up --home /srv/relay --through 48210 --yes")
@home_option
@click.option(
    "--through", type=click.IntRange(min=0), required=True, metavar="SIZE", help="Entries that are backed up."
)
@click.option(
    "--blobs-through",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="NUMBER",
    help="The number up to which attachments are.",
)
@click.option("--yes", is_flag=True, help="Say it without being asked again.")
@database_option
@json_option
def backed_up(home: Path, through: int, blobs_through: int, yes: bool, database_url: str | None, as_json: bool) -> None:
    """Tell devices what you backed up by other means, such as those of PostgreSQL."""
    settings = RelaySettings(home=home, database_url=database_url)
    warning = _ASSERTS.format(size=through)
    if not yes:
        if as_json:
            raise click.UsageError("with --json, say --yes: " + warning)
        click.echo(warning, err=True)
        click.confirm("Say it?", abort=True, err=True)
    with explained(as_json=as_json):
        told = _say(settings, through, blobs_through)
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(
            f"Devices are told that entries below {through} and attachments up to {blobs_through} are backed up."
        )


@click.command(epilog="Example: fieldward server restore --from /mnt/backup/relay --home /srv/relay")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The backup's folder.",
)
@home_option
@json_option
def restore(source: Path, home: Path, as_json: bool) -> None:
    """Put a backup into an empty home; then start the relay as before."""
    from server.relay.restoring import restore as put_back

    with explained(as_json=as_json), _bar(show=not as_json) as progress:
        manifest = put_back(source, home, progress=progress)
    if as_json:
        click.echo(json.dumps({**asdict(manifest), "home": str(home)}))
        return
    click.echo(
        f"Restored {manifest.size} entries and attachments up to {manifest.blobs_through}, as of"
        f" {_day(manifest.made_ms)}. Start the relay with `fieldward server run`: devices raise an alarm, and send"
        " again what came after."
    )


def _back_up(settings: RelaySettings, out: Path, *, with_keys: bool, show: bool) -> dict[str, Any]:
    from filelock import FileLock, Timeout

    from server.relay.backups import back_up
    from server.relay.errors import StartError
    from server.relay.homes import opened_home
    from server.relay.identity import KEY_FILE, load_key

    with opened_home(settings) as engine:
        key = load_key(settings.home / KEY_FILE, lambda _: b"")
        _check_place(settings.home, out, key.public)
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(out / BACKUP_LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StartError(
                "backup_in_use",
                expected="a folder into which nobody else backs up",
                got=f"{out}, into which somebody does",
                do="wait until that is done",
            ) from None
        with lock, _bar(show=show) as progress:
            done = back_up(settings, engine, key, out, with_keys=with_keys, now_ms=_now_ms(), progress=progress)
    return {**asdict(done.manifest), "copied": done.copied, "kept": done.kept, "folder": str(out)}


def _check_place(home: Path, out: Path, key: VerifyKey) -> None:
    """Refuse a folder where a backup would be lost with the home, or would remove what is not this relay's backup."""
    from server.relay.backup_set import MANIFEST, Manifest
    from server.relay.errors import StartError, StorageError

    inner, outer = out.resolve(), home.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise StartError(
            "backup_in_home",
            expected="a folder apart from the relay's home, since a backup there is lost with it",
            got=f"{out}, which is the home, in it, or around it",
            do="name a folder of its own, on another disk",
        )
    ours = any((out / name).exists() for name in (MANIFEST, BACKUP_LOCK)) or not any(out.glob("*"))
    with suppress(StorageError):  # one that cannot be read is made anew
        ours = ours and Manifest.read(out).origin.endswith(f"/{key.hex()[:16]}")
    if not ours:
        raise StartError(
            "backup_folder",
            expected="a new or empty folder, or this relay's backup: what that does not need is removed there",
            got=f"{out}, which holds something else",
            do="name another folder, or a new one in it",
        )


def _say(settings: RelaySettings, size: int, blobs: int) -> dict[str, Any]:
    from server.relay import backed
    from server.relay.archive import TileArchive
    from server.relay.backup_set import blobs_through
    from server.relay.database import for_writing
    from server.relay.errors import StartError
    from server.relay.homes import opened_home
    from server.relay.identity import KEY_FILE, load_key
    from server.relay.store import SqlStore
    from sync_protocol.backed_up import BackedUp, sign_backed_up

    with opened_home(settings) as engine:
        store = SqlStore(engine, TileArchive(settings.archive_folder))
        most = store.size(), blobs_through(engine)
        if size > most[0] or blobs > most[1]:
            raise StartError(
                "backed_up_beyond",
                expected=f"at most {most[0]} entries and attachment {most[1]}, which is what the relay has",
                got=f"{size} and {blobs}",
                do="say what the backup held when it was made: `fieldward server status` shows the log's size",
            )
        key = load_key(settings.home / KEY_FILE, lambda _: b"")
        with for_writing(engine) as connection, connection.begin():
            made_ms = backed.made_ms(connection, _now_ms())
            said = BackedUp(size=size, root=store.root_at(size), made_ms=made_ms, blobs_through=blobs)
            backed.note(connection, sign_backed_up(said, key))
    return {"size": size, "root": said.root.hex(), "made_ms": said.made_ms, "blobs_through": blobs}


@contextmanager
def _bar(*, show: bool) -> Iterator[Progress]:
    """A bar on standard error, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), disable=not show) as bar:
        tasks: dict[str, Any] = {}

        def told(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=None)
            bar.update(tasks[step], completed=done, total=total)

        yield told


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
