"""A command of `fieldward server` as a process of its own, that says where it answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START_S = 30.0
_COMMAND = "from edge_runtime.cli.main import main; main()"


class ServerProcess:
    """One such process, on a port that it keeps over restarts."""

    def __init__(self, ready: Path, *arguments: str) -> None:
        self.ready = ready
        self.arguments = arguments
        self.process: subprocess.Popen[str] | None = None
        self.told: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Where it answers."""
        return str(self.told["url"])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        port = self.url.rpartition(":")[2] if self.told else "0"
        command = ["server", *self.arguments, "--port", port, "--ready-file", str(self.ready)]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _COMMAND, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        deadline = time.monotonic() + START_S
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"no answer: {self.process.communicate()[1]}")
            time.sleep(0.05)
        self.told = json.loads(self.ready.read_text())

    def stop(self) -> str:
        """Tell it to stop, and wait; what it said of errors."""
        if self.process is None:
            return ""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=START_S)
        code, self.process = self.process.returncode, None
        self.ready.unlink(missing_ok=True)
        assert code == 0, errors
        return errors
