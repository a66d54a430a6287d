"""The demo's processes: devices, relay and desk are the ordinary program, each run with its own home."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from edge_runtime.errors import EdgeError

_PROGRAM: Final = (sys.executable, "-m", "edge_runtime.cli")
_COMMAND_S: Final = 120.0
_START_S: Final = 30.0


class DemoError(EdgeError):
    """A step of the demo did not go as it must."""


def run(
    arguments: Sequence[str],
    *,
    passphrase: str,
    refusals: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run one command with `--json` and read what it printed.

    Args:
        arguments: of the program.
        passphrase: of the device's vault.
        refusals: error codes that are expected and returned like an answer.
        environment: what this command needs there beside its passphrase.

    Raises:
        DemoError: it failed otherwise; the error is the command's own.
    """
    done = subprocess.run(  # noqa: S603 our own program, our own arguments
        [*_PROGRAM, *arguments, "--json"],
        env=_environment(passphrase) | dict(environment or {}),
        capture_output=True,
        timeout=_COMMAND_S,
        check=False,
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise _failed(arguments, f"exit code {done.returncode} and no answer") from None
    error = answer.get("error")
    if error is not None and error["code"] not in refusals:
        raise DemoError(error["code"], expected=error["expected"], got=error["got"], do=error["do"])
    return answer


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do several things at the same time, each on devices of its own; what came of them, in the order given.

    Raises:
        DemoError: one of them failed; the others went on to their ends.
    """
    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return [one.result() for one in [pool.submit(act) for act in acts]]


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the story. One of its commands runs at a time: others that are asked for meanwhile wait.

    Attributes:
        name: what the story calls it.
        home: where it keeps itself.
        passphrase: opens its vault.
    """

    name: str
    home: Path
    passphrase: str
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def run(
        self, *arguments: str, refusals: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Run a command on this device."""
        with self._turn:
            return run(
                [*arguments, "--home", str(self.home)],
                passphrase=self.passphrase,
                refusals=refusals,
                environment=environment,
            )


class Service:
    """A process that goes on until it is told to stop, and says in a file when it is ready."""

    def __init__(self, place: Path, arguments: Sequence[str], *, passphrase: str | None = None) -> None:
        """Prepare it.

        Args:
            place: beside which its log and its ready file are written.
            arguments: of the program.
            passphrase: of a device's vault, where it opens one.
        """
        self.home = place
        self._arguments = [*arguments, "--ready-file", str(place.with_suffix(".ready.json")), "--json"]
        self._environment = None if passphrase is None else _environment(passphrase)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self) -> dict[str, Any]:
        """Start it, and wait until it answers.

        Returns:
            What it wrote into its ready file.

        Raises:
            DemoError: it does not come up.
        """
        ready = self.home.with_suffix(".ready.json")
        ready.unlink(missing_ok=True)
        self._log = self.home.with_suffix(".log").open("ab")
        self._process = subprocess.Popen(  # noqa: S603 our own program, our own arguments
            [*_PROGRAM, *self._arguments], env=self._environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        ends = time.monotonic() + _START_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise _failed(self._arguments, self._last_words())
            time.sleep(0.02)
        told: dict[str, Any] = json.loads(ready.read_bytes())
        return told

    def finish(self) -> dict[str, Any]:
        """Wait for one that ends by itself, and read the last that it said.

        Raises:
            DemoError: it does not end, or not with an answer.
        """
        assert self._process is not None, "waited for after its start"
        try:
            self._process.wait(timeout=_COMMAND_S)
            answer: dict[str, Any] = json.loads(self._last_words())
        except (subprocess.TimeoutExpired, ValueError):
            raise _failed(self._arguments, "no answer") from None
        finally:
            self.stop()
        return answer

    def kill(self) -> None:
        """End it as a power failure would: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would: SIGTERM. Again is nothing."""
        self._end(signal.SIGTERM)

    def _last_words(self) -> str:
        words = self.home.with_suffix(".log").read_text(errors="replace").strip().splitlines()
        return words[-1] if words else "nothing"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=_START_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None


def meet(dialler: Device, host: Device) -> None:
    """Let two devices meet without a relay.

    Raises:
        DemoError: they did not, or one of them kept something back.
    """
    place = host.home.with_name(f"{host.name}-host")
    arguments = ["sync", "host", "--home", str(host.home), "--listen", "127.0.0.1:0", "--once"]
    waiting = Service(place, arguments, passphrase=host.passphrase)
    try:
        said = [dialler.run("sync", "meet", waiting.start()["url"]), waiting.finish()]
    finally:
        waiting.stop()
    if not all(one.get("ok") for one in said):
        raise _failed(("sync", "meet"), "a meeting that left something over")


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(passphrase: str) -> dict[str, str]:
    return {**os.environ, "FIELDWARD_PASSPHRASE": passphrase}


def _failed(arguments: Sequence[str], got: str) -> DemoError:
    return DemoError(
        "demo_step",
        expected=f"'fieldward {' '.join(arguments[:2])}' to do its part",
        got=got,
        do="run the demo again with --keep DIR and look at what it left there",
    )
