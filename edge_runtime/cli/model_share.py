"""`fieldward model share`: hand a model to other devices of the local network, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import click

from edge_runtime.cli.output import json_option, print_json, say, working, write_out

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@click.command()
@click.argument("name")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="0.0.0.0:8450",
    show_default=True,
    help="Where to wait: this device's address in the local network, or all of them.",
)
@click.option("--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="Write address and code here.")
@json_option
def share(name: str, listen: str, ready_file: Path | None, *, as_json: bool) -> None:
    """Share a model with devices nearby: show an address and a code, and serve until Ctrl-C.

    Anybody in the network can fetch it; nothing else of this device can be asked for. Who fetches it accepts its terms
    for themselves.

    \b
    Example:
      fieldward model share gemma-3n-e2b-it-int4 --listen 192.168.4.20:8450
    """
    from edge_runtime.ai.models.sharing import ModelServer, code_of, listen_address
    from edge_runtime.ai.models.wholeness import check_quickly
    from edge_runtime.cli.model import find, this_folder
    from edge_runtime.cli.model_text import size_text

    folder = this_folder()
    entry = find(folder, name)
    check_quickly(entry)
    host, port = listen_address(listen)
    with ExitStack() as held:
        if entry.kept is not None:
            held.enter_context(folder.using(name))
        neutral = entry.neutral.read_bytes() if entry.manifest.neutral else b""
        server = ModelServer(entry.data, entry.path, entry.manifest.size, (host, port), neutral=neutral)
        held.callback(server.close)
        code = code_of(entry.data)
        shown = f"[{host}]:{server.port}" if ":" in host else f"{host}:{server.port}"
        told = {"name": name, "address": shown, "code": code, "digest": entry.manifest.sha256, "pid": os.getpid()}
        before = {number: signal.signal(number, lambda *_: server.stop()) for number in _SIGNALS}
        held.callback(lambda: [signal.signal(number, handler) for number, handler in before.items()])
        if ready_file is not None:
            write_out(ready_file, json.dumps(told).encode())
            held.callback(_remove, ready_file)
        if as_json:
            print_json(told)
        else:
            say(f"{name}, {size_text(entry.manifest.size)}, waits at {shown}.")
            say(f"  code  {code}")
            say(f"On the other device: fieldward model import --from ADDRESS:{server.port} --code {code}")
        with working("Serving; Ctrl-C ends it", as_json=as_json):
            server.serve()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
