"""The demo's stolen tablet: a thief writes with it and meets a colleague, until its revocation cuts it off.

The thief has everything: the tablet, unlocked, with its keys, and a colleague's phone nearby that believes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.demo.cast import FORGED, OFFICER
from edge_runtime.cli.demo.locks import Tried, try_keys
from edge_runtime.cli.demo.processes import meet
from edge_runtime.clinical.marks import UNVERIFIED
from edge_runtime.runtime import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge_runtime.cli.demo.stage import Stage

Shown = dict[str, Any]
"""A chart as `chart show --json` prints it."""
_SECTION: Final = "plan"
_BEFORE: Final = ("8310-5", "Body temperature", "38.4", "Cel")
"""What the physician measured and synced before the theft."""
_UNSENT: Final = ("9279-1", "Respiratory rate", "24", "/min")
"""What the physician measured before the theft, and had not synced."""
_AFTER: Final = ("8478-0", "Mean blood pressure", "71", "mm[Hg]")
"""What the nurse measures after it."""
_ALLERGY: Final = "Penicillin"
_DRUG: Final = "Metoprolol"
_DOSE: Final = "500"


@dataclass(slots=True)
class Stolen:
    """What came of it.

    Attributes:
        believed: before the revocation the phone, which the thief met, showed what the thief wrote.
        refused: the relay turned the tablet away as revoked.
        quarantined: entries of the tablet that phone and kit show as unverified.
        honest_stays: what the physician had synced before the theft counts on both.
        allergy_stands: the allergy that the thief refuted reads as before on both.
        dose_stands: the same of the dose.
        text_stands: the text reads as before on both, and the thief's stands beside it, apart.
        agreed: phone and kit show the same chart.
        locks: what the tablet's keys open of what was written since.
        adopted: the physician's unsent measurement counts on both since the nurse vouched for it, and nothing else.
        lines: what the phone shows of what is unverified, for people.
    """

    believed: bool = False
    refused: bool = False
    quarantined: int = 0
    honest_stays: bool = False
    allergy_stands: bool = False
    dose_stands: bool = False
    text_stands: bool = False
    agreed: bool = False
    locks: Tried = field(default_factory=Tried)
    adopted: bool = False
    lines: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every claim of the chapter held."""
        stands = self.honest_stays and self.allergy_stands and self.dose_stands and self.text_stands
        cut_off = self.believed and self.refused and self.quarantined > 0 and self.locks.out
        return stands and cut_off and self.agreed and self.adopted

    def to_json(self) -> dict[str, Any]:
        """For the demo's answer."""
        return {
            "ok": self.held,
            "believed_before": self.believed,
            "refused": self.refused,
            "quarantined": self.quarantined,
            "honest_stays": self.honest_stays,
            "allergy_stands": self.allergy_stands,
            "dose_stands": self.dose_stands,
            "text_stands": self.text_stands,
            "agreed": self.agreed,
            "new_keys": self.locks.new,
            "opened_by_tablet": self.locks.by_outsider,
            "opened_before": self.locks.before,
            "opened_by_member": self.locks.by_member,
            "adopted": self.adopted,
        }


def steal(stage: Stage) -> None:
    """Make a team, lose the tablet, and cut it off.

    Raises:
        DemoError: a step did not go as it must.
    """
    found, before = stage.facts.stolen, stage.facts.states["tablet"]
    _team_up(stage)
    stage.vital("tablet", *_BEFORE)
    stage.sync("tablet")
    since = datetime.fromtimestamp(clock() / 1000, tz=UTC).isoformat(timespec="milliseconds")
    own = stage.vital("tablet", *_UNSENT)
    _thieve(stage, before)
    meet(stage.devices["tablet"], stage.devices["phone"])
    stage.sync("phone")  # from here the relay has it all: only the time says what was the thief's
    found.believed = _is_believed(stage.show("phone")[0])
    administrator, tablet = stage.devices["administrator"], stage.devices["tablet"]
    administrator.run("device", "revoke", stage.ids["tablet"], "--reason", "stolen", "--since", since)
    refused = tablet.run("sync", "once", "--attempts", "1", refusals=("revoked",))
    found.refused = refused.get("error", {}).get("code") == "revoked"
    stage.sync("phone", "kit", OFFICER)
    known_ms = clock()
    _compare(stage, before)
    _go_on(stage, own)
    found.locks = try_keys(tablet, stage.devices["kit"], stage.chart, since_ms=known_ms)


def _team_up(stage: Stage) -> None:
    tablet = stage.devices["tablet"]
    team = tablet.run("team", "create", "--name", "Ward by the water")["team"]
    for name in ("phone", "kit"):
        tablet.run("team", "add", team, stage.ids[name])
    tablet.run("chart", "share", stage.chart, "--team", team)


