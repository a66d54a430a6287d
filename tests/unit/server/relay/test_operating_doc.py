"""What docs/operating.md tells operators to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from server.relay.commands import server
from server.relay.settings import (
    BYTES_AN_HOUR,
    CHART_BLOBS_MIB,
    DEVICE_BLOBS_MIB,
    DISK_FREE_BYTES_MIN,
    ENTRIES_AN_HOUR,
    MIB,
)

PAGE = (Path(__file__).parents[4] / "docs" / "operating.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"fieldward server [a-z][^`\n]*", PAGE)))


def options(command: click.Command) -> set[str]:
    """The options of a command."""
    return {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_and_their_options_exist(line: str):
    """Every one of the page, in its text too."""
    _, _, name, *words = shlex.split(line)
    found = server.get_command(click.Context(server), name)
    assert found is not None, name
    assert {word for word in words if word.startswith("--")} <= options(found)


def test_the_table_of_limits_has_the_options_and_their_defaults():
    """As `fieldward server run` has them."""
    run = server.get_command(click.Context(server), "run")
    assert run is not None
    rows = dict(re.findall(r"^\| `(--[a-z-]+)` \| ([\d,]+)", PAGE, flags=re.MULTILINE))
    assert rows.keys() <= options(run)
    assert {name: int(value.replace(",", "")) for name, value in rows.items()} == {
        "--device-entries-per-hour": ENTRIES_AN_HOUR,
        "--device-mib-per-hour": BYTES_AN_HOUR // MIB,
        "--disk-free-min": DISK_FREE_BYTES_MIN // MIB,
        "--attachments-per-chart": CHART_BLOBS_MIB,
        "--attachments-per-device": DEVICE_BLOBS_MIB,
    }
