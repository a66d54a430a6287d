"""Verdicts and the rules: what is quarantined is shown and changes nothing; what is adopted counts like any other."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.document import derive
from edge_runtime.clinical.layout import Kind, Priority, home
from edge_runtime.clinical.marks import CONCURRENT, mark, why
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.replacing import supersede_defaults
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.standing import display, unsettled
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict
from tests.unit.edge_runtime.clinical.histories import STEPS, play, random_histories
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, fact, ids, review_facts, since, two

REVOKED = Verdict(Standing.QUARANTINED, Reason.REVOKED)
ADOPTED = Verdict(Standing.ACCEPTED, Reason.ADOPTED)
FLAGGED = Verdict(Standing.FLAGGED, Reason.CONCURRENT)
VOID = Verdict(Standing.VOID, Reason.ROLE)
_SAFETY = {kind for kind in Kind if home(kind) is Compartment.SAFETY}

_MARKS = {"standing", "why", "mark"}
"""Keys of a fact that only say how it was judged."""
_BESIDE = {"unverified", "withheld", "reviews", "allergies_incomplete", "medications_incomplete"}
"""Keys of a state where quarantined facts may leave a trace: marks, reviews, and that something is to be decided."""


def judged(world, verdicts):
    """The facts of a world, each with the verdict of its entry."""
    return [replace(item, verdict=verdicts.get(item.id.entry, ACCEPTED)) for item in world.facts()]


def state_of(world, verdicts, document=CHART):
    """A document under verdicts."""
    return derive(document, judged(world, verdicts), [world.graph()])


def quarantining(world, *placed):
    """The document when the entries of these facts are quarantined."""
    return state_of(world, {item.id.entry: REVOKED for item in placed})


def without(written, keys):
    """JSON without some keys, at every depth."""
    if isinstance(written, dict):
        return {name: without(value, keys) for name, value in written.items() if name not in keys}
    return [without(item, keys) for item in written] if isinstance(written, list) else written


def of_kind(state, kind):
    """The reviews of a kind."""
    return [review for review in state.reviews if review.kind == kind]


PENICILLIN = fact("allergy", text="Penicillin", severity="severe")
WARFARIN = fact("medication", text="Warfarin", action="start", dose="5", unit="mg", route="oral", frequency="daily")


# ------------------------------------------------------------------------------------------- what may not be changed


def test_a_quarantined_refutation_hides_no_allergy():
    """The allergy lives as it was; the refutation is shown beside it, unverified, and is a review."""
    world, _, right, first = since(PENICILLIN)
    gone = right.write(fact("allergy", first, text="Penicillin", verification="refuted"))
    state = quarantining(world, gone)
    (item,) = state.allergies.items
    assert (item.severity, ids(item.live), item.refutations) == ("severe", {first.id}, ())
    assert [one.fact.id for one in state.unverified] == [gone.id]
    (review,) = state.reviews
    assert (review.kind, review_facts(review)) == (ReviewKind.UNVERIFIED, {gone.id})
    assert state.allergies_incomplete


def test_a_quarantined_denial_denies_nothing():
    """'No known allergies' of a revoked tablet is no statement of the chart, and raises no contradiction."""
    world, _, right, _ = since(PENICILLIN)
    denial = right.write(fact("allergy", text="NKA"))
    state = quarantining(world, denial)
    assert state.allergies.none_known == ()
    assert not of_kind(state, ReviewKind.ALLERGY_NONE_KNOWN)


def test_a_quarantined_allergy_stays_visible():
    """A new allergy is shown and marked; the list counts it nowhere, and is not settled."""
    world, left, _ = two()
    stated = left.write(PENICILLIN)
    state = quarantining(world, stated)
    assert state.allergies.items == ()
    assert [item.fact.id for item in state.unverified] == [stated.id]
    assert state.allergies_incomplete
    (shown,) = as_json(state)["unverified"]
    assert (shown["standing"], shown["why"]) == ("quarantined", "revoked")
    assert shown["mark"].startswith("UNVERIFIED: written on a device or by a user whose access was revoked")


def test_a_quarantined_stop_stops_nothing():
    """The medication goes on, undisputed; the list is not settled until somebody decides."""
    world, _, right, first = since(WARFARIN)
    stop = right.write(fact("medication", first, text="Warfarin", action="stop"))
    state = quarantining(world, stop)
    (item,) = state.medications
    assert (item.status, ids(item.heads)) == ("active", {first.id})
    assert state.medications_incomplete
    assert not state.allergies_incomplete


@pytest.mark.parametrize(("accepted", "lowered"), [("critical", "routine"), ("routine", "critical")])
def test_a_quarantined_priority_is_withheld(accepted, lowered):
    """Priority is outside the safety compartment: it is neither lowered nor raised, and only the review shows it."""
    world, _, right, first = since(fact("priority", to=accepted))
    other = right.write(fact("priority", first, to=lowered))
    state = quarantining(world, other)
    assert state.priority.value == Priority(accepted)
    assert (state.unverified, ids(state.withheld)) == ((), {other.id})
    (review,) = state.reviews
    assert [value.display for value in review.values] == [f"priority: {lowered}"]


def test_a_quarantined_status_completes_nothing():
    """The document is as open as it was, undisputed."""
    world, _, right, first = since(fact("status", to="active"))
    state = quarantining(world, right.write(fact("status", first, to="completed")))
    assert (state.status.value, state.status.disputed) == ("active", False)


def test_a_quarantined_correction_corrects_nothing():
    """The measured value is current; the correction is shown beside it, marked."""
    world, _, right, first = since(fact("observation", code="8867-4", text="HR", value="70", unit="/min"))
    wrong = right.write(
        fact("observation", first, code="8867-4", text="HR", value="170", unit="/min", corrects=str(first.id))
    )
    state = quarantining(world, wrong)
    assert [(item.fact.id, item.corrected_by) for item in state.observations] == [(first.id, ())]
    assert [item.fact.id for item in state.unverified] == [wrong.id]


def test_a_quarantined_decision_closes_no_review():
    """A revoked reviewer decides nothing."""
    world, left, right, first = since(WARFARIN)
    left.write(fact("medication", first, text="Warfarin", action="stop"))
    right.write(replace(WARFARIN, supersedes=(first.id,), payload={**WARFARIN.payload, "action": "change"}))
    world.sync()
    (review,) = world.state().reviews
    heads = [str(value.fact) for value in review.values]
    decided = left.write(
        fact("review_decision", conflict=str(review.id), heads=heads, decision="stop", reason="bleeding")
    )
    assert not world.state().reviews[0].open
    state = quarantining(world, decided)
    (again,) = of_kind(state, ReviewKind.MEDICATION)
    assert again.open
    assert state.medications[0].disputed
    assert ids(state.withheld) == {decided.id}


# ------------------------------------------------------------------------------------------------ what lives again


def test_what_a_quarantined_fact_replaced_lives_again_beside_its_successor():
    """An accepted statement inherits nothing through a quarantined one: both are shown, and a person decides."""
    world, left, right, first = since(PENICILLIN)
    mild = right.write(fact("allergy", first, text="Penicillin", severity="mild"))
    left.read(right)
    after = left.write(fact("allergy", mild, text="Penicillin", severity="moderate"))
    state = quarantining(world, mild)
    (item,) = state.allergies.items
    assert (item.severity, ids(item.live)) == ("severe", {first.id, after.id})
    assert [(one.fact.id, one.superseded_by) for one in state.unverified] == [(mild.id, (after.id,))]
    (review,) = state.reviews
    assert review.kind == ReviewKind.REPLACED_UNVERIFIED
    assert review_facts(review) == {first.id, mild.id, after.id}
    assert state.allergies_incomplete
    assert world.state().reviews == ()


def test_a_medication_that_lives_again_is_disputed_until_decided():
    """Its list is incomplete, and the decision of a person closes it."""
    world, left, right, first = since(WARFARIN)
    stop = right.write(fact("medication", first, text="Warfarin", action="stop"))
    left.read(right)
    left.write(fact("medication", stop, text="Warfarin", action="start", dose="2.5", unit="mg"))
    state = quarantining(world, stop)
    (item,) = state.medications
    assert (len(item.lines), item.disputed, state.medications_incomplete) == (2, True, True)
    (review,) = state.reviews
    heads = [str(value.fact) for value in review.values]
    left.write(fact("review_decision", conflict=str(review.id), heads=heads, decision="2.5 mg", reason="INR"))
    state = quarantining(world, stop)
    assert (state.medications[0].disputed, state.medications_incomplete) == (False, False)
    assert not unsettled(Kind.MEDICATION, state.unverified, state.reviews)


def test_what_lives_again_is_followed_through_accepted_statements():
    """However many statements lie between, a standing head that only a quarantined one removed is found."""
    world, left, right, first = since(fact("observation", code="8867-4", text="HR", value="70", unit="/min"))

    def corrected(writer, earlier, value):
        return writer.write(
            fact("observation", earlier, code="8867-4", text="HR", value=value, unit="/min", corrects=str(earlier.id))
        )

    wrong = corrected(right, first, "71")
    left.read(right)
    last = corrected(left, corrected(left, wrong, "72"), "73")
    state = quarantining(world, wrong)
    (review,) = state.reviews
    assert review_facts(review) == {first.id, wrong.id, last.id}
    assert {item.fact.id for item in state.observations if not item.corrected_by} == {first.id, last.id}


def test_two_successors_of_one_quarantined_statement_share_a_review():
    """One conflict, one review: what lives again, and everything that replaced it through the same statement."""
    world, left, right, first = since(PENICILLIN)
    mild = right.write(fact("allergy", first, text="Penicillin", severity="mild"))
    left.read(right)
    one = left.write(fact("allergy", mild, text="Penicillin", severity="moderate"))
    other = right.write(fact("allergy", mild, text="Penicillin G"))
    (review,) = quarantining(world, mild).reviews
    assert review_facts(review) == {first.id, mild.id, one.id, other.id}


def test_a_conflict_that_a_rule_reviews_already_is_not_raised_again():
    """Heads of a status that differ are one review, whatever came between them."""
    world, left, right, first = since(fact("status", to="active"))
    done = right.write(fact("status", first, to="completed"))
    left.read(right)
    left.write(fact("status", done, to="paused"))
    state = quarantining(world, done)
    assert [review.kind for review in state.reviews] == [ReviewKind.STATUS]
    assert state.status.value == "active"


def test_what_nobody_had_stated_before_leaves_no_conflict():
    """A successor of a quarantined first statement stands alone; the statement was answered, so nothing is asked."""
    world, left, right = two()
    stated = right.write(PENICILLIN)
    left.read(right)
    left.write(fact("allergy", stated, text="Penicillin", verification="refuted"))
    state = quarantining(world, stated)
    assert state.reviews == ()
    assert [one.superseded_by for one in state.unverified] != [()]


def test_only_a_fact_of_the_same_kind_and_document_answers_an_unverified_one():
    """Whatever else names it, it stands, and is asked about."""
    world, left, right = two()
    stated = right.write(PENICILLIN)
    left.read(right)
    left.write(fact("medication", stated, text="Penicillin", action="start"))
    left.write(fact("allergy", stated, text="Penicillin"), document=ENCOUNTER)
    state = quarantining(world, stated)
    assert [one.superseded_by for one in state.unverified] == [()]
    assert of_kind(state, ReviewKind.UNVERIFIED)


def test_a_statement_of_another_kind_is_no_link_between_two():
    """It never replaced anything of this kind, so nothing lives again for its sake."""
    world, left, right, first = since(PENICILLIN)
    other = right.write(fact("medication", first, text="Aspirin", action="start"))
    left.read(right)
    left.write(fact("allergy", other, text="Latex"))
    assert not of_kind(quarantining(world, other), ReviewKind.REPLACED_UNVERIFIED)


def test_a_decision_that_lives_again_keeps_its_review_open():
    """Two decisions that differ say so by the review that they are about; it is no conflict of its own."""
    world, left, right, first = since(WARFARIN)
    left.write(fact("medication", first, text="Warfarin", action="stop"))
    right.write(replace(WARFARIN, supersedes=(first.id,), payload={**WARFARIN.payload, "action": "change"}))
    world.sync()
    (review,) = world.state().reviews
    heads = [str(value.fact) for value in review.values]

    def decided(writer, word, *earlier):
        placed = writer.write(
            fact("review_decision", *earlier, conflict=str(review.id), heads=heads, decision=word, reason="bleeding")
        )
        world.sync()
        return placed

    between = decided(right, "go on", decided(left, "stop"))
    decided(left, "halve", between)
    state = quarantining(world, between)
    assert [(one.kind, one.open, len(one.decisions)) for one in state.reviews] == [(ReviewKind.MEDICATION, True, 2)]


def test_an_unreadable_quarantined_fact_replaces_nothing_and_is_shown():
    """What this version cannot read is no link between statements, and stays visible."""
    world, left, right, first = since(PENICILLIN)
    odd = right.write(fact("allergy", first, text="Penicillin", severity="unheard of"))
    left.read(right)
    left.write(fact("allergy", odd, text="Penicillin"))
    state = quarantining(world, odd)
    assert not of_kind(state, ReviewKind.REPLACED_UNVERIFIED)
    assert [one.fact.id for one in state.unverified] == [odd.id]


# ------------------------------------------------------------------------------------------------------- the review


def test_one_review_holds_all_quarantined_facts_of_a_document():
    """It names every author, time and reason, has one id on every device, and a decision closes it without adopting."""
    world, left, right = two()
    mine, theirs = left.write(PENICILLIN), right.write(fact("priority", to="urgent"))
    elsewhere = right.write(WARFARIN, document=ENCOUNTER)
    verdicts = {
        mine.id.entry: REVOKED,
        theirs.id.entry: Verdict(Standing.QUARANTINED, Reason.LAMPORT),
        elsewhere.id.entry: REVOKED,
    }
    state = state_of(world, verdicts)
    (review,) = state.reviews
    assert review_facts(review) == {mine.id, theirs.id}
    assert {value.author for value in review.values} == {left.author, right.author}
    assert "access was revoked" in review.reason
    assert "order of entries" in review.reason
    heads = [str(value.fact) for value in review.values]
    left.write(fact("review_decision", conflict=str(review.id), heads=heads, decision="refused", reason="stolen"))
    closed = state_of(world, verdicts)
    assert not closed.reviews[0].open
    assert len(closed.unverified) == 1
    assert not closed.allergies_incomplete


def test_a_flood_of_quarantined_facts_can_be_decided_upon():
    """One decision names so many statements; of more there are several reviews, each of which can be closed."""
    world, left, _ = two()
    flood = [left.write(*(PENICILLIN for _ in range(100))) for _ in range(3)]
    verdicts = {item.id.entry: REVOKED for one in flood for item in one}
    reviews = state_of(world, verdicts).reviews
    assert sorted(len(review.values) for review in reviews) == [44, 256]
    for review in reviews:
        heads = [str(value.fact) for value in review.values]
        left.write(fact("review_decision", conflict=str(review.id), heads=heads, decision="refused", reason="stolen"))
    assert not any(review.open for review in state_of(world, verdicts).reviews)


def test_the_chart_shows_the_unverified_facts_of_all_documents():
    """The safety list of a chart is read across documents, and so are its marks."""
    world, left, right = two()
    here, there = left.write(PENICILLIN), right.write(WARFARIN, document=ENCOUNTER)
    facts = judged(world, {here.id.entry: REVOKED, there.id.entry: REVOKED})
    chart = derive_chart(CHART, facts, [world.graph()])
    assert [item.fact.id for item in chart.unverified] == [here.id, there.id]
    assert (chart.allergies.items, chart.medications) == ((), ())
    assert chart.allergies_incomplete
    assert chart.medications_incomplete
    assert len({review.id for review in chart.reviews}) == len(chart.reviews) == 2


@pytest.mark.parametrize(
    ("stated", "compartment", "seen"),
    [
        (PENICILLIN, Compartment.SAFETY, True),
        (PENICILLIN, Compartment.SENSITIVE, True),
        (fact("identity", name="Ana"), Compartment.SAFETY, True),
        (fact("observation", code="1", text="HR", value="70"), Compartment.CLINICAL, True),
        (fact("genome", bases="ACGT"), Compartment.SAFETY, True),
        (fact("genome", bases="ACGT"), Compartment.CLINICAL, False),
        (fact("priority", to="urgent"), Compartment.CLINICAL, False),
    ],
)
def test_safety_facts_and_observations_stay_visible(stated, compartment, seen):
    """What an emergency needs and what was measured is shown with its mark; everything else only by its review."""
    world, left, _ = two()
    placed = left.write(stated)
    facts = [replace(placed, verdict=REVOKED, compartment=compartment)]
    state = derive(CHART, facts, [world.graph()])
    assert (len(state.unverified), len(state.withheld)) == ((1, 0) if seen else (0, 1))


def test_a_review_shows_a_fact_that_says_nothing_by_its_kind():
    """Nothing is invented for a kind that this version does not know."""
    _, left, _ = two()
    assert display(left.write(fact("genome", bases="ACGT"))) == "genome"


# -------------------------------------------------------------------------------------------------- flags and void


def test_a_flagged_fact_counts_and_says_so():
    """It is concurrent with a change that its author had not seen; the state is the same, the mark is plain."""
    world, left, _ = two()
    placed = left.write(PENICILLIN)
    state = state_of(world, {placed.id.entry: FLAGGED})
    assert ids(state.allergies.items[0].live) == {placed.id}
    assert state.reviews == ()
    assert as_json(state)["allergies"][0]["live"][0]["mark"] == CONCURRENT


def test_a_void_fact_is_nowhere():
    """Even if a caller hands one in, it is neither counted nor shown as quarantined."""
    world, left, _ = two()
    placed = left.write(PENICILLIN)
    state = state_of(world, {placed.id.entry: VOID})
    assert as_json(state) == as_json(derive(CHART, [], []))


def test_every_reason_has_words():
    """What is plainly accepted or adopted carries no mark; everything else says why, in words of its own."""
    assert mark(ACCEPTED) is None
    assert mark(ADOPTED) is None
    words = {why(Verdict(Standing.QUARANTINED, reason)) for reason in (*Reason, None)} - {why(REVOKED)}
    assert len(words) == len(set(Reason) - {Reason.CONCURRENT, Reason.ADOPTED, Reason.REVOKED}) + 1


# ---------------------------------------------------------------------------------------------------------- authors


@pytest.mark.parametrize(
    "restated",
    [
        fact("allergy", text="Penicillin", verification="refuted"),
        replace(WARFARIN, payload={**WARFARIN.payload, "action": "stop"}),
        replace(WARFARIN, payload={**WARFARIN.payload, "action": "change", "dose": "2.5"}),
        fact("status", to="paused"),
        fact("identity", name="Ana Lima"),
        fact("document", schema=1, workflow_type="encounter"),
    ],
    ids=lambda item: item.kind,
)
def test_what_an_author_replaces_goes_with_what_is_unverified_of_it(restated):
    """The author sees both; an adoption later must not bring back what was answered."""
    stated = {
        "allergy": PENICILLIN,
        "medication": WARFARIN,
        "status": fact("status", to="completed"),
        "identity": fact("identity", name="Ana"),
        "document": fact("document", schema=1, workflow_type="consultation"),
    }[restated.kind]
    world, _, right, first = since(stated)
    unverified = right.write(stated)
    right.write(fact("allergy", text="Latex"), fact("medication", text="Aspirin", action="start"))
    verdicts = dict.fromkeys((item.id.entry for item in world.facts() if item.id != first.id), REVOKED)
    assert set(supersede_defaults(state_of(world, verdicts), restated)) == {first.id, unverified.id}


def test_what_was_answered_is_not_named_again():
    """A statement names the unverified ones that stand; an earlier answer already replaced the others."""
    world, left, right, first = since(PENICILLIN)
    unverified = right.write(fact("allergy", text="penicillin"))
    left.read(right)
    answer = left.write(fact("allergy", first, unverified, text="Penicillin"))
    state = quarantining(world, unverified)
    refuted = fact("allergy", text="Penicillin", verification="refuted")
    assert supersede_defaults(state, refuted) == (answer.id,)


def test_lines_of_which_one_lives_again_are_settled_together():
    """A change of a medication that is disputed for a quarantined statement replaces both lines."""
    world, left, right, first = since(WARFARIN)
    stop = right.write(fact("medication", first, text="Warfarin", action="stop"))
    left.read(right)
    after = left.write(fact("medication", stop, text="Warfarin", action="start", dose="2.5", unit="mg"))
    state = quarantining(world, stop)
    settled = replace(WARFARIN, payload={**WARFARIN.payload, "action": "change"})
    assert set(supersede_defaults(state, settled)) == {first.id, after.id}


def test_a_change_that_leaves_parts_out_replaces_nothing_unverified():
    """It keeps its dose from what counts; naming a quarantined statement would make that unclear."""
    world, _, right, first = since(WARFARIN)
    other = right.write(replace(WARFARIN, payload={**WARFARIN.payload, "dose": "10"}))
    state = quarantining(world, other)
    assert supersede_defaults(state, fact("medication", text="Warfarin", action="continue")) == (first.id,)


# ------------------------------------------------------------------------------------------------------- properties

JUDGED = st.tuples(STEPS, st.integers(0, 2**16))


def verdicts_of(world, seed, choices=(ACCEPTED, FLAGGED, REVOKED)):
    """A verdict for each entry, drawn by a seed."""
    rng = random.Random(seed)
    return {name: rng.choice(choices) for name in world.entries}


@random_histories
@given(JUDGED)
def test_without_its_quarantined_facts_a_chart_reads_the_same(drawn):
    """They leave marks and reviews, and no other trace: nothing is hidden, lowered, completed, corrected or decided."""
    steps, seed = drawn
    world = play(steps, documents=(CHART, ENCOUNTER))
    facts = judged(world, verdicts_of(world, seed))
    clean = [item for item in facts if item.verdict.counts]
    graphs = [world.graph()]
    whole, rest = derive_chart(CHART, facts, graphs), derive_chart(CHART, clean, graphs)
    beside = _BESIDE | {"documents", "status", "cross_check"}  # doubtful allergies are asked about too
    assert without(as_json(whole), beside) == without(as_json(rest), beside)
    for document in (CHART, ENCOUNTER):
        with_them, bare = (derive(document, one, graphs) for one in (facts, clean))
        assert with_them.status == bare.status
        left, right = (without(as_json(state), _BESIDE | {"status"}) for state in (with_them, bare))
        assert left == right
        ours = {review.id: review for review in bare.reviews}
        theirs = {review.id: review for review in with_them.reviews if review.id in ours}
        assert theirs == ours


@random_histories
@given(JUDGED)
def test_nothing_quarantined_disappears(drawn):
    """Every fact is somewhere in what is shown, and each quarantined one that stands in exactly one review of them."""
    steps, seed = drawn
    world = play(steps)
    verdicts = verdicts_of(world, seed)
    state = state_of(world, verdicts)
    written = json.dumps(as_json(state))
    for item in judged(world, verdicts):
        assert f'"id": "{item.id}"' in written
    shown = {item.fact.id for item in state.unverified}
    kept = [item for item in judged(world, verdicts) if not item.verdict.counts]
    assert shown == {one.id for one in kept if one.fact.kind in _SAFETY or one.fact.kind == Kind.OBSERVATION}
    assert len({review.id for review in state.reviews}) == len(state.reviews)
    assert len(of_kind(state, ReviewKind.UNVERIFIED)) <= 1


@random_histories
@given(JUDGED)
def test_an_adopted_fact_counts_as_if_it_always_had(drawn):
    """Adoption brings everything back: only the word that it was adopted tells the state from the one before."""
    steps, seed = drawn
    world = play(steps)
    adopted = verdicts_of(world, seed, (ACCEPTED, ADOPTED, FLAGGED))
    assert without(as_json(state_of(world, adopted)), _MARKS) == without(as_json(world.state()), _MARKS)


@random_histories
@given(JUDGED)
def test_every_order_of_arrival_gives_the_same_state_under_verdicts(drawn):
    """Reordered and duplicated: the same marks, the same reviews with the same ids."""
    steps, seed = drawn
    world = play(steps)
    facts = judged(world, verdicts_of(world, seed))
    rng = random.Random(seed)
    shuffled = facts + (rng.choices(facts, k=len(facts)) if facts else [])
    rng.shuffle(shuffled)
    assert derive(CHART, shuffled, [world.graph(rng=rng)]) == derive(CHART, facts, [world.graph()])


@random_histories
@given(JUDGED)
def test_what_only_a_quarantined_fact_removed_stands_and_is_asked_about(drawn):
    """A head that a standing fact replaced through quarantined ones alone is in a review together with it."""
    steps, seed = drawn
    world = play(steps)
    facts = judged(world, verdicts_of(world, seed))
    state = derive(CHART, facts, [world.graph()])
    known = {item.id: item for item in facts}
    ruled = {*SCHEMAS} - {"source", "review_decision", "draft", "draft_decision"}
    usable = [item for item in facts if item.fact.kind in ruled and flaw(item.fact) is None]
    named = {earlier for item in usable if item.verdict.counts for earlier in item.fact.supersedes}
    heads = {item.id for item in usable if item.verdict.counts and item.id not in named}
    for head in sorted(heads):
        for through in known[head].fact.supersedes:
            middle = known.get(through)
            if middle is None or middle.verdict.counts or flaw(middle.fact) is not None:
                continue
            for restored in heads.intersection(middle.fact.supersedes):
                asked = any({head, restored} <= review_facts(review) for review in state.reviews)
                status = {item.fact.payload["to"] for item in state.status.heads}
                assert asked or (middle.fact.kind == "status" and len(status) == 1)
