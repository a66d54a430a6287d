"""Where drafts and decisions about them stand: with what they were made from, never with an emergency's list."""

from __future__ import annotations

import pytest

from edge_runtime.facts import CausalGraph, Fact, FactId
from edge_runtime.recorder.compartments import sort_out
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.roles import Compartment

IN = {compartment: EntryHash(bytes([compartment]) * 32) for compartment in Compartment}


def graphs() -> dict[Compartment, CausalGraph]:
    """One entry in each compartment's stream."""
    made = {}
    for compartment, entry in IN.items():
        made[compartment] = CausalGraph()
        made[compartment].add(entry, SessionId(bytes(16)), 0, ())
    return made


def place(kind: str, **payload: object) -> Compartment:
    """Where a fact stands."""
    fact = Fact(kind=kind, payload=payload, supersedes=())  # type: ignore[arg-type]  # of any form
    (found,) = sort_out([fact], graphs(), wanted=None)
    return found


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], Compartment.CLINICAL),
        ([Compartment.SAFETY], Compartment.CLINICAL),
        ([Compartment.SAFETY, Compartment.CLINICAL], Compartment.CLINICAL),
        ([Compartment.SAFETY, Compartment.SENSITIVE], Compartment.SENSITIVE),
    ],
)
def test_a_draft_stands_with_what_it_was_made_from(seen: list[Compartment], expected: Compartment):
    """Clinical at least, even of allergies alone; apart where anything was that it was made from."""
    assert place("draft", seen=[IN[one].hex() for one in seen]) is expected


@pytest.mark.parametrize("seen", [None, 7, ["no hash"], ["ab" * 32]])
def test_what_a_draft_cannot_have_seen_moves_it_nowhere(seen: object):
    """Names of nothing, and what is no name, are judged by the form of a draft."""
    assert place("draft", seen=seen) is Compartment.CLINICAL


def test_a_decision_stands_where_its_draft_does():
    """Who may read the one may read the other; of a draft that is not here, with the clinical ones."""
    for compartment in (Compartment.CLINICAL, Compartment.SENSITIVE):
        assert place("draft_decision", draft=str(FactId(IN[compartment], 0))) is compartment
    assert place("draft_decision", draft="none") is Compartment.CLINICAL
    assert place("draft_decision") is Compartment.CLINICAL
