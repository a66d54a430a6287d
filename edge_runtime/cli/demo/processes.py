"""The demo's processes: devices and the relay are the ordinary program, each run with its own home."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from edge_runtime.errors import EdgeError

_PROGRAM: Final = (sys.executable, "-m", "edge_runtime.cli")
_COMMAND_S: Final = 120.0
_START_S: Final = 30.0


class DemoError(EdgeError):
    """A step of the demo did not go as it must."""


def run(arguments: Sequence[str], *, passphrase: str, refusals: Sequence[str] = ()) -> dict[str, Any]:
    """Run one command with `--json` and read what it printed.

    Args:
        arguments: of the program.
        passphrase: of the device's vault.
        refusals: error codes that are expected and returned like an answer.

    Raises:
        DemoError: it failed otherwise; the error is the command's own.
    """
    environment = {**os.environ, "FIELDWARD_PASSPHRASE": passphrase}
    done = subprocess.run(  # noqa: S603 our own program, our own arguments
        [*_PROGRAM, *arguments, "--json"], env=environment, capture_output=True, timeout=_COMMAND_S, check=False
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise _failed(arguments, f"exit code {done.returncode} and no answer") from None
    error = answer.get("error")
    if error is not None and error["code"] not in refusals:
        raise DemoError(error["code"], expected=error["expected"], got=error["got"], do=error["do"])
    return answer


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the story.

    Attributes:
        name: what the story calls it.
        home: where it keeps itself.
        passphrase: opens its vault.
    """

    name: str
    home: Path
    passphrase: str

    def run(self, *arguments: str, refusals: Sequence[str] = ()) -> dict[str, Any]:
        """Run a command on this device."""
        return run([*arguments, "--home", str(self.home)], passphrase=self.passphrase, refusals=refusals)


class Relay:
    """The relay's process, which the story kills and starts again."""

    def __init__(self, home: Path, organisation: Path, *, public_url: str, database_url: str | None) -> None:
        """Prepare a relay on a free port of this machine."""
        self.home = home
        self.port = free_port()
        self._organisation = organisation
        self._public_url = public_url
        self._database_url = database_url
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            DemoError: it does not come up.
        """
        ready = self.home.with_suffix(".ready.json")
        ready.unlink(missing_ok=True)
        arguments = [
            *_PROGRAM, "server", "run", "--home", str(self.home), "--organisation", str(self._organisation),
            "--port", str(self.port), "--public-url", self._public_url, "--ready-file", str(ready), "--json",
        ]  # fmt: skip
        if self._database_url is not None:
            arguments += ["--database-url", self._database_url]
        self._log = self.home.with_suffix(".log").open("ab")
        self._process = subprocess.Popen(arguments, stdout=self._log, stderr=subprocess.STDOUT)  # noqa: S603 our own
        ends = time.monotonic() + _START_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                words = self.home.with_suffix(".log").read_text(errors="replace").strip().splitlines()
                raise _failed(arguments[3:5], words[-1] if words else "nothing")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power failure would: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would: SIGTERM. Again is nothing."""
        self._end(signal.SIGTERM)

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


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _failed(arguments: Sequence[str], got: str) -> DemoError:
    return DemoError(
        "demo_step",
        expected=f"'fieldward {' '.join(arguments[:2])}' to do its part",
        got=got,
        do="run the demo again with --keep DIR and look at what it left there",
    )
