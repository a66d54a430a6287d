"""`fieldward server archive` and `fieldward server status`: both may be used while the relay runs."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from server.relay.backed import age_word, told_backup
from server.relay.command_options import database_option, explained, home_option, unseen_option
from server.relay.settings import RelaySettings
from server.serving.telling import json_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.relay.blob_book import BlobCounts
    from server.relay.seen import Sight
    from sync_protocol.backed_up import BackedUp

ARCHIVE_LOCK: Final = "archive.lock"
_HOUR_MS: Final = 60 * 60 * 1000
_DAY_MS: Final = 24 * _HOUR_MS


@click.command(
    epilog="Example: fieldward server archive --home /srv/relay --older-than 90 --bodies-older-than 730",
)
@home_option
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Move parts of the log's tree whose entries arrived more than so many days ago.",
)
@click.option(
    "--bodies-older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Move the bodies of entries that arrived more than so many days ago.",
)
@database_option
@json_option
def archive(
    home: Path,
    older_than: int | None,
    bodies_older_than: int | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Move old parts of the log's tree, and old bodies, from the database to files in HOME/archive and HOME/cold.

    The relay may run meanwhile or be stopped. It goes on to serve what moved, so keep the files, and back them up with
    the database. Nothing is removed by this: only a purge destroys bodies, wherever they are.
    """
    if older_than is None and bodies_older_than is None:
        raise click.UsageError("name --older-than, --bodies-older-than or both")
    settings = RelaySettings(home=home, database_url=database_url)
    with explained(as_json=as_json):
        told = _archive(settings, older_than, bodies_older_than, show=not as_json)
    if as_json:
        click.echo(json.dumps(told))
        return
    if older_than is not None:
        moved, archived = told["moved"], told["archived"]
        click.echo(
            f"Moved {moved} tiles to {told['folder']}; {archived} are there now, over {told['entries']} entries."
        )
    if bodies_older_than is not None:
        moved, size = told["bodies_moved"], told["bodies_bytes"]
        click.echo(
            f"Moved {moved} bodies, {size} bytes, to {told['cold_folder']}; old ones below {told['cold_through']}."
        )


@click.command(epilog="Example: fieldward server status --home /srv/relay")
@home_option
@database_option
@unseen_option
@json_option
def status(home: Path, database_url: str | None, unseen_after_days: int, as_json: bool) -> None:
    """Tell what is backed up; list every certificate, when its device was last seen, whose is overdue; count purges."""
    settings = RelaySettings(home=home, database_url=database_url, unseen_after_days=unseen_after_days)
    now_ms = _now_ms()
    with explained(as_json=as_json):
        found, size, purged, blobs = _sights(settings, now_ms)
        said = _backed_up(settings)
    overdue = sum(sight.overdue for sight in found)
    if as_json:
        told: dict[str, Any] = {
            "log_size": size,
            "overdue": overdue,
            "unseen_after_days": unseen_after_days,
            "purged_charts": purged,
        }
        told["backup"] = told_backup(said, now_ms)
        told["attachments"] = asdict(blobs)
        click.echo(json.dumps({**told, "certificates": [_told(sight) for sight in found]}))
        return
    click.echo(f"{len(found)} certificates, {overdue} overdue; {size} entries in the log; {purged} charts purged.")
    click.echo(_backup_line(said, now_ms))
    damaged = f"; {blobs.damaged} DAMAGED: restore the folder 'blobs' from a backup" if blobs.damaged else ""
    click.echo(f"{blobs.whole} attachments, {blobs.size_bytes} bytes; {blobs.incomplete} on their way{damaged}.")
    for sight in found:
        click.echo(_line(sight, now_ms))


