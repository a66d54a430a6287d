"""The demo's broken glass: a stranger opens the chart in an emergency, everybody sees it, and a review ends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.demo.cast import STRANGER, WHY
from edge_runtime.cli.demo.locks import Tried, try_keys
from edge_runtime.cli.demo.processes import run, together
from edge_runtime.runtime import clock

if TYPE_CHECKING:
    from edge_runtime.cli.demo.stage import Stage

_ALLERGY: Final = "Penicillin"
_NOBODY: Final = ""
_TOKEN_PASSPHRASE: Final = "FIELDWARD_TOKEN_PASSPHRASE"  # noqa: S105 - the variable's name
_CLOSED: Final = ("no_such_chart", "not_a_member")
_DOWN: Final = ("relay_unreachable", "desk_unreachable")
_ALERT: Final = "glass_broken"


@dataclass(slots=True)
class Glass:
    """What came of it.

    Attributes:
        closed_before: the stranger could not show the chart.
        refused: with which codes it stayed closed while relay or desk did not answer.
        epochs: keys that the desk and the token opened together.
        allergies: what the stranger then saw to be careful with.
        warned: the nurse's phone was told at its sync, and shows a banner with the reason.
        reviewed: no access is open after the nurse's review.
        locks: what the stranger's keys open of what was written after it.
        critical: the officer's timeline has the act as critical.
        why: the officer reads the stranger's own words.
    """

    closed_before: bool = False
    refused: list[str] = field(default_factory=list)
    epochs: int = 0
    allergies: list[str] = field(default_factory=list)
    warned: bool = False
    reviewed: bool = False
    locks: Tried = field(default_factory=Tried)
    critical: bool = False
    why: bool = False

    @property
    def held(self) -> bool:
        """Whether every claim of the chapter held."""
        closed = self.closed_before and self.refused == [*_DOWN]
        opened = self.epochs > 0 and _ALLERGY in self.allergies
        return closed and opened and self.warned and self.critical and self.why and self.reviewed and self.locks.out

    def witness(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Look for the act among what the compliance officer sees of the chart."""
        for event in events:
            self.critical |= event["kind"] == _ALERT and event["risk"] == "critical"
            self.why |= event["detail"].get("why") == WHY

    def to_json(self) -> dict[str, Any]:
        """For the demo's answer."""
        return {
            "ok": self.held,
            "closed_before": self.closed_before,
            "refused": self.refused,
            "keys_opened": self.epochs,
            "allergies": len(self.allergies),
            "warned": self.warned,
            "critical": self.critical,
            "why_read": self.why,
            "reviewed": self.reviewed,
            "new_keys": self.locks.new,
            "opened_by_stranger": self.locks.by_outsider,
            "opened_before": self.locks.before,
            "opened_by_member": self.locks.by_member,
        }


def break_glass(stage: Stage) -> None:
    """Prepare desk and token, break the glass, and review it.

    Raises:
        DemoError: a step did not go as it must.
    """
    found, stranger, phone = stage.facts.glass, stage.devices[STRANGER], stage.devices["phone"]
    _prepare(stage)
    stage.wire.cut()
    found.refused.append(_break(stage, refusals=_DOWN)["error"]["code"])
    stage.wire.mend()
    closed = stranger.run("chart", "show", stage.chart, refusals=_CLOSED)
    found.closed_before = closed.get("error", {}).get("code") in _CLOSED
    stage.desk_wire.cut()
    found.refused.append(_break(stage, refusals=_DOWN)["error"]["code"])
    stage.desk_wire.mend()
    opened = _break(stage)
    found.epochs = opened["epochs"] if opened["closed"] == 0 else 0
    seen = stranger.run("chart", "show", stage.chart, "--purpose", "emergency")
    found.allergies = [item["text"] for item in seen["allergies"] if item["status"] == "active"]
    told = stage.sync(STRANGER, "phone")["phone"]["broken"]
    banner = [(one["entry"], one["reason"]) for one in stage.show("phone")[0]["broken"]]
    found.warned = told == [stage.chart] and banner == [(opened["entry"], "unconscious")]
    phone.run("break-glass", "close", stage.chart, opened["entry"])
    closed_ms = clock()
    stage.vital("phone", "8867-4", "Heart rate", "96", "/min")
    found.reviewed = phone.run("break-glass", "list")["accesses"] == []
    stage.sync("phone")
    stage.sync(STRANGER, "kit")
    found.locks = try_keys(stranger, phone, stage.chart, since_ms=closed_ms)


def _prepare(stage: Stage) -> None:
    """Run a desk, make a token, enrol the stranger, and let a member write behind glass."""
    administrator, home = stage.devices["administrator"], stage.desk.home
    public = stage.folder / "token-public.txt"
    organisation = ("--organisation", str(stage.organisation))
    made, _, _ = together(
        partial(run, ["server", "break-glass-desk", "init", "--home", str(home), *organisation], passphrase=_NOBODY),
        partial(
            run,
            ["break-glass", "token", "create", "--out", str(stage.token), "--public", str(public)],
            passphrase=_NOBODY,
            environment={_TOKEN_PASSPHRASE: stage.token_passphrase},
        ),
        partial(stage.enrol, STRANGER, "emergency_responder"),
    )
    stage.desk_wire.mend()
    stage.desk.start()
    given = ("--desk", stage.desk_wire.url, "--token-public", str(public), "--fingerprint", made["fingerprint"])
    administrator.run("break-glass", "announce", *given)
    stage.sync("administrator")
    stage.sync("phone", STRANGER)  # a member who learns of it wraps the older keys for emergencies too
    stage.vital("phone", "8480-6", "Systolic blood pressure", "88", "mm[Hg]")
    stage.sync("phone")


def _break(stage: Stage, *, refusals: Sequence[str] = ()) -> dict[str, Any]:
    given = ("--reason", "unconscious", "--why", WHY, "--token", str(stage.token))
    return stage.devices[STRANGER].run(
        "break-glass", "open", stage.chart, *given,
        refusals=refusals, environment={_TOKEN_PASSPHRASE: stage.token_passphrase},
    )  # fmt: skip
