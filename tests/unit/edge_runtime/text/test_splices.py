"""Edits are small, replace whole words and numbers, and never part what belongs together."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.text import splices as module
from edge_runtime.text.splices import SPLICES_MAX, Splice, spliced, splices
from tests.unit.edge_runtime.text.histories import PIECES

words = st.lists(st.sampled_from([*PIECES, "500", "250", ".", ",", "mg", "pain", "\r\n"])).map("".join)


@given(words, words)
def test_makes_the_new_text(old: str, new: str) -> None:
    """The pieces turn the old text into the new one; equal texts need none."""
    changes = splices(old, new)
    assert spliced(old, changes) == new
    assert bool(changes) == (old != new)


@given(words, words)
def test_pieces_are_ascending_and_apart(old: str, new: str) -> None:
    """Pieces are disjoint, in order, and each changes something."""
    end = -1
    for change in splices(old, new):
        assert end < change.start <= change.end <= len(old)
        assert change.text != old[change.start : change.end]
        end = change.end


@given(words, words)
def test_no_piece_parts_a_base_from_its_marks(old: str, new: str) -> None:
    """No piece begins or ends before a combining mark or beside a joiner."""
    for change in splices(old, new):
        for at in (change.start, change.end):
            if 0 < at < len(old) and not old[at - 1].isspace():
                assert not unicodedata.category(old[at]).startswith("M")
                assert "\u200d" not in old[at - 1 : at + 1]


CASES = {
    "a number whole": ("dose 500 mg", "dose 250 mg", [(5, 8, "250")]),
    "a number with its decimals": ("take 2.5 mg", "take 25 mg", [(5, 8, "25")]),
    "a pressure": ("BP 120/80.", "BP 120/85.", [(3, 9, "120/85")]),
    "a thousand": ("1,000 ml", "1,500 ml", [(0, 5, "1,500")]),
    "an insertion": ("pain left", "pain in left", [(5, 5, "in ")]),
    "a deletion": ("no chest pain", "no pain", [(3, 9, "")]),
    "two far places": ("a fever b", "x fever y", [(0, 1, "x"), (8, 9, "y")]),
    "a phrase whole": ("give 500 mg, now", "give 250 ml, now", [(5, 11, "250 ml")]),
    "lines apart": ("a\nb", "x\ny", [(0, 1, "x"), (2, 3, "y")]),
    "an ideograph": ("患者は頭痛", "患者は腹痛", [(3, 4, "腹")]),
    "an accent": ("cafe\u0301 noir", "cafe noir", [(0, 5, "cafe")]),
    "a family": ("ok 👩‍👩‍👧 x", "ok 👩‍👩‍👦 x", [(3, 8, "👩‍👩‍👦")]),
    "from nothing": ("", "pain", [(0, 0, "pain")]),
    "to nothing": ("pain", "", [(0, 4, "")]),
}


@pytest.mark.parametrize(("old", "new", "expected"), CASES.values(), ids=CASES)
def test_granularity(old: str, new: str, expected: list[tuple[int, int, str]]) -> None:
    """Words and numbers are replaced whole; what stands between far changes stays untouched."""
    assert splices(old, new) == tuple(Splice(*piece) for piece in expected)


def test_two_edits_of_one_paragraph_stay_apart() -> None:
    """Changes of different sentences touch no common character, so they merge without loss."""
    old = "The patient denies pain. No fever. Walks alone."
    (left,) = splices(old, old.replace("denies", "reports chest"))
    (right,) = splices(old, old.replace("alone", "with a stick"))
    assert left.end < right.start


def test_a_rewritten_text_has_few_pieces() -> None:
    """Too many pieces become one, so that an edit stays within what one update may hold."""
    old = "\n".join(f"word{number} kept" for number in range(SPLICES_MAX + 1))
    new = re.sub(r"word", "other", old)
    assert len(splices(old.replace("word256", "word255"), new)) <= SPLICES_MAX
    (only,) = splices(f"same {old}", f"same {new}")
    assert (only.start, only.end) == (len("same "), len("same ") + len(old) - len(" kept"))


def test_long_texts_are_compared_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound on changed words, lines are compared; beyond that on lines, the ends alone."""
    old, new = "a b c\nkept\nd e f\n", "x b y\nkept\nu e v\n"
    assert len(splices(old, new)) == 4
    monkeypatch.setattr(module, "CHANGES_MAX", 4)
    assert splices(old, new) == (Splice(0, 5, "x b y"), Splice(11, 16, "u e v"))
    monkeypatch.setattr(module, "CHANGES_MAX", 3)
    assert splices(old, new) == (Splice(0, 16, new[:-1]),)


@settings(max_examples=5)
@given(st.integers(0, 2**32))
def test_long_edits_stay_small(seed: int) -> None:
    """Fifty changed words in a long section do not replace the section."""
    rng = random.Random(seed)
    old = [f"word{rng.randrange(500)}" for _ in range(2500)]
    new = list(old)
    for _ in range(50):
        new[rng.randrange(len(new))] = "changed"
    changes = splices(" ".join(old), " ".join(new))
    assert sum(change.end - change.start for change in changes) < 500
