"""Two frontiers say what to send and what to ask for, forks included."""

from __future__ import annotations

from sync_protocol.frontier import lacking, unknown
from sync_protocol.ids import EntryHash, SessionId

A, B = SessionId(b"a" * 16), SessionId(b"b" * 16)


def head(name: str) -> EntryHash:
    """A head of its own for each name."""
    return EntryHash(name.encode().ljust(32, b"."))


OURS = {A: (5, head("a5"))}
KNOWN = {head("a5"), head("a3")}.__contains__


def test_a_session_that_they_have_not_is_sent_whole():
    """From number 0 on."""
    assert lacking({}, OURS, knows=KNOWN) == {A: 0}


def test_equal_frontiers_lack_nothing():
    """And there is nothing to ask for."""
    assert lacking(OURS, OURS, knows=KNOWN) == {}
    assert unknown(OURS, knows=KNOWN) == {}


def test_a_chain_that_they_know_in_part_is_sent_from_there_on():
    """Their head is one of ours, so nothing below it is missing."""
    assert lacking({A: (3, head("a3"))}, OURS, knows=KNOWN) == {A: 4}


def test_a_head_that_we_do_not_know_may_be_another_branch():
    """Below, beside or ahead of ours: the whole chain goes, and the whole chain is asked for."""
    for seq in (3, 5, 9):
        theirs = {A: (seq, head("other"))}
        assert lacking(theirs, OURS, knows=KNOWN) == {A: 0}
        assert unknown(theirs, knows=KNOWN) == {A: 0}


def test_a_chain_that_forks_here_is_sent_whole():
    """Equal heads say nothing of the shorter branches."""
    assert lacking(OURS, OURS, knows=KNOWN, forked={A}) == {A: 0}
    assert lacking(OURS, OURS, knows=KNOWN, forked={B}) == {}


def test_a_session_that_only_they_have_is_asked_for():
    """Whole, and nothing is sent of it."""
    theirs = {B: (0, head("b0")), **OURS}
    assert lacking(theirs, OURS, knows=KNOWN) == {}
    assert unknown(theirs, knows=KNOWN) == {B: 0}
