"""The rules behind the check, one by one, where a wrong turn would hide a danger or raise a false alarm."""

from __future__ import annotations

import pytest

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.drugs import mentions
from edge_runtime.ai.checking.page import page
from edge_runtime.ai.checking.polarity import AFFIRMED, DENIED, OPEN, SUPPOSED, polarity


def sign(text, word):
    """What a text says of a word, the last time that it has it."""
    laid = page(text)
    place = max(number for number, one in enumerate(laid.texts) if one == word)
    return polarity(laid).signs[place]


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [
        ("No fever, chills or cough.", "cough", DENIED),
        ("No edema, lungs clear.", "lungs", AFFIRMED),
        ("Denies pain but has nausea.", "nausea", AFFIRMED),
        ("Does not smoke, drinks beer.", "beer", AFFIRMED),
        ("Does not smoke, drink or use drugs.", "drugs", DENIED),
        ("Fever: denied.", "fever", DENIED),
        ("Chest pain is absent.", "pain", DENIED),
        ("Negative for rash.", "rash", DENIED),
        ("negative weakness, negative fatigue", "fatigue", DENIED),
        ("Non-tender abdomen.", "tender", DENIED),
        ("Non-tender abdomen.", "abdomen", AFFIRMED),
        ("No change in weight.", "weight", AFFIRMED),
        ("Not noted to have any fever.", "fever", DENIED),
        ("Denies burning when she urinates.", "urinates", DENIED),
        ("Return if fever occurs.", "fever", SUPPOSED),
        ("Doctor: Any fever?\nPatient: No.", "fever", DENIED),
        ("Doctor: Any fever?\nPatient: Yes.\nDoctor: Good.", "fever", AFFIRMED),
        ("Doctor: Any fever?\nPatient: The weather was hot.", "fever", OPEN),
        ("Doctor: No fever?\nPatient: Yes, some.", "fever", OPEN),
        ("Doctor: Any fever, cough, or rash?\nPatient: Yes.\nDoctor: Hm.", "rash", OPEN),
        ("[doctor] okay have you had any fever\n[patient] um i do n't think so\n[doctor] fine", "fever", DENIED),
        ("[doctor] any fever\n[patient] no\n[doctor] fine", "fever", DENIED),
        ("Doctor: Any fever? Any cough?\nPatient: Nope.", "fever", DENIED),
        ("Any fever?", "fever", OPEN),
        ("Doctor: Any fever? No.\nPatient: Hm.", "fever", DENIED),
    ],
)
def test_the_reach_of_a_denial(text, word, said):
    """A denial reaches over its list, ends where another statement begins, and an answer speaks for its question."""
    assert sign(text, word) == said


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Lasix", "furosemide"),
        ("Tylenol", "paracetamol"),
        ("acetaminophen", "paracetamol"),
        ("Amoxicilina", "amoxicillin"),
        ("sulphamethoxazole", "sulfamethoxazole"),
        ("salbutamol", "albuterol"),
        ("Z-pak", "azithromycin"),
        ("vitamin D3", "vitamin D"),
    ],
)
def test_names_of_one_drug_are_one(name, same):
    """Brands, spellings and languages name the same ingredient."""
    one, two = mentions(page(name)), mentions(page(same))
    assert one[0].keys == two[0].keys


@pytest.mark.parametrize("word", ["cholesterol", "person", "encephalopathy", "April", "season", "the", "listed"])
def test_words_that_look_like_drugs_are_none(word):
    """A stem makes no drug of an ordinary word."""
    assert mentions(page(word)) == []


@pytest.mark.parametrize(
    ("source", "draft", "marked"),
    [
        ("Takes lisinoprel 10 mg.", "Takes lisinopril 10 mg.", []),
        ("Takes prednisone.", "Takes prednisolone.", ["prednisolone"]),
        ("Takes a statin.", "Takes atorvastatin.", ["atorvastatin"]),
        ("Takes atorvastatin.", "Takes a statin.", []),
        ("Takes an antibiotic.", "Takes antibiotics.", []),
        ("Takes a baby aspirin.", "Takes aspirin 81 mg.", []),
        ("20 mg of Lasix each morning.", "Furosemide 20 mg daily.", []),
        ("We have you on Prozac. Let us stay at 20 mg.", "Prozac 20 mg.", []),
        ("Increase lisinopril from 20 to 40 mg.", "Lisinopril 40 mg.", []),
        ("Lisinopril 20.", "Lisinopril 20 mg.", []),
        ("Ibuprofen for 5 days.", "Ibuprofen for 7 days.", ["7 days"]),
        ("Ibuprofen by mouth.", "Ibuprofen PO.", []),
        ("Weight 70 kg.", "Weight 70 lb.", ["70 lb"]),
        ("Glucose 110.", "Glucose 110 mg/dl.", []),
        ("HR 88, RR 18.", "HR 18, RR 88.", ["18", "88"]),
        ("The cast stays for 4 weeks.", "Return to work in 4 weeks.", ["4 weeks"]),
        ("Seen in March 2021.", "Seen 03/2021.", []),
        ("Seen on August twenty seventh two thousand three.", "Seen 08/27/03.", []),
        ("Seen on August twenty seventh two thousand three.", "Seen 08/14/03.", ["08/14/03"]),
        ("Pain from one to ten? I would say seven.", "Pain 7/10.", []),
        ("A couple of weeks.", "2 weeks.", []),
        ("For a week.", "1 week.", []),
        ("Type II diabetes.", "Type 2 diabetes.", []),
        ("Does not have allergies.", "NKDA.", []),
        ("Allergic to latex.", "Denies latex allergy.", ["Denies latex allergy"]),
        ("Peanut allergy.", "Allergic to peanuts.", []),
        ("Takes aspirin.", "Allergic to aspirin.", ["Allergic to aspirin"]),
        ("Bee sting gave hives.", "Allergies: bee stings.", []),
        ("Aspirin: reaction, hives.", "No known allergies.", ["No known allergies"]),
        ("Well.", "Allergies: none.", ["Allergies: none"]),
        ("Well.", "Denies heat intolerance.", ["Denies heat intolerance"]),
        ("Mother has asthma.", "Denies asthma.", []),
        ("No fever. Return for fever.", "Has a fever.", ["Has a fever"]),
        ("Abdomen non-tender.", "Abdomen tender.", ["tender"]),
        ("Coombs test negative.", "Coombs test positive.", ["positive"]),
        ("Is not able to walk.", "Is able to walk.", ["able"]),
        ("Has a cough.", "Reports a cough. Endorses xanthoma.", []),
        ("Has a cough.", "Reports jaundice.", ["Reports jaundice"]),
    ],
)
def test_each_rule(source, draft, marked):
    """What is borne out is left alone, and what is not is marked in its own words."""
    found = [one.text for one in unsupported(source, draft)]
    assert len(found) == len(marked), found
    assert all(words in one or one in words for words, one in zip(marked, found, strict=True)), found


@pytest.mark.campaign
@pytest.mark.parametrize(
    "piece",
    ["1. ", "no ", '"', "one ", "any ?\n", "allergic to ", "a, ", "mg 5 ", "x-", "1/2/", "a.b.", "t 38 "],
)
def test_a_hostile_text_is_only_long(piece):
    """Texts made to repeat what rules look for are checked against themselves without a finding."""
    text = piece * (8_000 // len(piece))
    assert unsupported(text, text + "x") is not None
    assert unsupported(text, text) == ()
