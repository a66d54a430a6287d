"""What docs/models.md says is what the code does: commands, tables, limits."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Final

import click

from edge_runtime.ai.models import choosing, fetching, journal, sharing
from edge_runtime.ai.models.adapters import Adapter
from edge_runtime.ai.models.catalogue import KNOWN
from edge_runtime.ai.models.manifest import write_manifest
from edge_runtime.cli.model import model
from tests.unit.edge_runtime.ai.models.made import manifest_of

TEXT: Final = Path("docs/models.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the table with that first heading."""
    table = TEXT.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]


def commands(group: click.Group, before: str) -> set[str]:
    """Every command of a group, as it is typed."""
    found: set[str] = set()
    for name, one in group.commands.items():
        found |= commands(one, f"{before} {name}") if isinstance(one, click.Group) else {f"{before} {name}"}
    return found


def test_every_command_is_shown_and_every_shown_one_is_there():
    """A command that the page leaves out is no help; one that it makes up, less."""
    shown = {" ".join(found) for found in re.findall(r"(fieldward model) (adapter \w+|[\w-]+)", TEXT)}
    assert {one for one in shown if not one.endswith("adapter")} == commands(model, "fieldward model")


def test_every_option_that_is_shown_is_there():
    """In the examples and in the words."""
    known = set()
    for group in (model, model.commands["adapter"]):
        assert isinstance(group, click.Group)
        for command in group.commands.values():
            known |= {name for one in command.params for name in one.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", TEXT)) <= known


def test_the_table_of_reasons_is_the_code_s():
    """Every reason that a choice can give, and no other."""
    source = Path(choosing.__file__).read_text(encoding="utf-8")
    given = set(re.findall(r'(?:return|=) "([a-z_]+)", (?:f?"|\\n)', source))
    assert given == {row[0] for row in rows("code")}


def test_known_models_are_listed_as_they_are():
    """Name, file, size and memory."""
    told = {(name, file, size.replace(",", ""), memory) for name, file, size, memory, _ in rows("known model")}
    assert told == {
        (one.name, one.file, str(one.size), f"{one.memory_bytes_min // 10**9} GB") for one in KNOWN.values()
    }


def test_the_manifest_s_keys_are_listed():
    """All of them, in their order."""
    keys = list(json.loads(write_manifest(manifest_of(neutral="ab" * 32))))
    lines = [line for line in TEXT.split("## The manifest")[1].splitlines() if line.startswith("| `")]
    told = [name for line in lines for name in re.findall(r"`([a-z_0-9]+)`", line.split("|")[1])]
    assert told == keys


def test_the_adapter_s_fields_are_listed():
    """Numbers and names as on the wire."""
    table = TEXT.split("#### `Adapter`")[1].split("\n\n")[1]
    told = [tuple(cell.strip() for cell in row.strip("|").split("|"))[:2] for row in table.splitlines()[2:]]
    assert told == [(str(one.metadata["key"]), one.name) for one in fields(Adapter)]


def test_paths_and_limits_are_the_code_s():
    """What the page promises of sharing."""
    assert [row[0] for row in rows("path")] == [sharing.MANIFEST_PATH, sharing.FILE_PATH, sharing.NEUTRAL_PATH]
    for words in (
        f"{sharing.CONNECTIONS_MAX} connections at once",
        f"each answer {fetching.ANSWER_TIMEOUT_S:.0f} seconds in all",
        f"newest {journal.LINES_MAX} changes",
        f"Below {choosing.LOW_BATTERY_PERCENT} % of battery",
    ):
        assert words in TEXT.replace("\n", " ")
