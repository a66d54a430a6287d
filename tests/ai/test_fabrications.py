"""The generator of planted fabrications: what it plants is false, what it leaves is true, and it knows no check."""

from __future__ import annotations

import ast
import random
import re
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.ai import plant_allergies, plant_medicines, plant_negations, plant_numbers
from benchmarks.ai.encounters import Encounter, own
from benchmarks.ai.fabrications import WAYS, TooFewPlacesError, pairs
from benchmarks.ai.lexicon import drug_pattern, mentions_drug
from benchmarks.ai.planting import KINDS, Page, apply
from benchmarks.ai.quantities import numbers
from benchmarks.ai.rewording import reworded
from benchmarks.ai.statements import overlaps

ROOT = Path(__file__).resolve().parents[2]
JUDGED = "edge_runtime.ai.checking"
NOTE = (
    "Seventy-year-old man with cough for five days. Takes warfarin 3 mg in the evening, metformin 500 mg twice daily. "
    "Allergic to penicillin (hives). Denies fever, chills and nausea. Has wheezing. Abdomen not tender.\n"
    "Temperature 38.4, pulse 102, blood pressure 128/74."
)


def page(text: str = NOTE, source: str = NOTE) -> Page:
    """A note as its own source."""
    return Page(text, source)


def planted(planter, text: str = NOTE, seeds: int = 40) -> list[tuple[str, str]]:
    """What a planter makes of a note: the draft and the fabricated words, for many seeds."""
    found = []
    for seed in range(seeds):
        change = planter(page(text, text), random.Random(seed))
        if change is not None:
            draft, (plant,) = apply(text, [change])
            found.append((draft, draft[plant.start : plant.end]))
    return found


