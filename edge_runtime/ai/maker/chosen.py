"""What a model only chooses or retells: codes and protocols of a list, scores and quality from their sentences."""

from __future__ import annotations

import random
from typing import Final

from edge_runtime.ai.maker import words
from edge_runtime.ai.maker.encounters import encounter, headed
from edge_runtime.ai.maker.sample import Sample
from edge_runtime.ai.maker.titles import titles
from edge_runtime.ai.skills.protocol_files import shipped
from edge_runtime.ai.skills.quality_rules import BEST, FEATURES
from edge_runtime.clinical.fact_json import Json

_CANDIDATES_MAX: Final = 8
_SCORES: Final = (
    ("NEWS2", ("respirations", "saturation", "pulse", "systolic pressure", "temperature"), "band"),
    ("qSOFA", ("respirations", "systolic pressure", "altered mentation"), "band"),
    ("CURB-65", ("confusion", "urea", "respirations", "age"), "band"),
    ("Glasgow Coma Scale", ("eyes", "verbal", "motor"), "band"),
    ("PHQ-9", ("sleep", "interest", "appetite"), "band"),
)
_BANDS: Final = ("low", "medium", "high", "mild", "moderate", "severe")


def codes(draw: random.Random) -> Sample:
    """Of a list of codes, those whose titles the note speaks of."""
    offered = draw.sample(titles(), draw.randint(2, _CANDIDATES_MAX))
    meant = draw.sample(offered, draw.randint(1, min(3, len(offered))))
    one = encounter(draw, longest=4)
    named = " ".join(
        f"{draw.choice(('Assessment: ', 'Impression is ', 'Diagnosis: ', ''))}{title}." for _, title in meant
    )
    note = f"{headed(one)}\n{named}" if draw.random() < 0.7 else f"{named}\n{headed(one)}"  # noqa: PLR2004 a share
    listed = "\n".join(f"{code} {title}" for code, title in offered)
    answer: list[Json] = [code for code, _ in meant]
    return Sample("codes", f"codes\n{listed}\n\n{note}", {"codes": answer})


def protocol(draw: random.Random) -> Sample:
    """Of two or three protocols, the one that a situation speaks of, and its lines."""
    offered = draw.sample(shipped(), draw.randint(1, 2))
    meant = draw.choice(offered)
    hints = [hint.rstrip("*") for hint in (*meant.names, *meant.signs)]
    told = ", ".join(draw.sample(hints, min(len(hints), draw.randint(1, 3))))
    age, person = draw.randint(1, 90), draw.choice(words.PEOPLE)
    situation = draw.choice(
        (f"{age} year old {person}, {told}.", f"{words.capital(told)}.", f"We have a {person} with {told}.")
    )
    listing = "\n".join(
        line
        for one in offered
        for line in (f"{one.id} {one.title}", *(f"  {line.id} {line.text}" for line in one.lines))
    )
    steps: list[Json] = [line.id for line in meant.lines]
    return Sample("protocol", f"protocol\n{listing}\n\n{situation}", {"protocol": meant.id, "steps": steps})


def risk(draw: random.Random) -> Sample:
    """What a score says, told again with its own numbers."""
    title, inputs, _ = draw.choice(_SCORES)
    points, band = draw.randint(0, 27), draw.choice(_BANDS)
    used = draw.sample(inputs, draw.randint(1, len(inputs)))
    parts = ", ".join(f"{name} {words.number(draw)} ({draw.randint(1, 3)})" for name in used)
    meaning = draw.choice(("Monitor more often.", "Ask a clinician to review.", "Repeat in 12 hours.", "Escalate now."))
    source = f"{title}: {points} points, band {band}. {meaning} Points come from {parts}."
    return Sample("risk", f"risk\n{source}", {"explanation": f"{title} gives {points} points. They come from {parts}."})


def quality(draw: random.Random) -> Sample:
    """What the rule of quality says, told again with its own numbers."""
    found = draw.sample(FEATURES, draw.randint(0, 3))
    lines, told, score = [], [], BEST
    for feature in found:
        count = draw.randint(1, 9)
        points = min(feature.weight * count, feature.most)
        score -= points
        what = f"{count} {feature.one if count == 1 else feature.several}"
        lines.append(f"{what}: minus {points}, because {feature.because}.")
        told.append(f"{what}: minus {points}.")
    head = f"Expected quality of the record if nothing more is done: {score} of {BEST}, by rule."
    source = " ".join((head, *lines))
    return Sample("quality", f"quality\n{source}", {"explanation": " ".join((f"It is {score} of {BEST}.", *told))})
