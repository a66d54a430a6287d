"""Names of drugs: which ingredients and classes a text means, in any spelling, and what of it we do not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.drugs.names import CLASSES, classes_of, named
from edge_runtime.clinical.drugs.relations import ANY, CODES, PRODUCTS, RELATIONS
from edge_runtime.clinical.drugs.sources import SOURCES

INGREDIENTS = sorted({name for one in CLASSES.values() for name in one.ingredients()})
NAMES = sorted(
    {(name, other) for one in CLASSES.values() for name, all_ in one.ingredients().items() for other in all_}
)


def test_the_table_has_the_classes_that_people_are_allergic_to():
    """At least the eighteen that were asked for, and some two hundred ingredients, each in a class with a source."""
    assert len(CLASSES) >= 35
    assert len(INGREDIENTS) >= 230
    for one in CLASSES.values():
        assert one.ingredients(), one.key
        assert one.belongs.startswith("ATC "), one.key
        assert one.because.partition(":")[0] in SOURCES, one.key


def test_every_relation_names_what_the_table_has():
    """A relation, a product and a code speak of ingredients and classes of the table, and each has its source."""
    known = {*INGREDIENTS, *CLASSES, *(ANY + key for key in CLASSES)}
    for one in RELATIONS:
        assert one.one | one.other <= known
        assert one.because.partition(":")[0] in SOURCES
    assert {part for parts in (*PRODUCTS.values(), *CODES.values()) for part in parts} <= set(INGREDIENTS)


@pytest.mark.parametrize(("ingredient", "name"), NAMES)
def test_every_name_means_its_ingredient_and_no_other(ingredient, name):
    """No two ingredients fall together, however their names are spelled: in capitals, too, and with a strength."""
    for text in (name, name.upper(), f"{name} 250 mg oral tablet"):
        assert named(text).ingredients == {ingredient}, text


@pytest.mark.parametrize("key", sorted(CLASSES))
def test_every_name_of_a_class_means_the_class(key):
    """Who is allergic to a class may say so by any of its names."""
    for called in CLASSES[key].called:
        assert key in named(called.title()).classes
        assert not named(called).ingredients


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Amoxicilina", {"amoxicillin"}),
        ("amoxicilline", {"amoxicillin"}),
        ("érythromycine", {"erythromycin"}),
        ("Eritromicina", {"erythromycin"}),
        ("Fenitoína", {"phenytoin"}),
        ("sulfaméthoxazole", {"sulfamethoxazole"}),
        ("Sulfametoxazol", {"sulfamethoxazole"}),
        ("cefalexina", {"cefalexin"}),
        ("Cephalexine", {"cefalexin"}),
        ("Ibuprofeno", {"ibuprofen"}),
        ("ibuprofène", {"ibuprofen"}),
        ("Ácido acetilsalicílico", {"acetylsalicylic acid"}),
        ("lidocaína", {"lidocaine"}),
        ("morfina", {"morphine"}),
        ("Co-Amoxiclav 625", {"amoxicillin", "clavulanate"}),
        ("amoxicillin/clavulanate", {"amoxicillin", "clavulanate"}),
        ("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", {"amoxicillin", "clavulanate"}),
        ("trimethoprim-sulfamethoxazole", {"trimethoprim", "sulfamethoxazole"}),
        ("Acetaminophen 325 MG / Hydrocodone Bitartrate 7.5 MG Oral Tablet", {"paracetamol", "hydrocodone"}),
        ("0.4 ML Enoxaparin sodium 100 MG/ML Prefilled Syringe", {"enoxaparin"}),
        ("Penicillin V Potassium 250 MG Oral Tablet", {"phenoxymethylpenicillin"}),
        ("insulin lispro 100 UNT/ML [Humalog]", {"insulin lispro"}),
    ],
)
def test_languages_products_and_strengths(text, ingredients):
    """Spanish, French, Portuguese, products by their parts, and drugs as prescriptions state them."""
    assert (named(text).ingredients, named(text).rest) == (ingredients, False)


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("Warfarin", False),
        ("Penicillamine", False),
        ("Peanut", False),
        ("aspirin81mg", False),
        ("unpenicillin", False),
        ("acetaminophen / caffeine", True),
        ("foobar + amoxicillin", True),
    ],
)
def test_what_the_table_does_not_have_is_said(text, covered):
    """Matching is by whole words; an unknown part of a combination is noticed beside the known one."""
    meant = named(text)
    assert (meant.covered, meant.rest or not meant.covered) == (covered, True)


@given(st.text(max_size=300))
def test_any_text_is_read(text):
    """Any text at all has an answer, the same each time."""
    assert named(text) == named.__wrapped__(text)


def test_an_unknown_ingredient_has_no_class():
    """Asking for what is not there gives nothing."""
    assert classes_of("water") == frozenset()
