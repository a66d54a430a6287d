"""The words that the made-up encounters are built of, and the drawing of them.

Owns the inventory. All of it was written for this file: there is no patient, no person and no place in it. Drug names
are non-proprietary names; what is said of a drug is drawn at random and is no advice. Some names are built of
syllables, so that the model must copy what it reads instead of saying what it knows.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple

COMPLAINTS: Final = (
    "a cough", "a dry cough", "a productive cough", "a sore throat", "a headache", "chest pain", "low back pain",
    "abdominal pain", "shortness of breath", "palpitations", "dizziness", "a rash", "watery stools", "vomiting",
    "a swollen ankle", "knee pain", "a painful shoulder", "an itchy eye", "ear pain", "burning on passing water",
    "a wound on the foot", "a burn on the hand", "tiredness", "poor sleep", "low mood", "panic attacks", "heartburn",
    "weight loss", "numb toes", "a blocked nose", "wheezing", "fever and chills", "bleeding gums", "leg cramps",
    "an ulcer under the heel", "pain in the calf", "blurred vision", "a stiff neck", "a bee sting", "nausea",
    "swelling of both legs", "a cut on the forearm", "facial droop", "constipation", "back spasms", "joint pain",
)  # fmt: skip
SYMPTOMS: Final = (
    "fever", "chills", "cough", "chest pain", "vomiting", "diarrhoea", "blood in the stool", "night sweats", "a rash",
    "leg swelling", "weight loss", "weakness", "numbness", "neck stiffness", "headache", "palpitations", "dizziness",
    "shortness of breath", "blurred vision", "thoughts of self-harm", "bleeding", "trouble swallowing", "a fall",
    "pain on breathing", "loss of appetite", "black stools", "nosebleeds", "burning on passing water", "confusion",
)  # fmt: skip
HISTORY: Final = (
    "asthma", "high blood pressure", "type 2 diabetes", "COPD", "atrial fibrillation", "heart failure", "migraine",
    "chronic kidney disease stage 3", "epilepsy", "reflux", "depression", "mild dementia", "gout", "eczema",
    "a hip replacement", "a heart attack", "kidney stones", "thyroid disease", "osteoarthritis", "anaemia", "a stroke",
)  # fmt: skip
DRUGS: Final = (
    "paracetamol", "ibuprofen", "amoxicillin", "metformin", "lisinopril", "amlodipine", "atorvastatin", "omeprazole",
    "salbutamol", "prednisolone", "doxycycline", "azithromycin", "warfarin", "apixaban", "bisoprolol", "furosemide",
    "sertraline", "levothyroxine", "tiotropium", "naproxen", "cetirizine", "sumatriptan", "propranolol", "insulin",
    "cefuroxime", "nitrofurantoin", "flucloxacillin", "morphine", "ferrous sulfate", "gabapentin", "codeine",
    "tamsulosin", "clopidogrel", "aspirin", "ramipril", "simvastatin", "diclofenac", "erythromycin", "trimethoprim",
)  # fmt: skip
REACTIONS: Final = (
    "a rash",
    "hives",
    "a swollen tongue",
    "wheezing",
    "vomiting",
    "a swollen face",
    "itching",
    "collapse",
)
ALLERGENS: Final = ("penicillin", "sulfa drugs", "latex", "peanuts", "iodine", "bee stings", "eggs", "shellfish")
UNITS: Final = ("mg", "mg", "mg", "mg", "micrograms", "g", "ml", "units", "puffs", "tablets")
FREQUENCIES: Final = (
    "once daily", "twice daily", "three times a day", "every six hours", "every 8 hours", "once a day", "at night",
    "in the morning", "as needed", "four times daily", "every 4 hours", "weekly", "every 12 hours", "with food",
)  # fmt: skip
FINDINGS: Final = (
    "crackles at the right base", "wheeze in both lungs", "red throat", "tender calf", "soft abdomen", "swollen ankle",
    "clear lungs", "regular heart sounds", "pale skin", "moist mucous membranes", "dry tongue", "red left eardrum",
    "tender right flank", "warm red skin around the wound", "facial weakness on the left", "clean wound edges",
    "tenderness over the lower back", "normal gait", "pus at the wound", "blisters on the palm", "swollen glands",
    "pulses present in both feet", "a bruise on the left arm", "irregular pulse", "normal reflexes",
    "alert and orientated",
)  # fmt: skip
ABSENT: Final = (
    "leg swelling", "neck stiffness", "rash", "guarding", "jaundice", "wheeze", "murmur", "bone tenderness", "pus",
    "focal weakness", "dehydration", "oedema", "tenderness", "stridor", "bruising", "enlarged liver",
)  # fmt: skip
PROBLEMS: Final = (
    "pneumonia", "viral infection", "tonsillitis", "migraine", "gastroenteritis", "ankle sprain", "urinary infection",
    "asthma attack", "heart failure", "atrial fibrillation", "cellulitis", "partial thickness burn", "panic disorder",
    "mechanical low back pain", "type 2 diabetes", "high blood pressure", "depression", "anaphylaxis", "stroke",
    "diabetic foot ulcer", "dehydration", "otitis media", "bronchitis", "COPD exacerbation", "gout", "sciatica",
    "iron deficiency anaemia", "delirium", "acute kidney injury", "suspected fracture", "reflux", "chest infection",
)  # fmt: skip
QUALIFIERS: Final = (
    "",
    "",
    "",
    "probable ",
    "mild ",
    "moderate ",
    "severe ",
    "suspected ",
    "acute ",
    "right-sided ",
    "uncomplicated ",
)
TESTS: Final = (
    "a chest film", "an ECG", "blood cultures", "a urine sample", "kidney function", "a full blood count", "an X-ray",
    "a throat swab", "HbA1c", "an ultrasound scan", "a CT scan of the head", "electrolytes", "liver tests", "an INR",
)  # fmt: skip
ADVICE: Final = (
    "rest and drink plenty", "keep the leg up", "keep the wound dry", "no heavy lifting", "stop smoking",
    "walk each day",
    "keep a headache diary", "check your feet daily", "cool the burn under running water", "avoid alcohol",
    "breathe slowly as we practised", "eat small meals", "sleep with the head raised", "weigh yourself each morning",
)  # fmt: skip
DANGERS: Final = (
    "more breathless", "the fever lasts", "the pain gets worse", "you cannot swallow", "you pass blood", "you faint",
    "the redness spreads", "you cannot drink", "you feel chest pain", "there is new weakness", "the rash spreads",
)  # fmt: skip
SERVICES: Final = (
    "the surgeon",
    "physiotherapy",
    "the heart clinic",
    "the eye clinic",
    "the wound nurse",
    "the stroke unit",
    "the dietitian",
)
WHENS: Final = (
    "today",
    "yesterday",
    "since Monday",
    "last week",
    "this morning",
    "two days ago",
    "on Sunday",
    "last night",
)
PEOPLE: Final = ("man", "woman", "boy", "girl", "farmer", "teacher", "patient", "driver", "person")
SMALL_TALK: Final = (
    ("Good morning, come in.", "Thank you."), ("Sorry for the wait.", "No problem."),
    ("How was the journey?", "The bus was late."),
    ("Terrible weather today.", "It never stops raining."), ("Can you hear me now?", "Yes, the sound is fine."),
    ("Take a seat.", "Thanks."), ("Is that your dog barking?", "Yes, sorry, go on."),
    ("One moment, my phone.", "Of course."),
)  # fmt: skip
_SYLLABLES: Final = (
    "ba",
    "cor",
    "de",
    "fex",
    "lo",
    "mi",
    "na",
    "pra",
    "ri",
    "so",
    "ta",
    "vel",
    "xi",
    "zu",
    "mon",
    "ter",
    "gal",
    "ne",
    "phi",
    "tol",
)
_ENDINGS: Final = ("ol", "in", "ide", "ate", "ine", "pril", "mab", "azole", "statin", "one")


class Dose(NamedTuple):
    """A drug as it is taken."""

    drug: str
    amount: str
    frequency: str

    def __str__(self) -> str:
        return f"{self.drug} {self.amount} {self.frequency}"


def number(draw: random.Random) -> str:
    """A number of one to four digits, sometimes with a decimal."""
    size = draw.choice((1, 1, 2, 2, 2, 3, 3, 4))
    whole = str(draw.randint(10 ** (size - 1), 10**size - 1))
    return f"{whole}.{draw.randint(0, 9)}" if draw.random() < 0.15 else whole  # noqa: PLR2004 a share, used once


def made_up(draw: random.Random) -> str:
    """A word that nobody has seen before."""
    return "".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3))) + draw.choice(_ENDINGS)


def drug(draw: random.Random) -> str:
    """A drug; one in four does not exist."""
    return made_up(draw) if draw.random() < 0.25 else draw.choice(DRUGS)  # noqa: PLR2004 a share, used once


def dose(draw: random.Random) -> Dose:
    """A drug with an amount and how often, all of it drawn."""
    usual = (
        "5",
        "10",
        "20",
        "25",
        "40",
        "50",
        "75",
        "80",
        "100",
        "250",
        "500",
        "875",
        "2.5",
        "1",
        "2",
        "0.5",
        "18",
        "62.5",
    )
    amount = draw.choice(usual) if draw.random() < 0.5 else number(draw)  # noqa: PLR2004 a share, used once
    return Dose(drug(draw), f"{amount} {draw.choice(UNITS)}", draw.choice(FREQUENCIES))


def duration(draw: random.Random) -> str:
    """How long, in digits or in words."""
    many = draw.choice(("2", "3", "4", "5", "6", "7", "10", "12", "14", "two", "three", "four", "five", "seven", "ten"))
    return f"{many} {draw.choice(('days', 'days', 'weeks', 'hours', 'months', 'years'))}"


def capital(text: str) -> str:
    """With its first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def without_article(text: str) -> str:
    """As a note says it: `a cough` is `cough`."""
    for article in ("a ", "an ", "the "):
        if text.startswith(article):
            return text.removeprefix(article)
    return text
