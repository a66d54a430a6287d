"""Statements put together of loose words, so that a model meets sentences that it cannot know and must copy them.

Owns combinations, most of which nobody ever said: who, did what, with what, when; a part of the body, how it is; do
something about something. Where they belong follows from who says them and from their verbs.
"""

from __future__ import annotations

import random
from typing import Final

from edge_runtime.ai.maker import words
from edge_runtime.ai.maker.statement import Said, Topic, Turn
from edge_runtime.ai.maker.titles import titles
from edge_runtime.ai.maker.words import capital

_WHO: Final = ("I", "He", "She", "It", "My husband", "The child", "They")
_DID: Final = (
    "had", "noticed", "felt", "took", "stopped", "lost", "drank", "ate", "forgot", "lifted", "changed", "stepped on",
    "slept through", "could not find", "did not take", "did not notice", "has", "still has", "never had", "used",
    "was told about", "woke with", "fell over", "worries about", "needs", "brought", "ran out of", "dropped",
)  # fmt: skip
_WITH_WHAT: Final = (
    "the tablets", "a heavy box", "some soup", "a rusty nail", "the inhaler", "a cup of tea", "the left leg", "a fever",
    "the stairs", "a bad dream", "a glass of milk", "the dressing", "a yellow patch", "the injection", "two pillows",
    "a metal taste", "the crutches", "the drops", "a lump in the breast", "the hearing aid", "a red ring", "a cramp",
    "the right hand", "cold sweat", "a buzzing sound", "the bandage", "a loose tooth", "the school bus",
    "a job in a mill",
)  # fmt: skip
_PART: Final = (
    "tonsils", "ears", "abdomen", "chest", "calves", "left knee", "right hip", "skin", "tongue", "pupils", "wound",
    "scalp", "neck", "throat", "heart sounds", "lungs", "reflexes", "nail bed", "fundus", "back", "elbow", "left eye",
    "mouth", "spleen", "pulses", "stump", "bladder", "jaw", "wrist", "nose", "fontanelle", "gait", "cervix", "uterus",
)  # fmt: skip
_HOW: Final = (
    "red", "soft", "clear", "tender", "not tender", "swollen", "dry", "warm", "cold", "pale", "normal", "equal", "firm",
    "not swollen", "clean", "weak", "stiff", "blue", "moist", "bruised", "symmetrical", "not enlarged", "intact",
    "slow",
    "with white spots", "with a foul smell", "closed", "sunken", "yellow", "healing well", "irregular", "crusted",
)  # fmt: skip
_DO: Final = (
    "Repeat", "Check", "Send", "Book", "Change", "Call", "Measure", "Keep", "Avoid", "Continue", "Give", "Remove",
    "Omit",
    "Reduce", "Increase", "Arrange", "Apply", "Wash", "Watch", "Restart", "Take out", "Ask for", "Record", "Discuss",
)  # fmt: skip
_ABOUT: Final = (
    "the bloods", "the dressing", "a urine culture", "the potassium", "the catheter", "the splint", "oxygen",
    "the drip",
    "a home visit", "the blood glucose", "the stitches", "the weight", "fluids", "the registrar", "a cold pack",
    "the INR",
    "an eye test", "the breathing exercises", "the inhaler technique", "the same medicines", "a stool sample",
    "the foot",
    "the family", "a hearing test", "the fluid chart", "a second film", "the antibiotic", "alcohol", "salt",
    "the sling",
)  # fmt: skip
_SOON: Final = ("today", "tomorrow", "now", "tonight", "on Friday", "at once", "each day", "before lunch", "next week")


def told(draw: random.Random) -> Said:
    """Something that a person tells; the note keeps it word for word."""
    text = f"{draw.choice(_WHO)} {draw.choice(_DID)} {_thing(draw, _WITH_WHAT)}{_when(draw)}."
    asked = draw.choice(
        ("What else?", "Anything else?", "And then?", "Tell me more.", "How did it begin?", "Did you notice more?")
    )
    turns = (Turn(asker=True, text=asked), Turn(asker=False, text=text))
    return Said(Topic.STORY, text, turns if draw.random() < 0.5 else turns[1:], text)  # noqa: PLR2004 a share


def seen(draw: random.Random) -> Said:
    """Something that was found on looking."""
    parts = draw.sample(_PART, draw.randint(1, 3))
    listed = ", ".join(f"{part} {draw.choice(_HOW)}" for part in parts)
    size = f", {words.number(draw)} {draw.choice(('cm', 'mm', 'ml', 'g/L'))}" if draw.random() < 0.3 else ""  # noqa: PLR2004 a share
    text = f"{capital(listed)}{size}."
    spoken = f"{draw.choice(('The', 'Your'))} {listed}{size}." if draw.random() < 0.4 else text  # noqa: PLR2004 a share
    return Said(Topic.MEASURE, text, (Turn(asker=True, text=spoken),), text)


def to_do(draw: random.Random) -> Said:
    """Something to be done."""
    what = f"{draw.choice(_DO)} {_thing(draw, _ABOUT)}"
    when = draw.choice((f" {draw.choice(_SOON)}", f" in {words.duration(draw)}", f" every {words.duration(draw)}", ""))
    text = f"{what}{when}."
    lead = draw.choice(("", "", "I will ", "Please ", "We ", "Then "))
    spoken = f"{lead}{text[0].lower()}{text[1:]}" if lead else text
    return Said(Topic.STEP, text, (Turn(asker=True, text=spoken),), text)


def _thing(draw: random.Random, usual: tuple[str, ...]) -> str:
    return draw.choice(titles())[1].lower() if draw.random() < 0.25 else draw.choice(usual)  # noqa: PLR2004 a share


def _when(draw: random.Random) -> str:
    return draw.choice(
        ("", f" {draw.choice(words.WHENS)}", f" for {words.duration(draw)}", f" at {draw.randint(0, 23)}:00")
    )
