"""What is made of a whole encounter: its note, a hand-over, instructions for the patient, remarks, questions."""

from __future__ import annotations

import random
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.maker import words
from edge_runtime.ai.maker.encounters import Encounter, encounter, headed
from edge_runtime.ai.maker.sample import Sample
from edge_runtime.ai.maker.statement import Said, Topic
from edge_runtime.ai.skills.wording import NOT_DOCUMENTED
from edge_runtime.clinical.fact_json import Json

_REMARKS_MAX: Final = 4
_TALKS: Final = 0.3
"""The share of talks among what notes are made of; most of what is drafted was dictated."""
_IDEAS: Final = MappingProxyType(
    {
        "cough": ("pneumonia", "asthma attack", "bronchitis", "heart failure"),
        "throat": ("tonsillitis", "viral infection"),
        "headache": ("migraine", "tension headache", "raised blood pressure"),
        "chest": ("acute coronary syndrome", "reflux", "pulmonary embolism", "panic attack"),
        "back": ("mechanical back pain", "kidney infection", "sciatica"),
        "abdominal": ("appendicitis", "gastroenteritis", "kidney stone"),
        "breath": ("heart failure", "asthma attack", "pulmonary embolism"),
        "palpitations": ("atrial fibrillation", "panic attack", "overactive thyroid"),
        "dizziness": ("dehydration", "an effect of a medicine", "inner ear disease"),
        "rash": ("allergic reaction", "viral infection", "eczema"),
        "stools": ("gastroenteritis", "cholera", "an effect of a medicine"),
        "vomiting": ("gastroenteritis", "migraine", "pregnancy"),
        "ankle": ("sprain", "fracture", "deep vein thrombosis"),
        "water": ("urinary infection", "kidney stone"),
        "wound": ("cellulitis", "a foreign body", "poor blood supply"),
        "calf": ("deep vein thrombosis", "muscle strain"),
        "mood": ("depression", "thyroid disease", "anaemia"),
        "tiredness": ("anaemia", "thyroid disease", "depression"),
        "facial": ("stroke", "facial nerve palsy"),
        "fever": ("malaria", "sepsis", "viral infection"),
    }
)
_ELSE: Final = ("infection", "an effect of a medicine", "injury", "anaemia", "thyroid disease")


def soap(draw: random.Random) -> Sample:
    """A note of what was said."""
    one = encounter(draw, longest=draw.choice((3, 5, 5, 8, 8, 12, 18)), talks=_TALKS)
    return Sample("soap", f"soap\n{one.source}", dict(one.sections()))


def handover(draw: random.Random) -> Sample:
    """A hand-over by SBAR."""
    one = encounter(draw, longest=draw.choice((5, 8, 12)))
    answer: dict[str, Json] = {
        "situation": one.of(Topic.COMPLAINT, Topic.STORY),
        "background": one.of(Topic.BACKGROUND),
        "assessment": one.of(Topic.MEASURE, Topic.OPINION),
        "recommendation": one.of(Topic.TREATMENT, Topic.STEP, Topic.RETURN),
    }
    return Sample("handover", f"handover\n{_shown(draw, one)}", answer)


def instructions(draw: random.Random) -> Sample:
    """What the patient takes home."""
    one = encounter(draw, longest=draw.choice((5, 8, 12)))
    opinion = one.of(Topic.OPINION)
    medicines = [_plain(text, "Take") for text in _texts(one, Topic.TREATMENT)]
    answer: dict[str, Json] = {
        "what_you_have": opinion if opinion == NOT_DOCUMENTED else _plain(opinion, "You have"),
        "what_to_do": one.of(Topic.STEP),
        "medicines": " ".join(medicines) or NOT_DOCUMENTED,
        "come_back_if": one.of(Topic.RETURN).replace("Return if", "Come back if"),
    }
    return Sample("instructions", f"instructions\n{_shown(draw, one)}", answer)


def documentation(draw: random.Random) -> Sample:
    """What a note lacks, and what to add."""
    one = encounter(draw, longest=draw.choice((4, 8)))
    topics = {said.topic for said in one.statements}
    source = _shown(draw, one)
    remarks: list[Json] = []
    lacking: list[str] = []
    for there, name, text in (
        ("llerg" in source, "allergies", "Allergies are not documented."),
        (Topic.MEASURE in topics, "examination", "No examination is documented."),
        (Topic.OPINION in topics, "assessment", "There is no assessment."),
        (bool(topics & {Topic.TREATMENT, Topic.STEP}), "plan", "There is no plan."),
        (Topic.RETURN in topics, "when to return", "It is not said when to come back."),
    ):
        if not there:
            remarks.append({"kind": "missing", "text": text})
            lacking.append(name)
    if draw.random() < 0.4:  # noqa: PLR2004 a share, used once
        drug, amount = words.drug(draw), words.number(draw)
        source += f" Takes {drug} {amount} daily."
        remarks.append({"kind": "unit", "text": f"{words.capital(drug)} {amount} has no unit."})
    completion = f"To be added: {', '.join(lacking)}." if lacking else "Nothing to add."
    answer: dict[str, Json] = {"remarks": remarks[:_REMARKS_MAX], "completion": completion}
    return Sample("documentation", f"documentation\n{source}", answer)


def differential(draw: random.Random) -> Sample:
    """What else to think of, each with the words that led to it."""
    one = encounter(draw, longest=draw.choice((4, 8)))
    source = _shown(draw, one)
    because = _texts(one, Topic.COMPLAINT) + _texts(one, Topic.STORY, Topic.MEASURE)
    ideas = next((ideas for key, ideas in _IDEAS.items() if key in because[0].lower()), _ELSE)
    chosen = draw.sample(ideas, k=min(len(ideas), draw.randint(1, 3)))
    asked = [symptom for symptom in draw.sample(words.SYMPTOMS, 8) if symptom not in source][:2]
    consider: list[Json] = [
        {"condition": words.capital(idea), "because": because[min(at, len(because) - 1)]}
        for at, idea in enumerate(chosen)
    ]
    questions: list[Json] = [f"Any {words.without_article(symptom)}?" for symptom in asked]
    return Sample("differential", f"differential\n{source}", {"consider": consider, "ask": questions})


def _texts(one: Encounter, *topics: Topic) -> list[str]:
    return [_written(one, said) for said in one.statements if said.topic in topics]


def _written(one: Encounter, said: Said) -> str:
    return said.written(spoken=one.spoken)


def _shown(draw: random.Random, one: Encounter) -> str:
    return headed(one) if draw.random() < 0.6 else one.source  # noqa: PLR2004 notes more often than talks


def _plain(text: str, begin: str) -> str:
    return f"{begin} {text[:1].lower()}{text[1:]}"
