"""`docs/bridge.md` says what the code does."""

from __future__ import annotations

import pytest

from edge_runtime.clinical.layout import Kind, Section
from tests.unit.mobile_bridge.tables import DOCUMENT, TABLES, block


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_the_codes(name: str) -> None:
    """Each table is the one that the code makes: run `python -m tests.unit.mobile_bridge.tables` after a change."""
    assert block(name) in DOCUMENT.read_text(encoding="utf-8")


def test_it_names_what_hosts_may_say() -> None:
    """Sections and the kinds of fact that this version writes are named."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for word in (*Section, Kind.ALLERGY, Kind.MEDICATION, Kind.STATUS, Kind.OBSERVATION):
        assert f"`{word}`" in text
