"""`fieldward server`: runs a relay from the command line."""

from __future__ import annotations

import importlib
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from server.relay.backup_commands import backed_up, backup, restore
from server.relay.command_options import (
    budget_options,
    chart_blobs_option,
    database_option,
    device_blobs_option,
    explained,
    home_option,
    unseen_option,
)
from server.relay.settings import MIB, PORT_DEFAULT, RelaySettings
from server.relay.upkeep_commands import archive, status
from server.serving.listening import alone, bound, serve, url_of, write_ready
from server.serving.telling import json_option

if TYPE_CHECKING:
    from uvicorn import Config

    from server.relay.app import Relay

LOCK_FILE: Final = "relay.lock"
BESIDE: Final = {"break-glass-desk": "server.desk.commands:desk"}
"""Processes of their own, of which the relay knows nothing but where their commands are."""
_BACKLOG: Final = 2048
_GRACE_S: Final = 10


class _Group(click.Group):
    """The relay's commands, and those of rooms beside it, which are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        return sorted([*super().list_commands(ctx), *BESIDE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        if cmd_name not in BESIDE:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = BESIDE[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), f"{BESIDE[cmd_name]} is a command"
        return command


@click.group(cls=_Group)
def server() -> None:
    """Run an organisation's own server."""


server.add_command(archive)
server.add_command(backed_up)
server.add_command(backup)
server.add_command(restore)
server.add_command(status)


@server.command(epilog="Example: fieldward server run --home /srv/relay --organisation clinic.org --port 8410")
@home_option
@click.option(
    "--organisation",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="Organisation file, as `fieldward org` writes it.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT_DEFAULT, show_default=True, help="0: a free one.")
@click.option("--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="Written once the relay answers.")
@database_option
@click.option("--public-url", multiple=True, help="URL under which devices dial this relay; may be repeated.")
@click.option("--trusted-proxy", help="Address of a reverse proxy whose X-Forwarded-For is believed.")
@chart_blobs_option
@device_blobs_option
@budget_options[0]
@budget_options[1]
@budget_options[2]
@unseen_option
@json_option
def run(as_json: bool, trusted_proxy: str | None, ready_file: Path | None, organisation: Path, **options: Any) -> None:  # noqa: ANN401 - click's
    """Run the relay until it is told to stop (SIGTERM or SIGINT)."""
    settings = RelaySettings(
        home=options["home"],
        database_url=options["database_url"],
        host=options["host"],
        port=options["port"],
        public_addresses=options["public_url"],
        unseen_after_days=options["unseen_after_days"],
        chart_blobs_mib=options["chart_blobs_mib"],
        device_blobs_mib=options["device_blobs_mib"],
        entries_an_hour=options["entries_an_hour"],
        bytes_an_hour=options["mib_an_hour"] * MIB,
        disk_free_bytes_min=options["disk_free_mib_min"] * MIB,
    )
    with explained(as_json=as_json):
        _serve(settings, organisation.read_bytes(), ready_file, proxy=trusted_proxy, as_json=as_json)


def _serve(
    settings: RelaySettings, organisation_file: bytes, ready_file: Path | None, *, proxy: str | None, as_json: bool
) -> None:
    from server.relay.app import open_relay
    from server.relay.errors import StartError

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        alone(settings.home / LOCK_FILE, server="relay", error=StartError),
        bound(settings.host, settings.port, backlog=_BACKLOG, error=StartError) as listener,
    ):
        relay = open_relay(settings, organisation_file)
        relay.services.listening = url_of(settings.host, listener)
        serve(_config(relay, proxy), listener, ready_file, lambda: _ready(relay, ready_file, as_json=as_json))


def _config(relay: Relay, proxy: str | None) -> Config:
    import uvicorn

    from server.relay.sockets import HttpProtocol, SocketProtocol
    from sync_protocol.limits import FRAME_BYTES_MAX

    return uvicorn.Config(
        relay.app,
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=FRAME_BYTES_MAX,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
    )


def _ready(relay: Relay, ready_file: Path | None, *, as_json: bool) -> None:
    from server.relay.identity import fingerprint

    services = relay.services
    key_print = fingerprint(services.identity.key.public)
    told = {"url": services.listening, "pid": os.getpid(), "fingerprint": key_print}
    write_ready(ready_file, told)
    if as_json:
        click.echo(json.dumps({**told, "claimed": services.identity.claimed}))
        return
    waits = "" if services.identity.claimed else "; not claimed yet, so no device can sync"
    click.echo(f"The relay answers at {services.listening}, key {key_print}{waits}.")
