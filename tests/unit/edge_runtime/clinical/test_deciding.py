"""From a decision to facts: one statement stands, stated again in place of all; what needs more words is refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.authoring import prepare
from edge_runtime.clinical.deciding import NOTHING_KEPT, decision_of, kept_of, what_follows, what_remains
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.errors import InputError, RefusedError
from sync_protocol.errors import ExplainedError
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.clinical.worlds import ENCOUNTER, World, fact, since, two

BP = {"code": "8867-4", "text": "Pulse", "unit": "/min"}


@contextmanager
def refused(code: str, error: type[ExplainedError] = RefusedError) -> Iterator[pytest.ExceptionInfo[ExplainedError]]:
    """An error with this code."""
    with pytest.raises(error) as found:
        yield found
    assert found.value.code == code


def keep(world, writer, wanted):
    """Decide the one review of a world and keep a statement, as the runtime does; the state afterwards."""
    state = world.state()
    (review,) = [one for one in state.reviews if one.open]
    again = kept_of(review, state, world.facts(), wanted, reason="asked the ward")
    ready = [prepare(state, one) for one in (decision_of(review, decision="so", reason="asked the ward"), again)]
    world.sync()
    writer.write(*ready)
    after = world.state()
    assert not any(one.open for one in after.reviews)
    return after


def conflict(first, left_fact, right_fact):
    """Two authors who share a statement and then state different things of it."""
    world, left, right, shared = since(first)
    mine = left.write(left_fact(shared))
    yours = right.write(right_fact(shared))
    return world, left, mine, yours


def test_a_status_by_its_word():
    """The word names the statement."""
    world, left, *_ = conflict(
        fact("status", to="active"),
        lambda f: fact("status", f, to="completed"),
        lambda f: fact("status", f, to="paused"),
    )
    state = keep(world, left, "paused")
    assert (state.status.value, state.status.disputed, len(state.status.heads)) == ("paused", False, 1)
    assert state.status.heads[0].fact.payload["reason"] == "asked the ward"


def test_a_medication_keeps_what_its_statement_left_to_what_it_replaced():
    """Stated whole, because the statements that it replaces now disagree; a stop stays a stop."""
    first = fact("medication", text="Insulin", action="start", dose="4", unit="IU", frequency="daily")
    world, left, mine, _ = conflict(
        first,
        lambda f: fact("medication", f, text="Insulin", action="change", dose="6", unit="IU"),
        lambda f: fact("medication", f, text="Insulin", action="stop"),
    )
    (item,) = keep(world, left, str(mine.id)[:8]).medications
    (line,) = item.lines
    assert line.regimen.stated == {"dose": "6", "unit": "IU", "frequency": "daily"}
    world, left, _, stop = conflict(
        first,
        lambda f: fact("medication", f, text="Insulin", action="change", dose="6", unit="IU"),
        lambda f: fact("medication", f, text="Insulin", action="stop"),
    )
    (item,) = keep(world, left, str(stop.id)).medications
    assert item.status == "stopped"


def test_a_line_that_is_unclear_is_to_be_written_anew():
    """What it leaves open cannot be kept."""
    world, left, right, first = since(fact("medication", text="Insulin", action="start", dose="4"))
    heads = [
        writer.write(fact("medication", first, text="Insulin", action="change", dose=dose))
        for writer, dose in ((left, "6"), (right, "8"))
    ]
    world.sync()
    unclear = left.write(fact("medication", *heads, text="Insulin", action="continue"))
    state = world.state()
    (review,) = state.reviews
    with refused("nothing_to_keep"):
        kept_of(review, state, world.facts(), str(unclear.id), reason="x")


def test_an_allergy_or_its_refutation():
    """Whichever stands, the other is history."""
    for wanted, live in ((0, True), (1, False)):
        world, left, *sides = conflict(
            fact("allergy", text="Latex", severity="severe"),
            lambda f: fact("allergy", f, text="Latex", severity="moderate"),
            lambda f: fact("allergy", f, text="Latex", verification="refuted"),
        )
        (item,) = keep(world, left, str(sides[wanted].id)).allergies.items
        assert bool(item.live) is live
        assert len(item.heads) == 1


def test_a_denial_of_all_allergies_takes_none_back():
    """An allergy can stand beside it; the denial cannot stand in the allergy's place."""
    world, left, right = two()
    allergy = left.write(fact("allergy", text="Latex"))
    denial = right.write(fact("allergy", text="No known allergies", code="716186003", system="http://snomed.info/sct"))
    state = world.state()
    (review,) = state.reviews
    with refused("nothing_to_keep"):
        kept_of(review, state, world.facts(), str(denial.id), reason="x")
    after = keep(world, left, str(allergy.id))
    assert (len(after.allergies.items), after.allergies.none_known) == (1, ())


def test_a_correction_corrects_the_others():
    """It names what it corrects among what it supersedes."""
    world, left, mine, _ = conflict(
        fact("observation", value="70", **BP),
        lambda f: fact("observation", f, value="71", corrects=str(f.id), **BP),
        lambda f: fact("observation", f, value="72", corrects=str(f.id), **BP),
    )
    (current,) = [one for one in keep(world, left, str(mine.id)).observations if not one.corrected_by]
    assert current.fact.fact.payload["value"] == "71"


def test_a_triage_by_its_word():
    """Dead beside alive: a person says which."""
    world, left, *_ = conflict(
        fact("triage", to="delayed"),
        lambda f: fact("triage", f, to="deceased"),
        lambda f: fact("triage", f, to="minor"),
    )
    assert keep(world, left, "deceased").triage.value == "deceased"


