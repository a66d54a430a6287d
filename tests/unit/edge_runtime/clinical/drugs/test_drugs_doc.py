"""docs/codes.md says what the drug table has: every class, relation and source, and its version."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.clinical.drugs.names import CLASSES
from edge_runtime.clinical.drugs.relations import CODES, PRODUCTS, RELATIONS
from edge_runtime.clinical.drugs.sources import SOURCES, VERSION
from edge_runtime.clinical.drugs.table import Degree

DOC = Path(__file__).parents[5] / "docs" / "codes.md"


def section():
    """The part about drugs and allergies."""
    _, _, after = DOC.read_text("utf-8").partition("\n## Drug allergies\n")
    return after.partition("\n## ")[0]


@pytest.mark.parametrize("key", sorted(CLASSES))
def test_each_class_stands_in_the_document(key):
    """Its name, where its members are from, its degree, and what that rests on."""
    one = CLASSES[key]
    assert f"| {one.name} | {one.belongs} | {one.within} | {one.because} |" in section()


def test_relations_sources_and_degrees_stand_in_the_document():
    """Each statement beside the classes, each publication, each degree, and no row more than the table has."""
    text = section()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    assert len(rows) == len(CLASSES) + len(RELATIONS) + len(SOURCES) + len(Degree) + 4
    for one in RELATIONS:
        assert f"| {one.degree} | {one.because} |" in text
    for name, publication in SOURCES.items():
        assert f"| {name} | {publication} |" in text
    for degree in Degree:
        assert f"| `{degree}` |" in text


def test_numbers_stand_in_the_document():
    """Version, classes, ingredients, products and codes are those of the table; and it says who did not review it."""
    text = " ".join(section().split())
    ingredients = {name for one in CLASSES.values() for name in one.ingredients()}
    assert f"{len(CLASSES)} classes with {len(ingredients)} ingredients, version {VERSION}" in text
    assert f"({len(PRODUCTS)} names)" in text
    assert f"({len(CODES)} codes)" in text
    assert "no clinician has reviewed it" in text


def test_the_document_says_how_the_citations_came_about():
    """Whoever relies on a citation has to know that nobody held it against its publication yet."""
    text = " ".join(section().split())
    assert "cited without being opened" in text
    assert "awaits a pharmacist's check" in text
