"""The words by which rules know a plan, a measurement, a sign and a judgement; `sorting` decides what they mean.

A list is alternatives with `|` between them, on as many lines as it takes; each may hold what a regular expression may,
but no alternatives of its own. All are compared in lower case.
"""

from __future__ import annotations

import re
from typing import Final


def _any_of(words: str, before: str = r"\b(?:", after: str = r")\b") -> re.Pattern[str]:
    return re.compile(before + "|".join(word.strip() for word in words.split("|")) + after)


ORDERS: Final = _any_of(
    r"""start|stop|continue|begin|give|take|apply|use|increase|decrease|reduce|hold|refer|order|repeat|check|recheck
    |arrange|book|review|return|call|ring|come back|follow|rest|elevate|avoid|keep|drink|send|admit|transfer|discharge
    |prescribe|measure|feed|monitor|schedule|obtain|plan""",
    before=r"^(?:and |then |please |so |for the \w+,? )?(?:",
)
"""At the beginning of a sentence: an order."""

PLANS: Final = _any_of(
    r"""i'll|we'll|i will|we will|i am going|i'm going|we are going|we're going|gonna|let's|let us|i'd add|i would add
    |i'd like|i would like|i'd start|i would start|i'd recommend|i would recommend|i suggest|i want you to|you should
    |plan is|planned|plan:|follow[- ]?up|come back|returns? if|returns? in|returns? to|review in|review on|review at
    |recommend\w*|prescri\w+|referred|referral|we talk again|see you in|see you again|see you next"""
)
"""Anywhere in a sentence: what is meant to be done."""

DOSED: Final = re.compile(
    r"\d\s?(?:mg|mcg|g|ml|units?|micrograms?|milligrams?|puffs?|drops?|tablets?)\b.{0,80}?\b(?:once|twice|times|daily|every"
    r"|hourly|bid|tid|qid|at night|a day|per day)\b"
)
"""A dose with how often: a prescription, unless it is taken already."""

TAKEN: Final = _any_of(r"takes?|taking|took|on|was|were|had|has|uses?|using|given|allerg\w+")

TOLD: Final = _any_of(
    r"""allergic to|allergies|denies|denied|reports|reported|complains|complaining|tells me|takes|history of
    |gave him|gave her|gives him|gives her|smokes|never smoked|at home"""
)
"""What the patient or a record says, told by a clinician."""

VITALS: Final = _any_of(
    r"""temp(?:erature)?|pulse|heart rate|hr|bp|pressure|respirat\w+|rr|spo2|sats?|saturations?|oxygen|weight|height
    |bmi|glucose|sugar|hba1c|gcs|peak flow|fundal height|capillary refill|bilirubin|hemoglobin|haemoglobin|creatinine
    |potassium|inr""",
    after=r")\b[^.?!]{0,40}?\d",
)
"""With a figure close behind: a measurement."""

SIGNS: Final = _any_of(
    r"""on exam\w*|examination|auscultation|palpation|tender(?:ness)?|crackles|crackling|wheez\w+|rales|murmurs?|bruise
    |erythema|o?edema|reflex(?:es)?|pupils?|tonsils?|ear ?drums?|x-?rays?|ecg|ekg|ultrasound|scan|dipstick|urinalysis
    |lungs?|abdomen|fontanelle|sclerae|skin|wound|pulses|alert|oriented|air entry|sounds?|swelling of|looks"""
)

JUDGED: Final = _any_of(
    r"""likely|probabl[ey]|consistent with|suggests|suggestive|impression|diagnos[ie]s|assessment|suspect(?:ed)?
    |suspicion|this is|this looks like|this sounds like|i think this|i think it|i think you|i think that
    |in keeping with|differential|rule out|ruled out|concern(?:ed|ing)? for|concern(?:ed|ing)? about
    |concern(?:ed|ing)? that|grade \d|stage \d|well controlled|poorly controlled|not controlled"""
)
