"""The number of an author stands before what they typed, and never inside a character."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edge_runtime.cli.typed_text import typed_text
from edge_runtime.text.typed import Typed
from tests.unit.edge_runtime.text.histories import session


@dataclass
class Section:
    """A text of two authors who typed up to, and from, one place."""

    text: str
    at: int

    def authorship(self) -> tuple[Typed, ...]:
        """Two ranges."""
        return Typed(0, self.at, session(0)), Typed(self.at, len(self.text), session(1))


@pytest.mark.parametrize(
    ("text", "at", "shown"),
    [
        ("250 mg", 3, "[1]250[2] mg"),
        ("e\u0301!", 1, "[1]e\u0301[2]!"),
        ("e\u0301", 1, "[1]e\u0301"),
        ("👩\u200d👧 x", 1, "[1]👩\u200d👧[2] x"),
        ("नि है", 1, "[1]नि[2] है"),
        ("a\x1bb", 1, "[1]a[2]<U+001B>b"),
    ],
)
def test_where_the_numbers_stand(text: str, at: int, shown: str) -> None:
    """Marks and joined characters go with what they are part of; what could deceive is shown as its number."""
    found = typed_text(Section(text, at), {session(0): 1, session(1): 2})  # type: ignore[arg-type]
    assert found.plain == shown
