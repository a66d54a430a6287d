"""`fieldward server break-glass-desk`: makes and runs the desk from the command line."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from server.desk.command_options import explained, home_option, json_option
from server.desk.errors import StartError
from server.desk.journal_commands import journal
from sync_protocol.ids import RootHash

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn import Server

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
    with explained(as_json=as_json), _alone(home), _bound(host, port) as listener:
        opened = open_desk(home, relay=relay, offline=offline)
        url = _url(host, listener)
        web = _uvicorn(opened, lambda: _ready(opened, url, ready_file, as_json=as_json))
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn has its own while it runs, and raises the signal again when it has stopped: well, then.
            signal.signal(number, lambda *_: setattr(web, "should_exit", True))
        web.run(sockets=[listener])
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


desk.add_command(journal)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Use the home alone: two desks would write one journal."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(home / LOCK_FILE, blocking=False):
            yield
    except Timeout:
        raise StartError(
            "home_in_use",
            expected="a home that no other desk uses",
            got=f"{home}, which one does",
            do="stop the other desk, or name another home",
        ) from None


def _bound(host: str, port: int) -> socket.socket:
    """The listening socket; bound before anything is opened, so that a taken port costs nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(
            "address",
            expected=f"{host} port {port} free to listen on",
            got=(error.strerror or str(error)).lower(),
            do="stop what listens there, or choose another --port or --host",
        ) from None
    return listener


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _uvicorn(opened: OpenDesk, ready: Callable[[], None]) -> Server:
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        opened.app,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )
    return Announcing(config)


def _ready(opened: OpenDesk, url: str, ready_file: Path | None, *, as_json: bool) -> None:
    told = {"url": url, "pid": os.getpid(), "fingerprint": opened.desk.keys.fingerprint}
    if ready_file is not None:
        draft = ready_file.with_name(f"{ready_file.name}.new")
        draft.write_text(json.dumps(told) + "\n", encoding="utf-8")
        draft.replace(ready_file)
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"The break-glass desk answers at {url}, keys {told['fingerprint']}.")
