"""SALT: sort, assess, lifesaving interventions, treatment or transport; for casualties of every age.

Sorting (walks, waves, still) decides in which order casualties are assessed, never their category. Each is assessed
after the lifesaving interventions: major haemorrhage controlled, airway opened (a child: two rescue breaths), chest
decompressed, antidotes given.

Source: Lerner et al., "Mass casualty triage: an evaluation of the data and development of a proposed national
guideline", Disaster Med Public Health Prep 2008;2(Suppl 1):S25-S34.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.scores.fields import AGE, Fields, Truth, Word
from edge_runtime.clinical.scores.result import Result
from edge_runtime.clinical.scores.scale import Form, Read, Rule, Scale, halted, reached

NAME: Final = "salt"

GOOD: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "obeys_commands": True,
        "peripheral_pulse": True,
        "respiratory_distress": False,
        "haemorrhage_controlled": True,
    }
)
"""The four questions of the assessment, and the answer to each that is in order."""

FIELDS: Final[Fields] = (
    Word("sort", "optional: walks, waves or moves on purpose, still or in obvious danger", ("walk", "wave", "still")),
    Truth("breathing", "whether the casualty breathes, once the airway is opened"),
    Truth("obeys_commands", "whether the casualty obeys commands or makes purposeful movements"),
    Truth("peripheral_pulse", "whether a peripheral pulse is felt"),
    Truth("respiratory_distress", "whether the casualty is in respiratory distress"),
    Truth("haemorrhage_controlled", "whether major haemorrhage is controlled; true where there is none"),
    Truth("minor_injuries_only", "of one with four good answers: whether the injuries are minor only"),
    Truth("likely_to_survive", "of one with a bad answer: whether survival is likely with the resources at hand"),
    AGE,
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "not_breathing": Rule("Does not breathe after the lifesaving interventions.", "dead", Triage.DECEASED),
        "minor_injuries": Rule("All four answers are good; minor injuries only.", "minimal", Triage.MINOR),
        "all_good": Rule("All four answers are good; more than minor injuries.", "delayed", Triage.DELAYED),
        "likely_to_survive": Rule(
            "An answer is bad; survival is likely with the resources at hand.", "immediate", Triage.IMMEDIATE
        ),
        "unlikely_to_survive": Rule(
            "An answer is bad; survival is unlikely with the resources at hand.", "expectant", Triage.EXPECTANT
        ),
    }
)


def _judge(read: Read) -> Result:
    breathes = read.get("breathing")
    if breathes is None:
        return halted(NAME, "breathing")
    if not breathes:
        asked = ["Walks or waves, and does not breathe: is this one casualty?"] if _moves(read) else []
        return reached(NAME, RULES, "not_breathing", questions=asked)
    if any(name in read and read[name] is not good for name, good in GOOD.items()):
        return _judged(read, "likely_to_survive", yes="likely_to_survive", no="unlikely_to_survive")
    absent = next((name for name in GOOD if name not in read), None)
    if absent is not None:
        return halted(NAME, absent)
    return _judged(read, "minor_injuries_only", yes="minor_injuries", no="all_good")


def _judged(read: Read, name: str, *, yes: str, no: str) -> Result:
    answer = read.get(name)
    return halted(NAME, name) if answer is None else reached(NAME, RULES, yes if answer else no)


def _moves(read: Read) -> bool:
    return read.get("sort") in {"walk", "wave"}


SALT: Final = Scale(
    name=NAME,
    title="SALT, sort, assess, lifesaving interventions, treatment or transport",
    whom="Casualties of every age.",
    source="Lerner et al., Disaster Med Public Health Prep 2008;2(Suppl 1):S25-S34.",
    form=Form.CATEGORY,
    fields=FIELDS,
    rules=RULES,
    judge=_judge,
)
