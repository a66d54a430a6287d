"""A sheet is read back from a file or from its words, part by part, and what was changed on it is found."""

from __future__ import annotations

from functools import cache

import pytest

from edge_runtime.errors import InputError
from edge_runtime.recovery.seeds import DrillSeed, RecoverySeed
from edge_runtime.recovery.shares import split_drill, split_live
from edge_runtime.recovery.sheets import SHEET_BYTES_MAX, Head, Sheet, read_sheet
from edge_runtime.recovery.words import DrillShare, LiveShare


@cache
def _sheet() -> Sheet:
    live = split_live(RecoverySeed(b"l" * 32), public=b"live", threshold=3, shares=5)[1]
    drill = split_drill(DrillSeed(b"d" * 32), public=b"drill", threshold=3, shares=5)[1]
    head = Head(number=2, shares=5, threshold=3, organisation="3f2a90bc", made_on="2026-11-22")
    return Sheet(head, live, drill)


def _lines() -> list[str]:
    return _sheet().text().splitlines()


def _refused(text: str, kind: type[LiveShare | DrillShare] = LiveShare) -> str:
    with pytest.raises(InputError) as error:
        read_sheet(text, kind)
    return error.value.code


def test_a_sheet_says_what_a_holder_must_know():
    """Which one it is, of how many, whose, of which day, and both kinds of words; it fits on a page."""
    text = _sheet().text()
    for word in ("2 of 5", "3f2a90bc", "2026-11-22", "any 3", "LIVE WORDS", "DRILL WORDS", "Check:"):
        assert word in text
    assert len(text.splitlines()) < 45
    assert max(map(len, text.splitlines())) <= 72
    assert len(text) < SHEET_BYTES_MAX
    assert all(word in text for word in (*_sheet().live.words, *_sheet().drill.words))


def test_a_sheet_is_read_back_by_parts():
    """From its file, in any case and spacing."""
    for text in (_sheet().text(), _sheet().text().upper(), _sheet().text().replace("\n", "\r\n  ")):
        assert read_sheet(text, LiveShare) == _sheet().live
        assert read_sheet(text, DrillShare) == _sheet().drill


def test_the_words_alone_do():
    """As somebody types them, with the check after them or without."""
    words = "\n".join(_sheet().live.words)
    assert read_sheet(words, LiveShare) == _sheet().live
    assert read_sheet(f"{words}\nCheck: 0000-0000", LiveShare) == _sheet().live


def test_a_drill_leaves_the_live_words_unread():
    """Nonsense under their heading is no matter to it."""
    text = _sheet().text().replace(_sheet().live.words[5], "nonsense")
    assert read_sheet(text, DrillShare) == _sheet().drill
    assert _refused(text) == "share_word"


def test_a_sheet_does_not_show_itself():
    """Neither in a log nor in a traceback."""
    assert _sheet().live.words[5] not in repr(_sheet())


def test_a_changed_head_is_found():
    """The check covers what the sheet says of itself."""
    text = _sheet().text()
    for before, after in (
        ("2026-11-22", "2025-11-22"),
        ("3f2a90bc", "3f2a90bd"),
        ("any 3", "any 2"),
        ("SHEET 2 of 5", "SHEET 3 of 5"),
        ("2 of 5", "2 of 6"),
    ):
        assert _refused(text.replace(before, after)) == "sheet_check"


def test_a_changed_word_or_check_is_found():
    """By the words' own checksum, or by the check."""
    text = _sheet().text()
    digits = _sheet().head.check(LiveShare, _sheet().live.words)
    assert _refused(text.replace(digits, "0000-0000")) == "sheet_check"
    swapped = text.replace(_sheet().live.words[8], _sheet().live.words[9], 1)
    assert _refused(swapped) == "share_checksum"


def test_words_of_another_sheet_under_this_head_are_found():
    """Even where somebody made the check anew."""
    other = split_live(RecoverySeed(b"l" * 32), public=b"live", threshold=3, shares=5)[4]
    assert _refused(Sheet(_sheet().head, other, _sheet().drill).text()) == "sheet_head"


def test_a_part_without_its_head_or_check_is_refused():
    """A heading promises a whole sheet."""
    lines = _lines()
    assert _refused("\n".join(line for line in lines if not line.startswith("Made on"))) == "sheet_head"
    assert _refused("\n".join(line for line in lines if not line.startswith("Check"))) == "sheet_head"


def test_a_sheet_without_the_part_that_is_wanted_is_refused():
    """Or with two of them: two sheets in one file."""
    text = _sheet().text()
    assert _refused(text[: text.index("LIVE WORDS")] + text[text.index("DRILL WORDS") :]) == "sheet_part"
    assert _refused(text + text) == "sheet_part"
