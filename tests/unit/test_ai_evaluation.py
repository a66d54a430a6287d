"""The evaluation of drafts: it reads its sets strictly, counts what it says it counts, and reports no content."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from rouge import Rouge as OtherRouge

from benchmarks.ai.clinical_facts import allergy_errors, facts_of, medication_errors, negation_errors
from benchmarks.ai.encounters import SECTIONS, Encounter, EncounterError, Fact, own, public
from benchmarks.ai.quantities import frequency, numbers, unit
from benchmarks.ai.recall import holds
from benchmarks.ai.rouge_scores import rouge
from benchmarks.ai.run import spread
from benchmarks.ai.statements import statements


def said(text: str) -> list[str]:
    """The statements of a text."""
    return [text[start:end] for start, end in statements(text)]


def fact(kind: str, words: str) -> Fact:
    """A fact without a place."""
    return Fact(kind, words, 0, 1)


# --------------------------------------------------------------------------------------------------------- encounters


def test_the_repository_set_is_whole():
    """At least 24 encounters with every section, 400 to 1,600 characters, every kind of fact, and hostile ones."""
    found = own()
    assert len(found) >= 24
    assert {"telemedicine", "disaster", "paediatrics", "maternity", "mental health", "wound care"} <= {
        one.setting for one in found
    }
    assert {"chronic disease", "hand-over", "emergency", "primary care"} <= {one.setting for one in found}
    assert sum(bool(one.hostile) for one in found) >= 5
    for one in found:
        assert 400 <= len(one.source) <= 1600, one.name
        assert tuple(one.note) == SECTIONS
        assert all(one.note.values()), one.name
        assert len(one.facts) >= 8, one.name
    assert any(not one.source.isascii() for one in found)
    kinds = Counter(fact.kind for one in found for fact in one.facts)
    assert {"number", "finding", "problem", "history", "plan", "medication", "allergy", "negation"} == set(kinds)


def test_reference_notes_hold_their_own_facts():
    """The facts of the set and the rule that looks for them fit: nine of ten are found in the reference itself."""
    pairs = [(one, fact) for one in own() for fact in one.facts]
    assert sum(holds(one.reference, fact) for one, fact in pairs) / len(pairs) > 0.95


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "other"}, "name of the file"),
        ({"note": {"subjective": "x"}}, "objective"),
        ({"facts": [{"kind": "plan", "words": "x", "source": [0, 10_000]}]}, "spans within"),
        ({"facts": [{"kind": "plan", "words": "x", "source": [3]}]}, "source"),
        ({"source": None}, "spoils"),
    ],
)
def test_a_spoilt_encounter_is_refused(tmp_path, change, reason):
    """A file that contradicts itself is refused by name, without its words."""
    raw = json.loads((Path("benchmarks/ai/dialogues") / "chest_infection.json").read_text(encoding="utf-8"))
    (tmp_path / "chest_infection.json").write_text(json.dumps(raw | change), encoding="utf-8")
    with pytest.raises(EncounterError, match=reason) as caught:
        own(tmp_path)
    assert "tiotropium" not in str(caught.value)


def test_public_sets_are_read_by_row_and_named_by_file(tmp_path):
    """Rows of both sets are found, empty ones left out, line ends made one, names say file and row."""
    for folder, heading, row in (
        ("aci-bench", "encounter_id,dialogue,note", 'D1,"[doctor] hi\r\n[patient] ça va","PLAN\r\nRest."'),
        ("mts-dialog", "ID,section_header,section_text,dialogue", '7,PLAN,Rest.,"Doctor: Rest."\n8,PLAN,,x'),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.csv").write_text(f"{heading}\n{row}\n", encoding="utf-8", newline="")
    found = public(tmp_path)
    assert [one.name for one in found] == ["aci-bench/one#D1", "mts-dialog/one#7"]
    assert found[0].reference == "PLAN\nRest."
    with pytest.raises(EncounterError, match="has neither"):
        public(tmp_path / "aci-bench")


def test_a_sample_is_spread_over_a_set():
    """A limit takes from the whole set, not its beginning; a larger limit takes all."""
    every = tuple(Encounter(name=str(n), source="x", note={}) for n in range(10))
    assert [one.name for one in spread(every, 3)] == ["0", "3", "6"]
    assert spread(every, 99) == every
    assert spread(every, None) == every


# -------------------------------------------------------------------------------------------------------------- words


def test_statements_are_sentences_and_items():
    """A decimal, an abbreviation and a list's number end no sentence; a denial does; each item is its own."""
    text = "Temp 38.4 °C. Seen by Dr. Smith b.i.d. today. Fever? No.\n- Cough; no blood.\n2) Rest.\n\n--"
    assert said(text) == [
        "Temp 38.4 °C.", "Seen by Dr. Smith b.i.d. today.", "Fever?", "No.", "Cough;", "no blood.",
        "Rest.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("sixty-eight", "68"), ("one twenty eight", "128"), ("one hundred and five", "105"),
        ("nineteen eighty-four", "1984"), ("two thousand and five", "2005"), ("38,4", "38.4"), ("1,200 ml", "1200"),
        ("twice", "2"), ("seven point two", "7.2"),
        ("thirty-eight point four", "38.4"), ("two and a half", "2.5"),
        ("third", "3"),
    ],
)  # fmt: skip
def test_spelled_numbers_are_numbers(words, value):
    """However a number is said, the source holds it."""
    assert Decimal(value).normalize() in numbers(f"about {words} of them")