def _thieve(stage: Stage, before: Shown) -> None:
    stage.fact("tablet", "chart", kind="allergy", text=_ALLERGY, verification="refuted")
    stage.fact("tablet", "chart", kind="medication", text=_DRUG, dose=_DOSE, unit="mg", action="change")
    stage.text("tablet", _SECTION, f"{_plan(stage, before)['text']} {FORGED[0].upper()}{FORGED[1:]}.")


def _compare(stage: Stage, before: Shown) -> None:
    """What phone and kit make of it, once both know of the revocation."""
    found, thief = stage.facts.stolen, stage.ids["tablet"]
    both = stage.show("phone", "kit")
    marked = [{fact["id"]: fact for fact in _unverified(shown) if fact["author"]["device"] == thief} for shown in both]
    found.quarantined = len(marked[0]) if marked[0].keys() == marked[1].keys() else 0
    found.lines = [_in_words(fact) for fact in marked[0].values()]
    found.honest_stays = all(_measured(stage, shown, _BEFORE) for shown in both)
    found.allergy_stands = all(_allergy(shown) == _allergy(before) for shown in both)
    found.dose_stands = all(_doses(shown) == _doses(before) for shown in both)
    found.text_stands = all(_stands_apart(stage, shown, before) for shown in both)
    found.agreed = both[0] == both[1]


def _go_on(stage: Stage, own: list[str]) -> None:
    """Let the nurse write, and vouch for the measurement that was the physician's own."""
    found, phone = stage.facts.stolen, stage.devices["phone"]
    stage.vital("phone", *_AFTER)
    phone.run("chart", "adopt", stage.chart, *own)
    stage.sync("phone")
    stage.sync("kit")
    both = stage.show("phone", "kit")
    rest = {fact["id"] for fact in _unverified(both[0])}
    alone = len(rest) == found.quarantined - len(own) and not any(name.split(":")[0] in own for name in rest)
    found.adopted = alone and all(_measured(stage, shown, _UNSENT) for shown in both)
    found.agreed &= both[0] == both[1]


def _is_believed(shown: Shown) -> bool:
    doses = [line["dose"] for lines in _doses(shown) for line in lines]
    refuted = [item["status"] for item in shown["allergies"] if item["text"] == _ALLERGY] == ["refuted"]
    return refuted and doses == [_DOSE]


def _unverified(shown: Shown) -> Iterator[Mapping[str, Any]]:
    """Every statement that a chart shows as unverified, or keeps for its review."""
    for part in (shown, *shown["documents"]):
        for fact in (*part["unverified"], *part.get("withheld", ())):
            if fact["standing"] == "quarantined" and str(fact["mark"]).startswith(UNVERIFIED):
                yield fact


def _measured(stage: Stage, shown: Shown, vital: tuple[str, str, str, str]) -> bool:
    """Whether a measurement counts."""
    facts = [item["fact"] for item in _encounter(stage, shown)["observations"]]
    return (vital[1], vital[2]) in {(fact["text"], fact.get("value")) for fact in facts}


def _allergy(shown: Shown) -> list[Any]:
    return [(item["text"], item["status"], item["severity"], _ids(item["live"])) for item in shown["allergies"]]


def _doses(shown: Shown) -> list[Any]:
    """The lines of the drug, without what depends on who counts them."""
    return [
        [{"dose": line["dose"], "stopped": line["stopped"], "facts": _ids(line["facts"])} for line in item["lines"]]
        for item in shown["medications"]
        if item["text"] == _DRUG
    ]


def _stands_apart(stage: Stage, shown: Shown, before: Shown) -> bool:
    """Whether the base of the text is what it was, and a view shows what the thief made of it, whole."""
    text, earlier = _plan(stage, shown), _plan(stage, before)["text"]
    views = [view for view in text["views"] if FORGED in view["text"].lower() and "revoked" in view["reasons"]]
    return text["text"] == earlier and FORGED not in earlier.lower() and len(views) == 1


def _plan(stage: Stage, shown: Shown) -> dict[str, Any]:
    section: dict[str, Any] = _encounter(stage, shown)["sections"][_SECTION]
    return section


def _encounter(stage: Stage, shown: Shown) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in shown["documents"] if one["document"] == stage.encounter)
    return found


def _ids(facts: list[Mapping[str, Any]]) -> list[str]:
    return sorted(fact["id"] for fact in facts)


def _in_words(placed: Mapping[str, Any]) -> str:
    fact = placed["fact"]
    said = (fact.get(name) for name in ("text", "value", "dose", "unit", "verification"))
    return f"{fact['kind']}: {' '.join(word for word in said if word)}"
