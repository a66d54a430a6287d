"""Sentences as clinicians dictate them, with places for what differs; a note keeps them word for word.

Owns the frames. Beside the statements of `said` they teach a model that most of a dictation is to be copied, whatever
stands in it; one word in some places is drawn from the words of ICD-10-CM, so that there is no end of new ones.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.maker import words
from edge_runtime.ai.maker.statement import Said, Topic, Turn
from edge_runtime.ai.maker.titles import titles
from edge_runtime.ai.maker.words import capital, without_article

TOLD: Final = (
    "{He} has had {complaint} since {when}.", "It started {when} and is getting worse.", "{He} lives alone.",
    "{He} smokes {n} cigarettes a day.", "{He} does not smoke.", "{He} is eating and drinking well.",
    "{He} feels better.",
    "The pain goes to the {part}.", "The pain is worse at night.", "{He} stopped smoking {long} ago.",
    "{He} works in a {odd}.",
    "{Drug} gave {him} {reaction} as a child.", "{He} denies {symptom} and has not had {symptom}.",
    "{He} takes {dose} and {dose}.",
    "{He} has {history} and {history}.", "{His} mother had {history}.", "No {symptom} and no {symptom}.",
    "{He} fell {when}.",
    "{He} noticed a {odd} on the {part} {when}.", "{He} has not taken {drug} for {long}.",
    "{He} came back from {odd} {when}.",
    "There is {odd} {odd} in the {part}.", "{He} reports {odd} {odd} for {long}.", "{He} is allergic to {drug}.",
    "{Complaint} after a {odd}.", "{He} cannot sleep because of {symptom}.", "Worse on {odd}, better with {drug}.",
    "{He} took {drug} {amount} {when}.", "It hurts when {he} walks.", "{He} was well until {when}.", "No {symptom}.",
    "{He} vomited {n} times {when}.", "{He} is {n} weeks pregnant.", "{He} drinks {n} units of {odd} a week.",
)  # fmt: skip
SEEN: Final = (
    "On examination {vital}, {vital}, {vital} on room air.", "The {part} is {how}.", "The {part} is {how} and {how}.",
    "{Part} {how}, {part} {how}.", "NEWS2 of {n}.", "GCS {n}.", "Wound of {n} by {n} cm on the {part}.",
    "No {absent}.",
    "Urine dipstick shows {odd}.", "ECG shows {odd} {odd}.", "{Vital}, {vital}.",
    "{Vital}, {vital}, {vital}, {vital}.",
    "On examination {vital}, {vital}.", "{Odd} over the {part}, no {absent}.", "{Finding}. No {absent}.",
    "{Finding}.",
    "{Odd} {n}.", "{He} looks {how}.", "{Part} not {how}, no {absent}, no {absent}.",
    "The {odd} of the {part} is {how}.",
)  # fmt: skip
THOUGHT: Final = (
    "{Problem}.", "{Problem} and {problem}.", "{Problem}, improving.", "{Problem} on {history}.",
    "{Problem}, not {problem}.",
    "{Problem}, {odd} of {n}.", "{Problem} after {odd}.", "{Odd} {odd}.", "{Odd} {odd} of the {part}.",
    "{Problem} of the {part}.",
)  # fmt: skip
THOUGHT_LEADS: Final = (
    "Impression is ",
    "Impression: ",
    "Assessment: ",
    "Diagnosis: ",
    "Likely ",
    "This is ",
    "I think this is ",
)
DONE: Final = (
    "Start {drug} {amount} today, then {amount} {often} for {long}.", "Start {dose} for {long}.",
    "{Test} if no better in {n} hours.",
    "Continue {dose}.", "Increase {drug} to {amount} {often}.", "Stop {drug}.", "Review in {long}.", "Review {soon}.",
    "Follow up in {long} with {service}.", "Come back at once if {danger}.", "Come back if {danger}.",
    "Refer to {service}.",
    "{Test} {soon}.", "{Test} and {test} {soon}.", "{Advice}.", "{Dose} for {long}.", "{Dose}.", "Give {dose}.",
    "Give {drug} {amount} now.",
    "Check the {odd} {soon}.", "Send {odd} and {odd}.", "Change the {odd} every {long}.", "Keep the {part} {how}.",
    "Paracetamol {amount} as needed.", "Sick note for {long}.", "{Odd} {odd} {soon}.", "Rest, fluids and {drug}.",
)  # fmt: skip
_PARTS: Final = (
    "chest", "abdomen", "left leg", "right arm", "back", "neck", "throat", "left ear", "right knee", "foot",
    "hand", "skin",
    "left calf", "tongue", "right eye", "scalp", "wound", "jaw", "shoulder", "hip", "groin", "right flank",
    "lungs", "face",
)  # fmt: skip
_HOWS: Final = (
    "tender", "soft", "clear", "red", "swollen", "warm", "dry", "pale", "normal", "stiff", "bruised", "clean",
    "well", "tired",
    "unwell", "comfortable", "regular", "irregular", "weak", "healing",
)  # fmt: skip
_WHENS: Final = ("yesterday", "last week", "this morning", "two days ago", "last night", "on Sunday", "in the spring")
_SOON: Final = ("today", "tomorrow", "tonight", "this week", "on Friday", "at the next visit", "now")
_VITALS: Final = (
    ("temperature", 34, 41, True), ("pulse", 38, 178, False), ("heart rate", 40, 170, False),
    ("respirations", 8, 50, False),
    ("saturation", 78, 100, False), ("weight", 3, 140, True), ("glucose", 2, 29, True),
    ("oxygen saturation", 80, 100, False),
)  # fmt: skip
_PLACE: Final = re.compile(r"\{(\w+)\}")


@functools.cache
def _odd_words() -> tuple[str, ...]:
    found = {word.lower() for _, title in titles() for word in re.findall(r"[A-Za-z]{4,12}", title)}
    return tuple(sorted(found))


def _vital(draw: random.Random) -> str:
    name, low, high, fine = draw.choice(_VITALS)
    if draw.random() < 0.2:  # noqa: PLR2004 a share, used once
        joint = draw.choice((" over ", "/"))
        return f"blood pressure {draw.randint(80, 210)}{joint}{draw.randint(40, 120)}"
    value = f"{draw.randint(low, high)}.{draw.randint(0, 9)}" if fine else str(draw.randint(low, high))
    return f"{name} {value}" + (" percent" if "saturation" in name and draw.random() < 0.6 else "")  # noqa: PLR2004 a share


def _odd(draw: random.Random) -> str:
    return words.made_up(draw) if draw.random() < 0.2 else draw.choice(_odd_words())  # noqa: PLR2004 a share


_FILLS: Final[Mapping[str, Callable[[random.Random], str]]] = MappingProxyType(
    {
        "complaint": lambda draw: draw.choice(words.COMPLAINTS),
        "symptom": lambda draw: without_article(draw.choice(words.SYMPTOMS)),
        "history": lambda draw: draw.choice(words.HISTORY),
        "problem": lambda draw: f"{draw.choice(words.QUALIFIERS)}{draw.choice(words.PROBLEMS)}",
        "finding": lambda draw: draw.choice(words.FINDINGS),
        "absent": lambda draw: draw.choice(words.ABSENT),
        "test": lambda draw: without_article(draw.choice(words.TESTS)),
        "advice": lambda draw: draw.choice(words.ADVICE),
        "danger": lambda draw: draw.choice(words.DANGERS),
        "service": lambda draw: draw.choice(words.SERVICES),
        "reaction": lambda draw: draw.choice(words.REACTIONS),
        "when": lambda draw: draw.choice(_WHENS),
        "drug": words.drug,
        "dose": lambda draw: str(words.dose(draw)),
        "amount": lambda draw: words.dose(draw).amount,
        "often": lambda draw: draw.choice(words.FREQUENCIES),
        "long": words.duration,
        "n": lambda draw: str(draw.randint(1, 40)),
        "part": lambda draw: draw.choice(_PARTS),
        "how": lambda draw: draw.choice(_HOWS),
        "soon": lambda draw: draw.choice(_SOON),
        "vital": _vital,
        "odd": _odd,
        "he": lambda draw: draw.choice(("he", "she")),
        "him": lambda draw: draw.choice(("him", "her")),
        "his": lambda draw: draw.choice(("his", "her")),
    }
)


def filled(draw: random.Random, frame: str) -> str:
    """A frame with its places filled; a place with a large letter begins with one."""

    def fill(place: re.Match[str]) -> str:
        name = place[1]
        text = _FILLS[name.lower()](draw)
        return capital(text) if name[0].isupper() else text

    return _PLACE.sub(fill, frame)


def told(draw: random.Random) -> Said:
    """Something of the history."""
    text = filled(draw, draw.choice(TOLD))
    return Said(Topic.STORY, text, (Turn(asker=False, text=text),), text)


def seen(draw: random.Random) -> Said:
    """Something of the examination; the note leaves out that it was one."""
    text = filled(draw, draw.choice(SEEN))
    return Said(Topic.MEASURE, text, (Turn(asker=True, text=text),), capital(text.removeprefix("On examination ")))


def thought(draw: random.Random) -> Said:
    """An opinion; the note keeps it without its first words."""
    text = filled(draw, draw.choice(THOUGHT))
    lead = draw.choice(THOUGHT_LEADS)
    said = f"{lead}{text[0].lower()}{text[1:]}"
    return Said(Topic.OPINION, said, (Turn(asker=True, text=said),), text)


def done(draw: random.Random) -> Said:
    """Something of the plan."""
    text = filled(draw, draw.choice(DONE))
    lead = draw.choice(("", "", "", "", "Plan: "))
    return Said(Topic.STEP, f"{lead}{text}", (Turn(asker=True, text=text),), text)
