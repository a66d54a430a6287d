"""Runs the simulation's command in a process of its own, as anybody would: tests and soaks see what a person sees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]


def simulate(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run `python -m tests.simulation`; its exit status, and the object that it printed."""
    command = [sys.executable, "-m", "tests.simulation", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3}, f"{done.returncode}: {done.stderr[-4000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def told(found: dict[str, Any]) -> str:
    """The failures of a run, with the commands that replay them, for whoever reads a test's output."""
    return "\n".join(f"{one['checker']}: {one['detail']}\n    {one['replay']}" for one in found["failures"])
