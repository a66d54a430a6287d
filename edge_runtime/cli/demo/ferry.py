"""The stage of the story `incident`: a kit, four phones, and a relay that is there only until the ferry hits the pier.

Owns what lasts from chapter to chapter, and what each device showed when. Refuses to judge: that is `ferry_verdict`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from edge_runtime.cli.demo.processes import Device, meet, together
from edge_runtime.cli.demo.stage import Stage
from edge_runtime.runtime import entropy

KIT: Final = "kit"
PHONES: Final = ("phone 1", "phone 2", "phone 3", "phone 4")
LOST: Final = PHONES[2]
"""Falls into the water, after it met the second."""
LATE: Final = PHONES[3]
"""Reaches the kit when all others have left."""
ROLES: Final = dict.fromkeys(PHONES, "emergency_responder") | {KIT: "nurse"}
TITLE: Final = "Ferry, pier 4"
EACH: Final = 15
"""Casualties that each phone registers."""

Row = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What the story found out.

    Attributes:
        made: what was registered, by chart: its number.
        by: what each phone registered, by its name: charts.
        apart: what each device showed of each casualty when it came to the kit, by device and chart.
        kit_first: what the kit showed before the late phone came.
        merged: what it showed once all had come.
        last: what each device showed at the end, once casualties were linked and identified.
        against: the casualties of whom two phones said different things, by what was said.
        refused: the code with which a phone refused to lower somebody unasked.
        pairs: who was linked, by charts.
        undone: the link that was taken back.
        twins: the charts that got one tag.
        names: who was identified, by chart.
        checked: whether every chain and seal on the kit verifies.
    """

    made: dict[str, str] = field(default_factory=dict)
    by: dict[str, list[str]] = field(default_factory=dict)
    apart: dict[str, dict[str, Row]] = field(default_factory=dict)
    kit_first: dict[str, Row] = field(default_factory=dict)
    merged: dict[str, Row] = field(default_factory=dict)
    last: dict[str, dict[str, Row]] = field(default_factory=dict)
    patients: int = 0
    against: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    undone: tuple[str, str] | None = None
    twins: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    checked: bool = False


class Ferry(Stage):
    """One run's stage.

    Attributes:
        incident: its chart.
        seen: what was found out.
    """

    def __init__(self, folder: Path, *, tell: Callable[[str], None]) -> None:
        """Prepare the stage in a folder; `tell` is told what happens."""
        super().__init__(folder, database_url=None, tell=tell)
        names = ("administrator", *ROLES)
        self.devices = {
            name: Device(name, folder / name.replace(" ", "-"), f"demo-{entropy(12).hex()}") for name in names
        }
        self.incident = ""
        self.seen = Seen()

    def act(self, name: str, command: str, *arguments: str, refusals: Sequence[str] = ()) -> dict[str, Any]:
        """Let a device do something in the incident."""
        return self.devices[name].run("incident", command, self.incident, *arguments, refusals=refusals)

    def board(self, name: str) -> dict[str, Row]:
        """What a device shows, by chart."""
        return {row["chart"]: row for row in self.act(name, "show")["casualties"]}

    def boards(self, *names: str) -> dict[str, dict[str, Row]]:
        """What several show, at the same time."""
        return dict(zip(names, together(*(partial(self.board, name) for name in names)), strict=True))

    def meet(self, dialler: str, host: str) -> None:
        """Let two devices meet without a relay."""
        meet(self.devices[dialler], self.devices[host])