def _archive(
    settings: RelaySettings, older_than: int | None, bodies_older_than: int | None, *, show: bool
) -> dict[str, Any]:
    from filelock import FileLock, Timeout

    from server.relay.archive import TileArchive
    from server.relay.body_cooling import cool_bodies
    from server.relay.cooling import archive_cold
    from server.relay.errors import StartError
    from server.relay.homes import cold_bodies, opened_home

    told: dict[str, Any] = {}
    with opened_home(settings) as engine:
        lock = FileLock(settings.home / ARCHIVE_LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StartError(
                "archive_in_use",
                expected="a home from which nobody else archives",
                got=f"{settings.home}, from which somebody does",
                do="wait until that is done",
            ) from None
        with lock:
            if older_than is not None:
                with _progress("tiles", show=show) as progress:
                    tiles = TileArchive(settings.archive_folder)
                    done = archive_cold(engine, tiles, before_ms=_before_ms(older_than), progress=progress)
                told |= {"moved": done.moved, "archived": done.archived, "entries": done.entries}
                told["folder"] = str(settings.archive_folder)
            if bodies_older_than is not None:
                with _progress("entries", show=show) as progress:
                    cold, before_ms = cold_bodies(settings, engine), _before_ms(bodies_older_than)
                    cooled = cool_bodies(engine, cold, before_ms=before_ms, progress=progress)
                told |= {"bodies_moved": cooled.moved, "bodies_bytes": cooled.moved_bytes}
                told |= {"cold_through": cooled.through, "cold_folder": str(settings.cold_folder)}
    return told


def _before_ms(days: int) -> int:
    return _now_ms() - days * _DAY_MS


@contextmanager
def _progress(what: str, *, show: bool) -> Iterator[Any]:
    """A bar on standard error, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task(what, total=None)
        yield lambda moved, total: bar.update(task, completed=moved, total=total)


def _sights(settings: RelaySettings, now_ms: int) -> tuple[list[Sight], int, int, BlobCounts]:
    from server.relay.blob_book import BlobBook
    from server.relay.homes import opened_home
    from server.relay.seen import Policy, recall_arrivals, sights, watching_since
    from server.relay.store import SqlStore

    with opened_home(settings) as engine:
        store = SqlStore(engine)
        policy = Policy(unseen_after_days=settings.unseen_after_days, since_ms=watching_since(store) or now_ms)
        found = sights(store.certificates(), recall_arrivals(engine), policy, now_ms=now_ms)
        purged = len(store.purges()) - len(store.purges(unfinished=True))
        return found, store.size(), purged, BlobBook(engine).counts()


def _backed_up(settings: RelaySettings) -> BackedUp | None:
    from server.relay.archive import TileArchive
    from server.relay.backed import standing
    from server.relay.homes import opened_home
    from server.relay.identity import KEY_FILE, load_key
    from server.relay.store import SqlStore

    with opened_home(settings) as engine:
        key = load_key(settings.home / KEY_FILE, lambda _: b"").public
        found = standing(SqlStore(engine, TileArchive(settings.archive_folder)), key)
    return None if found is None else found.value


def _backup_line(said: BackedUp | None, now_ms: int) -> str:
    word = age_word(said, now_ms)
    if said is None:
        return "WARNING: never backed up; run `fieldward server backup`. Nothing here is safe on devices' screens."
    at = datetime.fromtimestamp(said.made_ms / 1000, UTC)
    hours = max(0, now_ms - said.made_ms) // _HOUR_MS
    warning = "" if word == "ok" else "WARNING: "
    return f"{warning}Backed up through entry {said.size} at {at:%Y-%m-%d %H:%M} UTC, {hours} hours ago."


def _told(sight: Sight) -> dict[str, Any]:
    last = sight.last
    return {
        "certificate": sight.certificate.hex(),
        "arrived_ms": last.arrived_ms or None if last else None,
        "log_index": last.log_index if last else None,
        "current": sight.current,
        "overdue": sight.overdue,
    }


def _line(sight: Sight, now_ms: int) -> str:
    if sight.last is None:
        seen = "wrote nothing yet"
    elif sight.last.arrived_ms:
        at = datetime.fromtimestamp(sight.last.arrived_ms / 1000, UTC)
        seen = f"entry {sight.last.log_index}, {at:%Y-%m-%d %H:%M} UTC"
    else:
        seen = f"entry {sight.last.log_index}, before arrivals were noted"
    if sight.overdue:
        state = f"overdue, silent for {(now_ms - sight.silent_ms) // _DAY_MS} days"
    else:
        state = "ok" if sight.current else "replaced or expired"
    return f"  {sight.certificate.short}  {seen}; {state}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
