"""The demo's dictation: what a physician said becomes a draft, a person takes over what the source bears out.

The model is the demonstration, run by the real engine in a process of its own. What it gets wrong is its own doing: the
chapter holds because the check marks it, whatever it is, and fails where it marks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.demo.cast import DICTATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge_runtime.cli.demo.stage import Stage

_TABLET: Final = "tablet"
_TYPE: Final = "consultation"
_GENERATED: Final = "draft_generated"
_DISCARDED: Final = "draft_discarded"
_WRITTEN: Final = "content_written"
_DECIDED: Final = "draft_decision"


@dataclass(slots=True)
class Dictated:
    """What came of it.

    Attributes:
        model: what drafted; labelled as a demonstration.
        labelled: it said so.
        tokens_per_s: as it decoded.
        statements: what the draft says, by the names of its parts.
        cited: how many of them name their place in the dictation.
        marked: of each part that is not borne out, what is marked in it.
        accepted: the parts that were taken over, by name.
        rejected: those that were not.
        written: what the note reads now, section by section.
        drafted: the audit trail shows that a model drafted.
        discarded: it shows how many statements were left out, and of which kinds.
        decided: it shows who took over the rest.
    """

    model: str = ""
    labelled: bool = False
    tokens_per_s: int = 0
    statements: dict[str, str] = field(default_factory=dict)
    cited: int = 0
    marked: dict[str, list[str]] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    drafted: bool = False
    discarded: bool = False
    decided: bool = False

    @property
    def held(self) -> bool:
        """Whether every claim of the chapter held."""
        taken = bool(self.accepted) and set(self.rejected) == set(self.marked) and bool(self.marked)
        text = "\n".join(self.written.values())
        kept_out = not any(self.statements[name] in text for name in self.marked)
        kept_in = all(self.statements[name] in text for name in self.accepted)
        return self.labelled and taken and kept_out and kept_in and self.drafted and self.discarded and self.decided

    def witness(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Look for both among what somebody sees of the chart's trail: the draft and what was left out of it."""
        for event in events:
            self.drafted |= event["kind"] == _GENERATED
            self.discarded |= event["kind"] == _DISCARDED
            self.decided |= event["kind"] == _WRITTEN and _DECIDED in event["fields"]

    def to_json(self) -> dict[str, Any]:
        """For the demo's answer: numbers and kinds, no words of anybody."""
        return {
            "ok": self.held,
            "model": self.model,
            "labelled": self.labelled,
            "statements": len(self.statements),
            "cited": self.cited,
            "marked": sorted(kind for kinds in self.marked.values() for kind in kinds),
            "accepted": len(self.accepted),
            "rejected": len(self.rejected),
            "audit": {"drafted": self.drafted, "discarded": self.discarded, "decided": self.decided},
        }


def dictate(stage: Stage) -> None:
    """Draft a note from a dictation, and take over what its source bears out.

    Raises:
        DemoError: a step did not go as it must.
    """
    tablet, found = stage.devices[_TABLET], stage.facts.dictated
    document = tablet.run("workflow", "new", stage.chart, _TYPE)["document"]
    transcript = stage.folder / "dictation.txt"
    transcript.write_text(DICTATED, encoding="utf-8")
    place = ("--chart", stage.chart, "--document", document)
    drafted = tablet.run("ai", "soap", "--transcript", str(transcript), *place, "--model", "demonstration")
    transcript.unlink()
    _look(found, drafted)
    taken = tablet.run("draft", "accept", stage.chart, drafted["kept"]["draft"], "--demonstration")
    found.accepted, found.rejected = taken["accepted"], taken["rejected"]
    shown = tablet.run("chart", "show", stage.chart)
    (own,) = (one for one in shown["documents"] if one["document"] == document)
    found.written = {name: section["text"] for name, section in own["sections"].items()}
    found.witness(tablet.run("audit", "timeline", "--chart", stage.chart)["events"])
    stage.sync(_TABLET)


def _look(found: Dictated, drafted: Mapping[str, Any]) -> None:
    found.model, found.labelled = drafted["model"], drafted["demonstration"] and "DEMONSTRATION" in drafted["label"]
    found.tokens_per_s = drafted["timings"]["tokens_per_s"] or 0
    found.statements = {part["name"]: part["text"] for part in drafted["parts"]}
    found.cited = len({one["part"] for one in drafted["citations"]})
    for one in drafted["unsupported"]:
        found.marked.setdefault(one["part"], []).append(one["kind"])
