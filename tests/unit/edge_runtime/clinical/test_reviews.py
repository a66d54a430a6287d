"""Reviews: one conflict, one review, one id; a decision closes it for exactly what it decided."""

from __future__ import annotations

import hashlib

import pytest

from edge_runtime.clinical.document import derive
from edge_runtime.clinical.reviews import ReviewKind, review_id
from tests.unit.edge_runtime.clinical.worlds import CHART, World, fact, review_facts, since


def conflict():
    """Two devices that set different statuses, and the review of it."""
    world, left, right, first = since(fact("status", to="active"))
    left.write(fact("status", first, to="completed"))
    right.write(fact("status", first, to="cancelled"))
    (review,) = world.state().reviews
    return world, left, right, review


def decision(review, verdict="keep completed", *supersedes, heads=None):
    """A decision about a review."""
    named = [str(value.fact) for value in review.values] if heads is None else heads
    return fact(
        "review_decision", *supersedes, conflict=str(review.id), heads=named, decision=verdict, reason="asked the ward"
    )


def test_an_id_is_the_labelled_hash_of_document_kind_and_subject():
    """SHA-256 over the protocol's label, the document's 16 bytes, the kind, a zero byte and the subject."""
    expected = hashlib.sha256(b"fieldward/1/review\0" + CHART + b"status" + b"\0" + b"status").hexdigest()
    assert str(review_id(CHART, ReviewKind.STATUS, "status")) == expected
    assert str(conflict()[3].id) == expected


def test_ids_differ_by_kind_and_subject():
    """Two conflicts of one document never share an id."""
    pairs = [(kind, subject) for kind in ReviewKind for subject in ("status", "text:latex", "")]
    assert len({review_id(CHART, *pair) for pair in pairs}) == len(pairs)


def test_values_carry_author_time_and_base():
    """A reviewer sees who wrote what, when, in which role, and upon what."""
    _, left, right, review = conflict()
    assert {value.author for value in review.values} == {left.author, right.author}
    assert {value.display for value in review.values} == {"completed", "cancelled"}
    assert [value.lamport for value in review.values] == [2, 2]
    assert [value.fact for value in review.values] == sorted(value.fact for value in review.values)


def test_the_same_review_on_every_device():
    """Whoever receives the same facts, in whatever order, has the same review with the same id."""
    world, left, right, review = conflict()
    left.read(right)
    right.read(left)
    assert left.state().reviews == right.state().reviews == world.state(seed=7).reviews == (review,)


def test_a_decision_closes_the_review_and_stays_visible():
    """The review remains, closed, with its decision; the status is disputed no more."""
    world, left, _, review = conflict()
    world.sync()
    decided = left.write(decision(review))
    (closed,) = world.state().reviews
    assert (closed.open, closed.decisions) == (False, (decided.id,))
    assert closed.id == review.id
    assert not world.state().status.disputed


def test_a_new_statement_reopens_it():
    """A decision closes exactly what it decided: a third statement that it did not see opens the review again."""
    world, left, right, review = conflict()
    decided = left.write(decision(review))
    right.read(left)
    latecomer = world.writer()
    latecomer.seen = {key: entry for key, entry in world.entries.items() if entry.seq == 0}
    first = next(iter(world.entries.values())).facts[0]
    late = latecomer.write(fact("status", first, to="paused"))
    (again,) = world.state().reviews
    assert again.id == review.id
    assert again.open
    assert again.decisions == ()
    assert late.id in review_facts(again)
    assert decided in world.state().decisions


@pytest.mark.parametrize("heads", [[], ["first"], ["first", "second", "other"]])
def test_a_decision_about_other_statements_closes_nothing(heads):
    """Fewer, more or other statements than those in conflict: the review stays open."""
    world, left, _, review = conflict()
    named = {
        "first": str(review.values[0].fact),
        "second": str(review.values[1].fact),
        "other": f"{'0' * 64}:0",
    }
    left.write(decision(review, heads=[named[head] for head in heads]))
    assert world.state().reviews[0].open


def test_decisions_that_differ_leave_it_open():
    """Two reviewers who decide differently, without knowledge of each other, have not decided."""
    world, left, right, review = conflict()
    one, other = left.write(decision(review)), right.write(decision(review, "keep cancelled"))
    (review,) = world.state().reviews
    assert review.open
    assert set(review.decisions) == {one.id, other.id}
    world.sync()
    left.write(decision(review, "keep cancelled", one, other))
    assert not world.state().reviews[0].open


def test_the_same_decision_twice_closes_it():
    """Two reviewers who agree have decided."""
    world, left, right, review = conflict()
    left.write(decision(review))
    right.write(decision(review))
    assert not world.state().reviews[0].open


def test_a_decision_ends_the_dispute_about_a_medication():
    """Once a person decides that two regimens are meant, the list is complete, with both of them."""
    world, left, right, first = since(fact("medication", text="Insulin", action="start", dose="4"))
    for writer, dose in ((left, "6"), (right, "8")):
        writer.write(fact("medication", first, text="Insulin", action="change", dose=dose))
    (review,) = world.state().reviews
    assert world.state().medications_incomplete
    left.write(decision(review, "both are taken"))
    (item,) = world.state().medications
    assert (item.status, len(item.lines)) == ("active", 2)
    assert not world.state().medications_incomplete


def test_a_decision_of_another_document_closes_nothing():
    """A review and its decision stand in one document."""
    world, left, _, review = conflict()
    placed = left.write(decision(review), document=World().writer().author.user)
    assert derive(CHART, [*world.facts(), placed], [world.graph()]).reviews[0].open
