"""`fieldward server break-glass-desk`: makes and runs the desk from the command line."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from server.desk.command_options import explained, home_option
from server.desk.errors import StartError
from server.desk.journal_commands import journal
from server.serving.listening import alone, bound, serve, url_of, write_ready
from server.serving.telling import json_option
from sync_protocol.ids import RootHash

if TYPE_CHECKING:
    from uvicorn import Config

    from server.desk.app import OpenDesk

PORT_DEFAULT: Final = 8430
LOCK_FILE: Final = "desk.lock"
_BACKLOG: Final = 128
_GRACE_S: Final = 10


@click.group()
def desk() -> None:
    """Run the break-glass desk, which opens the outer layer of charts in an emergency.

    It is a process of its own, best on a machine of its own, run by other people than the relay.
    """


@desk.command()
@home_option
@click.option(
    "--organisation",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="Organisation file, as `fieldward org init` writes it.",
)
@click.option("--root", help="The root's hash, as `fieldward org init` printed it: checked.")
@json_option
def init(home: Path, organisation: Path, root: str | None, *, as_json: bool) -> None:
    """Make the desk's keys. They stay here; nobody else sees anything until the root announces the desk.

    \b
    Example:
      fieldward server break-glass-desk init --home DESK --organisation clinic.org
    """
    with explained(as_json=as_json):
        from server.desk.app import found_desk

        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        expected = None if root is None else RootHash.parse(root)
        keys = found_desk(home, organisation.read_bytes(), root=expected)
    if as_json:
        click.echo(json.dumps({"home": str(home), "fingerprint": keys.fingerprint}))
        return
    click.echo(f"The desk's keys are in {home}.")
    click.echo(f"  fingerprint  {keys.fingerprint}")
    click.echo(f"Next: fieldward server break-glass-desk run --home {home}")


@desk.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT_DEFAULT, show_default=True, help="0: a free one.")
@click.option("--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="Written once the desk answers.")
@click.option("--relay", metavar="URL", help="The organisation's relay: asked who is revoked before each answer.")
@click.option("--offline", is_flag=True, help="Answer though that relay does not, by what was known last.")
@json_option
def run(
    home: Path, host: str, port: int, ready_file: Path | None, relay: str | None, *, offline: bool, as_json: bool
) -> None:
    """Run the desk until it is told to stop (SIGTERM or SIGINT). Every request is written to its journal.

    With --relay it refuses while the relay does not answer, unless it is told --offline. Without, it knows of a
    revocation only what some device handed over. The relay will see: that the desk asks, and how often.

    \b
    Example:
      fieldward server break-glass-desk run --home DESK --port 8430 --relay https://relay.example
    """
    from server.desk.app import open_desk

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with (
        explained(as_json=as_json),
        alone(home / LOCK_FILE, server="desk", error=StartError),
        bound(host, port, backlog=_BACKLOG, error=StartError) as listener,
    ):
        opened = open_desk(home, relay=relay, offline=offline)
        url = url_of(host, listener)
        serve(_config(opened), listener, ready_file, lambda: _ready(opened, url, ready_file, as_json=as_json))


desk.add_command(journal)


def _config(opened: OpenDesk) -> Config:
    import uvicorn

    return uvicorn.Config(
        opened.app,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )


def _ready(opened: OpenDesk, url: str, ready_file: Path | None, *, as_json: bool) -> None:
    told = {"url": url, "pid": os.getpid(), "fingerprint": opened.desk.keys.fingerprint}
    write_ready(ready_file, told)
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"The break-glass desk answers at {url}, keys {told['fingerprint']}.")
