"""`fieldward server archive` and `fieldward server status`: both may be used while the relay runs."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from server.relay.command_options import database_option, explained, home_option, unseen_option
from server.relay.settings import RelaySettings
from server.serving.telling import json_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.relay.seen import Sight

ARCHIVE_LOCK: Final = "archive.lock"
_DAY_MS: Final = 24 * 60 * 60 * 1000


@click.command(epilog="Example: fieldward server archive --home /srv/relay --older-than 90")
@home_option
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    required=True,
    metavar="DAYS",
    help="Move what arrived more than so many days ago.",
)
@database_option
@json_option
def archive(home: Path, older_than: int, database_url: str | None, as_json: bool) -> None:  # noqa: FBT001 - click's
    """Move old parts of the log's tree from the database to files below HOME/archive.

    The relay may run meanwhile or be stopped. It goes on to serve what moved, so keep the files, and back them up with
    the database.
    """
    settings = RelaySettings(home=home, database_url=database_url)
    with explained(as_json=as_json):
        told = _archive(settings, _now_ms() - older_than * _DAY_MS, show=not as_json)
    if as_json:
        click.echo(json.dumps(told))
        return
    moved, archived = told["moved"], told["archived"]
    click.echo(f"Moved {moved} tiles to {told['folder']}; {archived} are there now, over {told['entries']} entries.")


@click.command(epilog="Example: fieldward server status --home /srv/relay")
@home_option
@database_option
@unseen_option
@json_option
def status(home: Path, database_url: str | None, unseen_after_days: int, as_json: bool) -> None:  # noqa: FBT001 - click's
    """List every certificate, when its device's chain was last seen, whose is overdue; count purged charts."""
    settings = RelaySettings(home=home, database_url=database_url, unseen_after_days=unseen_after_days)
    now_ms = _now_ms()
    with explained(as_json=as_json):
        found, size, purged = _sights(settings, now_ms)
    overdue = sum(sight.overdue for sight in found)
    if as_json:
        told = {"log_size": size, "overdue": overdue, "unseen_after_days": unseen_after_days, "purged_charts": purged}
        click.echo(json.dumps({**told, "certificates": [_told(sight) for sight in found]}))
        return
    click.echo(f"{len(found)} certificates, {overdue} overdue; {size} entries in the log; {purged} charts purged.")
    for sight in found:
        click.echo(_line(sight, now_ms))


def _archive(settings: RelaySettings, before_ms: int, *, show: bool) -> dict[str, Any]:
    from filelock import FileLock, Timeout

    from server.relay.archive import TileArchive
    from server.relay.cooling import archive_cold
    from server.relay.errors import StartError
    from server.relay.homes import opened_home

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
        with lock, _progress(show=show) as progress:
            done = archive_cold(engine, TileArchive(settings.archive_folder), before_ms=before_ms, progress=progress)
    folder = str(settings.archive_folder)
    return {"moved": done.moved, "archived": done.archived, "entries": done.entries, "folder": folder}


@contextmanager
def _progress(*, show: bool) -> Iterator[Any]:
    """A bar on standard error, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task("tiles", total=None)
        yield lambda moved, total: bar.update(task, completed=moved, total=total)


def _sights(settings: RelaySettings, now_ms: int) -> tuple[list[Sight], int, int]:
    from server.relay.homes import opened_home
    from server.relay.seen import Policy, recall_arrivals, sights, watching_since
    from server.relay.store import SqlStore

    with opened_home(settings) as engine:
        store = SqlStore(engine)
        policy = Policy(unseen_after_days=settings.unseen_after_days, since_ms=watching_since(store) or now_ms)
        found = sights(store.certificates(), recall_arrivals(engine), policy, now_ms=now_ms)
        return found, store.size(), len(store.purges()) - len(store.purges(unfinished=True))


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
        seen = "never seen"
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
