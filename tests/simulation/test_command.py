"""The simulation's own promises: the same seed is the same world, and a failure replays."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.simulation.commands import ROOT, simulate

if TYPE_CHECKING:
    import pytest

FEW = ("--steps", "120", "--jobs", "1")


def test_the_same_seed_is_the_same_world_byte_for_byte(monkeypatch: pytest.MonkeyPatch):
    """Whatever order Python's sets have in a process, and whatever ran before it there."""
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    _, first = simulate("run", "--seeds", "2", "--first", "3", *FEW)
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    _, again = simulate("run", "--seeds", "1", "--first", "4", *FEW)
    assert first["traces"]["4"] == again["traces"]["4"]
    assert first["traces"]["3"] != first["traces"]["4"]


def test_a_failure_prints_the_command_that_replays_it():
    """Run as it is printed, it fails by the same checker on the same seed, and exits 3."""
    code, found = simulate("run", "--seeds", "20", *FEW, "--plant", "held_for_ever", "--until-failure")
    assert code == 3
    failure = found["failures"][0]
    command = shlex.split(failure["replay"])
    assert command[0] == "python"
    again = subprocess.run(
        [sys.executable, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert again.returncode == 3
    assert f'"checker": "{failure["checker"]}"' in again.stdout
    assert f'"seed": {failure["seed"]}' in again.stdout


def test_the_planted_bugs_are_listed():
    """Each with what it shows; one that is not there is refused as bad usage."""
    code, found = simulate("plants")
    assert code == 0
    assert {"ack_before_commit", "cursor_without_root", "held_for_ever"} <= {one["name"] for one in found["plants"]}
    assert all(one["shows"] for one in found["plants"])
    command = [sys.executable, "-m", "tests.simulation", "run", "--plant", "none_such"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 2
