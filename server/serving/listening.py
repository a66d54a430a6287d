"""A server's place and port: one process a home, a socket that is bound first, a word when it answers."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sync_protocol.errors import ExplainedError

if TYPE_CHECKING:
    from uvicorn import Config


@contextmanager
def alone(lock_file: Path, *, server: str, error: type[ExplainedError]) -> Iterator[None]:
    """Use a home alone.

    Args:
        lock_file: in that home.
        server: what it is, for people.
        error: the kind of refusal.

    Raises:
        ExplainedError: of that kind: another one does.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise error(
            "home_in_use",
            expected=f"a home that no other {server} uses",
            got=f"{lock_file.parent}, which one does",
            do=f"stop the other {server}, or name another home",
        ) from None
    with lock:
        yield


def bound(host: str, port: int, *, backlog: int, error: type[ExplainedError]) -> socket.socket:
    """The listening socket; bound before anything is opened, so that a taken port costs nothing.

    Raises:
        ExplainedError: of the kind `error`: it cannot be bound.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError as problem:
        listener.close()
        raise error(
            "address",
            expected=f"{host} port {port} free to listen on",
            got=(problem.strerror or str(problem)).lower(),
            do="stop what listens there, or choose another --port or --host",
        ) from None
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """Where it answers."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def serve(config: Config, listener: socket.socket, ready_file: Path | None, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        config: uvicorn's.
        listener: bound already.
        ready_file: removed afterwards.
        ready: told once it answers.
    """
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    web = Announcing(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn has its own while it runs, and raises the signal again when it has stopped: well, then.
        signal.signal(number, lambda *_: setattr(web, "should_exit", True))
    web.run(sockets=[listener])
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def write_ready(ready_file: Path | None, told: Mapping[str, object]) -> None:
    """Say in a file, whole or not at all, that it answers."""
    if ready_file is not None:
        draft = ready_file.with_name(f"{ready_file.name}.new")
        draft.write_text(json.dumps(told) + "\n", encoding="utf-8")
        draft.replace(ready_file)