def test_a_step_that_was_ended_in_two_ways():
    """Completed, or skipped."""
    world, left, right, step = since(fact("step", fraction="V", name="Wash hands"))
    done = left.write(fact("step_event", step=str(step.id), to="completed"))
    right.write(fact("step_event", step=str(step.id), to="skipped"))
    (item,) = keep(world, left, str(done.id)).steps.items
    assert (item.status, item.disputed) == ("completed", False)


def test_words_that_fit_two_statements_that_differ():
    """Ids, then."""
    world, left, right, first = since(fact("medication", text="Insulin", action="start", dose="4"))
    left.write(fact("medication", first, text="Insulin", action="change", dose="6", route="oral"))
    right.write(fact("medication", first, text="Insulin", action="change", dose="6", route="nasal"))
    state = world.state()
    (review,) = state.reviews
    with refused("ambiguous_statement", InputError):
        kept_of(review, state, world.facts(), "6", reason="x")


def test_a_statement_of_another_document_is_not_restated():
    """Nothing supersedes across documents."""
    world, left, right = two()
    left.write(fact("medication", text="Insulin", action="start", dose="6"))
    right.write(fact("medication", text="Insulin", action="stop"), document=ENCOUNTER)
    chart = world.chart()
    (review,) = chart.reviews
    with refused("nothing_to_keep"):
        kept_of(
            review, chart.documents[0], [f for f in world.facts() if f.document == review.document], "6", reason="x"
        )


def test_what_is_still_to_be_done_is_said():
    """Where a decision alone changes nothing that a reader sees."""
    assert "edit the section" in (what_follows(ReviewKind.TEXT) or "")
    assert "adopt" in (what_follows(ReviewKind.UNVERIFIED) or "")
    assert what_follows(ReviewKind.STATUS) is None


def _stated(rng, state):
    """Something that contradicts what others state."""
    dose = rng.choice("4678")
    kind = rng.randrange(4)
    if kind == 0:
        return fact("status", to=rng.choice(["active", "paused", "completed", "cancelled"]))
    if kind == 1:
        return fact("allergy", text="Latex", **rng.choice([{"severity": "severe"}, {"verification": "refuted"}]))
    if kind == 2 and any(not line.regimen.stopped for item in state.medications for line in item.lines):
        return fact(
            "medication", text="Insulin", **rng.choice([{"action": "stop"}, {"action": "change", "dose": dose}])
        )
    return fact("medication", text="Insulin", action="start", dose=dose)


def _decides(rng, writer, review):
    """A decision of what one device sees, perhaps with a statement that stands."""
    facts = [decision_of(review, decision=rng.choice(["left", "right"]), reason="x")]
    if rng.random() < 0.5:
        wanted = rng.choice(review.values).fact
        with suppress(RefusedError):
            facts.append(kept_of(review, writer.state(), writer.facts(), str(wanted), reason="x"))
    with suppress(InputError):
        writer.write(*(prepare(writer.state(), one) for one in facts))


@given(st.integers(min_value=0, max_value=2**32 - 1))
@settings(max_examples=200)
def test_decisions_converge(seed):
    """Authors who state, decide and keep at random and meet at random: the same reviews, decided alike, everywhere.

    And whoever then decides what is open, in sight of everything, leaves nothing open anywhere.
    """
    rng = random.Random(seed)
    world = World(seed)
    writers = [world.writer() for _ in range(3)]
    for _ in range(18):
        writer = rng.choice(writers)
        if rng.random() < 0.4:
            writer.read(rng.choice(writers))
        waiting = [one for one in writer.state().reviews if one.open]
        if waiting and rng.random() < 0.6:
            _decides(rng, writer, rng.choice(waiting))
        else:
            with suppress(InputError):
                writer.record(_stated(rng, writer.state()))
    reviews = world.state().reviews
    assert all(world.state(seed=number).reviews == reviews for number in range(3))
    assert len({one.id for one in reviews}) == len(reviews)
    world.sync()
    last = writers[0]
    for review in [one for one in reviews if one.open]:
        last.write(prepare(last.state(), decision_of(review, decision="so", reason="x")))
    assert not any(one.open for one in world.state().reviews)
    assert {one.id for one in world.state().reviews} == {one.id for one in reviews}


@pytest.mark.parametrize(
    "change", [{"held": True}, {"verdict": Verdict(Standing.QUARANTINED, Reason.REVOKED)}], ids=["early", "unverified"]
)
def test_what_nobody_may_build_upon_is_not_replaced(change):
    """What arrived before its past waits for that; what is unverified, for somebody who vouches for it."""
    world, _, mine, _ = conflict(
        fact("status", to="active"),
        lambda f: fact("status", f, to="completed"),
        lambda f: fact("status", f, to="paused"),
    )
    state = world.state()
    (review,) = state.reviews
    facts = [replace(one, **change) if one.id == mine.id else one for one in world.facts()]
    with refused("nothing_to_keep"):
        kept_of(review, state, facts, "paused", reason="x")


def test_who_decides_and_keeps_nothing_is_told_that_what_is_shown_stays():
    """A step that failed goes on being shown as completed until somebody states it: the decision does not."""
    assert what_remains(ReviewKind.STEP, kept=False) == NOTHING_KEPT
    assert what_remains(ReviewKind.STEP, kept=True) is None
    assert what_remains(ReviewKind.CLOCK_SKEW, kept=False) is None
    assert what_remains(ReviewKind.TEXT, kept=False) == what_follows(ReviewKind.TEXT)
