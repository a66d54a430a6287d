"""One thing that is said in an encounter: as it is dictated, as two people say it, and as a note holds it.

Owns the statements of a history, an examination, an opinion and a plan. Each draws its values anew, so that a model
that wants to say them must read them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from edge_runtime.ai.maker import words
from edge_runtime.ai.maker.statement import Said, Topic, Turn
from edge_runtime.ai.maker.titles import titles
from edge_runtime.ai.maker.words import capital, without_article

Maker = Callable[[random.Random], Said]


def _asked(question: str, answer: str) -> tuple[Turn, ...]:
    return (Turn(asker=True, text=question), Turn(asker=False, text=answer))


def _told(text: str) -> tuple[Turn, ...]:
    return (Turn(asker=False, text=text),)


def _shown(text: str) -> tuple[Turn, ...]:
    return (Turn(asker=True, text=text),)


_AGES: Final = (
    "Four",
    "Nine",
    "Twelve",
    "Twenty-six",
    "Thirty-four",
    "Forty-two",
    "Fifty-eight",
    "Sixty-eight",
    "Eighty",
)
_MEDICINES: Final = (
    "What medicines do you take?",
    "Do you take any medicines?",
    "Which tablets?",
    "Are you on anything?",
    "And your medicines?",
)
_ALLERGIES: Final = (
    "Any allergies?",
    "Are you allergic to anything?",
    "Do you react to any medicine?",
    "Allergies?",
)


def _he(draw: random.Random) -> str:
    return draw.choice(("He", "She"))


def complaint(draw: random.Random) -> Said:
    """Why they came and for how long."""
    what, long = draw.choice(words.COMPLAINTS), words.duration(draw)
    if draw.random() < 0.15:  # noqa: PLR2004 a share, used once
        what = draw.choice(titles())[1].lower()
    age, person = draw.randint(1, 96), draw.choice(words.PEOPLE)
    opening = draw.choice(
        (
            f"{age} year old {person} with {what} for {long}.",
            f"{capital(person)} of {age} years with {what} for {long}.",
            f"This is a {age} year old {person}, {what} for {long}.",
            f"{age}-year-old {person} with {long} of {without_article(what)}.",
            f"{draw.choice(_AGES)} year old {person} with {what} for {long}.",
            f"{capital(person)}, {age}, {what} for {long}.",
        )
    )
    said = draw.choice(
        (f"I have had {what} for {long}.", f"It is {what}, for {long} now.", f"Well, {what}, for {long}.")
    )
    turns = draw.choice(
        (_asked("What brings you in?", said), _asked("How can I help?", said), _asked("What is the trouble?", said))
    )
    return Said(Topic.COMPLAINT, opening, turns, f"{capital(without_article(what))} for {long}.", opening)


def symptom(draw: random.Random) -> Said:
    """Something else that they have."""
    what = draw.choice(words.SYMPTOMS)
    when = draw.choice(words.WHENS)
    sentence = draw.choice((f"Also {what} {when}.", f"Reports {what} {when}.", f"There is {what} {when}."))
    return Said(
        Topic.STORY,
        sentence,
        _asked(f"Any {without_article(what)}?", f"Yes, {when}."),
        f"{capital(what)} {when}.",
        sentence,
    )


def absent(draw: random.Random) -> Said:
    """Something that they do not have."""
    what, other = draw.sample(words.SYMPTOMS, 2)
    note = f"No {without_article(what)}."
    if draw.random() < 0.4:  # noqa: PLR2004 a share, used once
        sentence = draw.choice(
            (f"No {without_article(what)}, no {without_article(other)}.", f"Denies {what} and {other}.")
        )
        turns = _asked(
            f"Any {without_article(what)} or {without_article(other)}?",
            draw.choice(("No, neither.", "No, no.", "Neither.")),
        )
        return Said(Topic.STORY, sentence, turns, f"No {without_article(what)}, no {without_article(other)}.", sentence)
    sentence = draw.choice(
        (note, f"Denies {what}.", f"{_he(draw)} denies {what}.", f"{_he(draw)} has no {without_article(what)}.")
    )
    turns = _asked(
        f"Any {without_article(what)}?", draw.choice(("No.", "No, nothing like that.", "None.", "Not at all."))
    )
    return Said(Topic.STORY, sentence, turns, note, sentence)


def history(draw: random.Random) -> Said:
    """What they had before."""
    what = draw.choice(words.HISTORY)
    sentence = draw.choice(
        (f"History of {what}.", f"Known {without_article(what)}.", f"Background: {what}.", f"{_he(draw)} has {what}.")
    )
    return Said(
        Topic.BACKGROUND, sentence, _asked("Any illness before?", f"I have {what}."), f"History of {what}.", sentence
    )


def medicine(draw: random.Random) -> Said:
    """What they take."""
    dose = words.dose(draw)
    sentence = draw.choice(
        (f"Takes {dose}.", f"{_he(draw)} takes {dose}.", f"On {dose}.", f"Current medicine: {dose}.")
    )
    return Said(
        Topic.BACKGROUND,
        sentence,
        _asked(draw.choice(_MEDICINES), draw.choice((f"{capital(str(dose))}.", f"I take {dose}.", f"Yes, {dose}."))),
        f"Takes {dose}.",
        sentence,
    )


def allergy(draw: random.Random) -> Said:
    """What they do not bear, or that there is nothing."""
    if draw.random() < 0.25:  # noqa: PLR2004 a share, used once
        turns = _asked(draw.choice(_ALLERGIES), draw.choice(("None that I know.", "No.", "No allergies.")))
        return Said(Topic.BACKGROUND, "No known allergies.", turns, "No known allergies.")
    what = draw.choice(words.ALLERGENS) if draw.random() < 0.5 else words.drug(draw)  # noqa: PLR2004 a share
    reaction = draw.choice(words.REACTIONS)
    sentence = draw.choice(
        (f"Allergic to {what}, {reaction}.", f"Allergy to {what}: {reaction}.", f"{capital(what)} gave {reaction}.")
    )
    turns = _asked(
        "Any allergies?", draw.choice((f"{capital(what)}, I got {reaction}.", f"Yes, {what}. It gave me {reaction}."))
    )
    return Said(Topic.BACKGROUND, sentence, turns, f"Allergic to {what} ({without_article(reaction)}).", sentence)


def grade(draw: random.Random) -> Said:
    """How bad it is."""
    value = draw.randint(1, 10)
    return Said(
        Topic.STORY,
        f"Pain {value} of 10.",
        _asked("How bad is it, from 0 to 10?", f"About {value}."),
        f"Pain {value} of 10.",
    )


_VITALS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda draw: f"{draw.choice(('temperature', 'temp'))} {draw.randint(34, 41)}.{draw.randint(0, 9)}",
    lambda draw: f"{draw.choice(('pulse', 'heart rate'))} {draw.randint(38, 178)}",
    lambda draw: f"blood pressure {draw.randint(78, 220)} over {draw.randint(38, 128)}",
    lambda draw: f"blood pressure {draw.randint(78, 220)}/{draw.randint(38, 128)}",
    lambda draw: f"respirations {draw.randint(8, 52)}",
    lambda draw: f"saturation {draw.randint(78, 100)} percent",
    lambda draw: f"SpO2 {draw.randint(78, 100)}%",
    lambda draw: f"weight {draw.randint(3, 140)} kg",
    lambda draw: f"glucose {draw.randint(2, 29)}.{draw.randint(0, 9)}",
    lambda draw: f"INR {draw.randint(1, 8)}.{draw.randint(0, 9)}",
    lambda draw: f"creatinine {draw.randint(40, 480)}",
    lambda draw: f"peak flow {draw.randint(90, 620)}",
    lambda draw: f"haemoglobin {draw.randint(60, 180)}",
)


def vitals(draw: random.Random) -> Said:
    """What was measured."""
    listed = ", ".join(make(draw) for make in draw.sample(_VITALS, draw.randint(1, 5)))
    lead = draw.choice(("", "", "On examination ", "Today ", "Vital signs: "))
    dictated = f"{lead}{listed}." if lead else f"{capital(listed)}."
    spoken = draw.choice((f"Your {listed}.", f"{capital(listed)}.", f"I measure {listed}."))
    return Said(Topic.MEASURE, dictated, _shown(spoken), f"{capital(listed)}.")


def finding(draw: random.Random) -> Said:
    """What was seen, and what was not."""
    seen, none = draw.choice(words.FINDINGS), draw.choice(words.ABSENT)
    sentence = draw.choice(
        (f"{capital(seen)}.", f"{capital(seen)}, no {none}.", f"No {none}.", f"{capital(seen)}. No {none}.")
    )
    lead = draw.choice(("", "", "I see ", "Let me look: "))
    spoken = f"{lead}{sentence[:1].lower()}{sentence[1:]}" if lead else sentence
    return Said(Topic.MEASURE, sentence, _shown(spoken), sentence)


def opinion(draw: random.Random) -> Said:
    """What they think that it is."""
    problem = draw.choice(titles())[1].lower() if draw.random() < 0.3 else draw.choice(words.PROBLEMS)  # noqa: PLR2004 a share
    what = f"{draw.choice(words.QUALIFIERS)}{problem}"
    if draw.random() < 0.2:  # noqa: PLR2004 a share, used once
        what += f" on {draw.choice(words.HISTORY)}"
    lead = draw.choice(
        (
            "Impression is ",
            "Impression: ",
            "Assessment: ",
            "I think this is ",
            "Likely ",
            "This looks like ",
            "Diagnosis: ",
        )
    )
    spoken = draw.choice(("I think this is ", "It looks like ", "This is ", "I would call it "))
    return Said(Topic.OPINION, f"{lead}{what}.", _shown(f"{spoken}{what}."), f"{capital(what)}.")


def treatment(draw: random.Random) -> Said:
    """What they start, and for how long."""
    what = f"{words.dose(draw)} for {words.duration(draw)}" if draw.random() < 0.6 else str(words.dose(draw))  # noqa: PLR2004 a share
    lead = draw.choice(("Start ", "Give ", "Plan: ", "We start ", ""))
    dictated = f"{lead}{what}." if lead else f"{capital(what)}."
    spoken = draw.choice(("I will give you ", "Please take ", "Start ", "We will try ", "I will prescribe "))
    return Said(
        Topic.TREATMENT,
        dictated,
        _shown(f"{spoken}{what}."),
        f"{capital(what)}.",
        capital(dictated.removeprefix("Plan: ")),
    )


def next_step(draw: random.Random) -> Said:
    """Tests, advice, coming back."""
    test, advice, danger = draw.choice(words.TESTS), draw.choice(words.ADVICE), draw.choice(words.DANGERS)
    long, service = words.duration(draw), draw.choice(words.SERVICES)
    stopped = words.drug(draw)
    topic, dictated, spoken = draw.choice(
        (
            (Topic.STEP, f"{capital(without_article(test))} today.", f"We do {test} today."),
            (Topic.STEP, f"{capital(advice)}.", f"Please {advice}."),
            (Topic.STEP, f"Review in {long}.", f"Come and see me in {long}."),
            (Topic.STEP, f"Refer to {service}.", f"I will refer you to {service}."),
            (Topic.STEP, f"Stop {stopped}.", f"Please stop {stopped}."),
            (Topic.RETURN, f"Return if {danger}.", f"Come back if {danger}."),
            (Topic.RETURN, f"Come back at once if {danger}.", f"Come back at once if {danger}."),
        )
    )
    return Said(topic, dictated, _shown(spoken), dictated)


HISTORIES: Final[tuple[Maker, ...]] = (symptom, absent, absent, history, medicine, allergy, grade)
EXAMINATIONS: Final[tuple[Maker, ...]] = (vitals, vitals, finding, finding)
PLANS: Final[tuple[Maker, ...]] = (treatment, treatment, next_step, next_step)
