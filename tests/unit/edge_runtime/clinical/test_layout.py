"""The layout: every kind of the design has a compartment, and every list of words its order."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.layout import SECTION_CHARS, Kind, Priority, Section, Severity, Status, home, may_stand_in
from sync_protocol.roles import KINDS, TEXT, Compartment

SAFETY = {"identity", "allergy", "medication", "diagnosis", "triage", "document", "status", "casualty"}
FOLLOWS = {"source", "draft", "draft_decision", "attachment", "review_decision"}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_the_compartment_of_the_design(kind):
    """Safety holds what an emergency needs, clinical all else; five kinds follow what they concern."""
    expected = Compartment.SAFETY if kind in SAFETY else None if kind in FOLLOWS else Compartment.CLINICAL
    assert home(kind) is expected


@pytest.mark.parametrize(
    ("kind", "compartment", "allowed"),
    [
        ("allergy", Compartment.SAFETY, True),
        ("allergy", Compartment.CLINICAL, False),
        ("allergy", Compartment.SENSITIVE, True),
        ("observation", Compartment.CLINICAL, True),
        ("observation", Compartment.SAFETY, False),
        ("source", Compartment.SAFETY, True),
        ("review_decision", Compartment.CLINICAL, True),
        ("from_a_newer_version", Compartment.CLINICAL, True),
    ],
)
def test_a_fact_stands_in_its_compartment_or_apart(kind, compartment, allowed):
    """An author writes a kind into its own compartment or the sensitive one; what follows others, into any."""
    assert may_stand_in(kind, compartment) is allowed


def test_every_section_has_limits():
    """Each text section says how many characters an author may leave in it."""
    assert set(SECTION_CHARS) == set(Section)
    assert SECTION_CHARS[Section.COMPLAINT] == (1, 1000)
    assert SECTION_CHARS[Section.HISTORY] == (0, 5000)


def test_words_that_rank_are_declared_in_their_order():
    """Status from least to most final, priority and severity from least to most."""
    assert [*Status] == ["pending", "active", "paused", "error", "cancelled", "completed"]
    assert [*Priority] == ["routine", "urgent", "emergency", "critical"]
    assert [*Severity] == ["mild", "moderate", "severe"]


def test_the_table_of_roles_knows_every_kind_and_no_other():
    """Who may state what is said for each kind of the layout, and for text; any other word would be a typing error."""
    assert set(KINDS) == {*map(str, Kind), TEXT}