def test_units_and_frequencies_have_one_name():
    """Ways to say a unit or a frequency come to the same."""
    assert unit("mcg") == unit("µg") == unit("Micrograms") == "microgram"
    assert frequency("BID") == frequency("two times a day") == "twice daily"
    assert unit("stone") == frequency("sometimes") == ""


# ------------------------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("kind", "words", "draft", "held"),
    [
        ("medication", "metformin 500 mg", "Takes Glucophage 500 milligrams BID.", True),
        ("medication", "metformin 500 mg", "Takes metformin 850 mg.", False),
        ("number", "blood pressure 128/74", "BP 128 over 74.", True),
        ("number", "temperature 38.4", "Temperature 38.40 °C", True),
        ("negation", "chest pain", "Denies fever and chest pain.", True),
        ("negation", "chest pain", "Reports chest pain.", False),
        ("allergy", "penicillin", "Penicillin gave him hives.", True),
        ("allergy", "penicillin", "Takes penicillin.", False),
        ("plan", "chest film 48 hours", "Chest film. If no better in 48 hours.", True),
        ("problem", "pneumonia", "Bronchitis.", False),
    ],
)
def test_a_fact_is_held_however_it_is_worded(kind, words, draft, held):
    """Numbers and drugs must be there, words mostly; a denial or an allergy must be said as one."""
    assert holds(draft, fact(kind, words)) is held


def test_facts_are_found_where_nobody_wrote_them_down():
    """Numbers, drugs with doses, findings, denials and allergies of a note, each once, at their place."""
    note = "Denies fever. Has cough. Takes warfarin 3 mg daily. Allergic to latex. Pulse 88. Pulse 88."
    found = facts_of(note)
    assert Counter(one.kind for one in found) == {
        "negation": 1, "finding": 1, "medication": 1, "allergy": 1, "number": 1,
    }  # fmt: skip
    assert {one.words for one in found} == {"fever", "cough", "warfarin 3 mg", "latex", "Pulse 88"}
    assert all(note[one.start : one.end] == one.words for one in found if one.kind != "allergy")


def test_medication_errors_are_drugs_and_doses_that_nobody_said():
    """Another name or spelling of what was said is no error; a new drug and a new dose are one each."""
    evidence = "Takes warfarin 3 mg and metformin 1 g."
    assert medication_errors("Coumadin 3 milligrams, metformin 1000 mg.", evidence) == 0
    assert medication_errors("Warfarin 5 mg, metformin, codeine 30 mg.", evidence) == 2
    assert medication_errors("Warfarin.", evidence) == 0


def test_allergy_errors_are_new_substances_and_denials():
    """An allergy that nobody named, and no allergies where one was named."""
    assert allergy_errors("Allergic to latex.", "Allergic to latex.") == 0
    assert allergy_errors("Allergic to latex.", "Allergic to penicillin.") == 1
    assert allergy_errors("NKDA.", "Allergic to penicillin.") == 1
    assert allergy_errors("NKDA.", "No known allergies.") == 0


def test_negation_errors_are_findings_turned_round():
    """A finding that the reference only denies and the draft only states, or the other way round."""
    assert negation_errors("Reports fever. No cough.", "Denies fever. Has cough.") == 2
    assert negation_errors("Fever. Denies cough.", "Fever. No cough.") == 0
    assert negation_errors("Fever.", "No fever today. Fever of 39 last week.") == 0
    assert negation_errors("Any fever? No.", "Denies fever.") == 0, "a question states nothing"


def test_rouge_is_what_the_paper_says():
    """The paper's own example; nothing shared is 0, the same text 1; an empty draft shares nothing."""
    reference = "police killed the gunman"
    assert rouge("police kill the gunman", reference).longest == pytest.approx(0.75)
    assert rouge("the gunman kill police", reference).longest == pytest.approx(0.5)
    assert rouge(reference, reference).two == 1.0
    assert rouge("", reference).one == rouge("x", reference).longest == 0.0
    assert rouge("a a a", "a").one == pytest.approx(0.5), "a word counts as often as both have it"


def test_rouge_agrees_with_another_implementation_where_no_word_comes_twice():
    """The package `rouge` counts each word once: on texts without a repetition it must agree."""
    draft, reference = "fever since two days with a dry cough", "dry cough and fever for two days"
    theirs = OtherRouge().get_scores(draft, reference)[0]
    ours = rouge(draft, reference)
    assert (ours.one, ours.two, ours.longest) == pytest.approx(
        (theirs["rouge-1"]["f"], theirs["rouge-2"]["f"], theirs["rouge-l"]["f"]), abs=1e-6
    )