def imports(module: str) -> set[str]:
    """Every module that one of ours imports, itself or by another of ours, at its top or anywhere else in it."""
    seen: set[str] = set()
    left = [module]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        path = ROOT / (name.replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                left += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                left += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return seen


# ----------------------------------------------------------------------------------------------------- independence


def test_the_generator_knows_nothing_of_the_check():
    """Neither the generator nor anything that it imports, at any depth, is of the product: least of all the check."""
    found = imports("benchmarks.ai.fabrications")
    assert {"benchmarks.ai.plant_numbers", "benchmarks.ai.lexicon", "benchmarks.ai.rewording"} <= found
    assert [name for name in found if name.startswith(("edge_runtime", "sync_protocol", "server"))] == []


def test_the_walk_over_imports_sees_the_check_where_it_is_used():
    """The rule above can fail: the command that measures the check is seen to import it."""
    assert JUDGED + ".check" in imports("benchmarks.ai.__main__")


# ------------------------------------------------------------------------------------------------------------ plants


@pytest.mark.parametrize("against", ["note", "dialogue"])
def test_every_kind_gets_its_share_and_every_place_is_right(against):
    """Two hundred plants are forty of each kind; each has words of its own, and no true statement touches one."""
    found = pairs(own(), plants=200, seed=3, against=against)
    assert Counter(plant.kind for pair in found for plant in pair.plants) == dict.fromkeys(KINDS, 40)
    for pair in found:
        assert pair.source in {text for one in own() for text in (one.reference, one.source)}
        for plant in pair.plants:
            assert 0 <= plant.start < plant.end <= len(pair.draft)
            assert pair.draft[plant.start : plant.end].strip()
            assert not any(overlaps(true, (plant.start, plant.end)) for true in pair.true)
        places = sorted((plant.start, plant.end) for plant in pair.plants)
        assert all(one[1] <= two[0] for one, two in pairwise(places))


def test_every_planter_is_used():
    """Over the repository's notes no way to fabricate is dead code."""
    found = pairs(own(), plants=300, seed=1, against="note")
    ways = {(plant.kind, plant.way) for pair in found for plant in pair.plants}
    assert len(ways) == sum(len(set(row)) for row in WAYS.values()) - 1, "a drug is added in two ways of one name"


def test_a_seed_says_everything():
    """The same seed makes the same drafts, another seed others."""
    one, same, other = (pairs(own(), plants=20, seed=seed, against="note") for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_notes_without_a_place_are_refused():
    """Where the notes offer too few places, that is said, and nothing is planted twice to fill up."""
    bare = Encounter(name="bare", source="Well.", note={"note": "Well."})
    with pytest.raises(TooFewPlacesError, match="found none"):
        pairs([bare], plants=50, seed=1, against="note")


def test_a_new_number_is_nowhere_in_the_source():
    """A changed or added number cannot be true by chance: the source does not hold it, in digits or in words."""
    for planter in (plant_numbers.changed, plant_numbers.worded, plant_numbers.new):
        made = planted(planter)
        assert made
        for _, words in made:
            assert numbers(words) - numbers(NOTE), words


def test_a_moved_number_stands_in_the_source_for_something_else():
    """The hard case: the number is there, but not of this."""
    made = planted(plant_numbers.moved)
    assert made
    for draft, words in made:
        assert numbers(words) <= numbers(NOTE)
        assert draft != NOTE


def test_numbers_of_dates_lists_and_doses_stay():
    """A date, a list's own number and a dose are not taken for a measurement."""
    text = "1. Seen on 07/29/2008.\n2. Warfarin 3 mg in 1998. 3. Stable."
    assert planted(plant_numbers.changed, text) == []


def test_a_planted_drug_is_no_other_name_of_one_that_is_there():
    """A swapped or added drug is named in the source by no name: Tylenol is no fabrication beside paracetamol."""
    for planter in (plant_medicines.swapped, plant_medicines.added_alone, plant_medicines.added_dosed):
        made = planted(planter)
        assert made
        for _, words in made:
            drug = drug_pattern().search(words)
            assert drug is not None
            assert not mentions_drug(NOTE, drug[0])


def test_a_changed_dose_is_not_the_dose():
    """Amount, unit and owner of a dose become false; a gram is not planted as its thousand milligrams."""
    assert {words for _, words in planted(plant_medicines.crossed)} == {"500 mg", "3 mg"}
    for _, words in planted(plant_medicines.amount):
        assert re.match(r"[\d.]+ mg$", words)
        assert not numbers(words) & numbers(NOTE)
    assert {words.split()[1] for _, words in planted(plant_medicines.wrong_unit)} <= {"g", "micrograms", "ml"}


def test_a_dose_is_added_only_where_none_was_said():
    """A drug with a dose is not given a second one."""
    text = "Takes salbutamol as needed and warfarin 3 mg daily."
    made = planted(plant_medicines.invented, text)
    assert made
    assert all(re.search(r"salbutamol [\d.]+ mg as needed", draft) for draft, _ in made)
    assert planted(plant_medicines.invented, "Takes warfarin 3 mg daily.") == []


def test_once_a_day_is_not_contradicted_by_at_night():
    """A changed frequency must exclude what was said: "at night" is also once a day."""
    made = planted(plant_medicines.often, "Takes simvastatin 20 mg at night.", seeds=200)
    assert made
    assert not {words for _, words in made} & {"once daily", "once a day", "QD", "in the morning", "every morning"}


def test_allergies_are_denied_only_against_the_source():
    """A denial of drug allergies replaces a drug's allergy; beside cats only a denial of all is false."""
    assert {words for _, words in planted(plant_allergies.denied, "Allergic to penicillin (hives).")} >= {"NKDA."}
    cats = {words for _, words in planted(plant_allergies.denied, "Allergic to cats.")}
    assert cats
    assert not any("drug" in words or "NKDA" in words for words in cats)
    assert planted(plant_allergies.denied_unasked) == []
    assert planted(plant_allergies.denied_unasked, "Cough for two days.")


def test_a_turned_denial_is_denied_everywhere_in_the_source():
    """A finding that the source states elsewhere is not planted as stated: it would be true."""
    assert {words.lower().split()[-1] for _, words in planted(plant_negations.stated)} <= {"fever", "chills", "nausea"}
    assert planted(plant_negations.stated, "No fever today. Fever of 39 last week.") == []


def test_a_stated_finding_is_denied_and_a_word_turned():
    """A stated finding becomes its denial, and "not tender" becomes "tender"."""
    assert any(
        re.search(r"(?:denies|no) wheezing", draft, re.IGNORECASE) for draft, _ in planted(plant_negations.negated)
    )
    assert any("Abdomen tender" in draft for draft, _ in planted(plant_negations.turned))


def test_an_unasked_denial_names_what_nobody_spoke_of():
    """A denial is planted of a finding that the source does not have at all."""
    for _, words in planted(plant_negations.unasked):
        finding = re.sub(r"^(?:Denies|No|The patient denies any|Negative for) ", "", words).rstrip(".")
        assert finding.lower() not in NOTE.lower()


# --------------------------------------------------------------------------------------------------------- rewording


def test_rewording_keeps_every_number():
    """However a note is reworded, its numbers are the same, but for grams as milligrams and numbers as words."""
    grams = {Decimal(value) for value in (1, 1000, 2, 2000)}
    for encounter in own():
        for seed in range(5):
            other = reworded(encounter.reference, random.Random(seed), share=1.0)
            assert numbers(other) - grams <= numbers(encounter.reference) | {Decimal(n) for n in (1, 2, 3, 4)}
            assert other != encounter.reference


def test_rewording_keeps_every_drug():
    """A drug keeps its name or gets another name of the same drug."""
    for encounter in own():
        other = reworded(encounter.reference, random.Random(1), share=1.0)
        for match in drug_pattern().finditer(encounter.reference):
            assert mentions_drug(other, match[0])


def test_rewording_never_makes_a_milligram_of_a_microgram():
    """A statement with a micro sign is not put in capitals: the capital is a Greek letter and means another unit."""
    for seed in range(60):
        assert "M" not in reworded("Levothyroxine 75 µg daily.", random.Random(seed), share=1.0).replace("MICRO", "")
