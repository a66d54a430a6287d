"""What the demo's story found out, chapter by chapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edge_runtime.cli.demo.dictation import Dictated
from edge_runtime.cli.demo.glass import Glass
from edge_runtime.cli.demo.stolen import Stolen
from edge_runtime.cli.demo.trail import Trail


@dataclass(slots=True)
class Facts:
    """What the story found out.

    Attributes:
        acknowledged: entries for which the tablet had a verified receipt when the relay was killed.
        lost: those of them that the restarted relay does not hand out.
        states: the story's chart as each device shows it after the crash.
        dictated: what became of the dictation.
        stolen: what became of the stolen tablet.
        glass: what became of the broken glass.
        trail: the merged record of who did what, as the officer sees it.
        seconds: how long each chapter took.
    """

    acknowledged: int = 0
    unsent_at_kill: int = 0
    lost: int = 0
    states: dict[str, Any] = field(default_factory=dict)
    entries: int = 0
    verified: bool = True
    dictated: Dictated = field(default_factory=Dictated)
    stolen: Stolen = field(default_factory=Stolen)
    glass: Glass = field(default_factory=Glass)
    trail: Trail = field(default_factory=Trail)
    seconds: dict[str, float] = field(default_factory=dict)
