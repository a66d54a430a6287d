"""Properties of single rules over random histories that are about their kinds alone, and so dense in conflicts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.fractions import sort_key
from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.triage import category
from tests.unit.edge_runtime.clinical.histories import histories, play
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, ids, review_facts

at_least_200 = settings(max_examples=max(200, settings().max_examples))
ENDED = {"completed", "skipped", "failed"}


def readable(world, *kinds):
    """The facts of some kinds that the rules read."""
    return [item for item in world.facts() if item.fact.kind in kinds and flaw(item.fact) is None]


def standing(facts):
    """Those of some facts that none of them replaces."""
    named = {earlier for item in facts for earlier in item.fact.supersedes}
    return [item for item in facts if item.id not in named]


def held(world, kind):
    """What the reviews of one kind hold, by subject; a subject twice fails."""
    reviews = [review for review in world.state().reviews if review.kind == kind]
    found = {review.subject: review_facts(review) for review in reviews}
    assert len(found) == len(reviews)
    return found


@at_least_200
@given(histories(["triage"]))
def test_triage_never_drops_silently(steps):
    """Nothing shown is less urgent than a living category that no later event replaced; death never beats life."""
    world = play(steps)
    categories = {category(item.fact) for item in standing(readable(world, "triage"))}
    living = categories - {Triage.DECEASED}
    shown = world.state().triage
    if living and Triage.DECEASED in categories:
        assert (shown.value, shown.disputed) == (Triage.IMMEDIATE, True)
    else:
        assert shown.value == max(categories, key=[*Triage].index, default=None)
        assert not shown.disputed


@at_least_200
@given(histories(["triage"]), st.integers(0, 2**16))
def test_a_chart_is_as_urgent_as_its_most_urgent_document(steps, seed):
    """No document's triage is lost in the chart's, whatever order it came in."""
    world = play(steps, documents=(CHART, ENCOUNTER))
    chart = world.chart()
    values = [document.triage.value for document in chart.documents if document.triage.value]
    most = max(values, key=[*Triage].index, default=None)
    apart = Triage.DECEASED in values and most is not Triage.DECEASED
    assert chart.triage.value == (Triage.IMMEDIATE if apart else most)
    assert chart.triage.disputed == (apart or any(document.triage.disputed for document in chart.documents))
    assert world.state(seed=seed) == world.state()


@at_least_200
@given(histories(["status"]))
def test_a_terminal_status_never_reopens_without_an_event(steps):
    """What is shown was stated by an event that stands; where all that stands is terminal, so is what is shown."""
    world = play(steps)
    words = {"suspended": "paused"}
    stated = {
        words.get(item.fact.payload["to"], item.fact.payload["to"]) for item in standing(readable(world, "status"))
    }
    shown = world.state().status.value
    assert shown in (stated or {"pending"})
    if stated and stated <= {"completed", "cancelled", "error"}:
        assert shown in {"completed", "cancelled", "error"}


@at_least_200
@given(histories(["step", "step_event"]))
def test_a_step_that_was_ended_never_reopens_without_an_event(steps):
    """While an ending of a step stands, it is shown as ended; ended in two ways, it is disputed and one review."""
    world = play(steps)
    reviews = held(world, ReviewKind.STEP)
    state = world.state().steps
    for step in state.items:
        stated = {item.fact.payload["to"] for item in step.events}
        assert (step.status in ENDED) == bool(stated & ENDED)
        assert step.status in (stated or {"pending"})
        assert not len(stated & ENDED) > 1 or step.disputed
        assert (str(step.id) in reviews) == step.disputed
    assert len(reviews) == sum(step.disputed for step in state.items)


@at_least_200
@given(histories(["step", "step_event"]), st.integers(0, 2**16))
def test_the_order_of_steps_is_total_and_unique(steps, seed):
    """Each step fact is in one step, each event in one place, and every device lists the steps in one order."""
    world = play(steps)
    listed = world.state().steps
    places = [(sort_key(step.fraction), step.id) for step in listed.items]
    assert places == sorted(set(places))
    assert [step.id for step in world.state(seed=seed).steps.items] == [step.id for step in listed.items]
    facts = [item.id for step in listed.items for item in (*step.heads, *step.history)]
    events = [item.id for step in listed.items for item in (*step.events, *step.past)] + [*map(_id, listed.stray)]
    assert sorted(facts) == sorted(ids(readable(world, "step")))
    assert sorted(events) == sorted(ids(readable(world, "step_event")))


@at_least_200
@given(histories(["diagnosis"]))
def test_a_diagnosis_is_hidden_only_by_who_saw_it(steps):
    """Every live statement that no readable one replaced is listed; refuted beside it unseen, it is one review."""
    world = play(steps)
    expected = {item.id for item in standing(readable(world, "diagnosis")) if not _refutes(item)}
    diagnoses = world.state().diagnoses
    assert {item.id for one in diagnoses for item in one.live} == expected
    everywhere = [item.id for one in diagnoses for item in (*one.heads, *one.history)]
    assert sorted(everywhere) == sorted(ids(readable(world, "diagnosis")))
    reviews = held(world, ReviewKind.DIAGNOSIS)
    assert set(reviews) == {one.subject for one in diagnoses if one.disputed}
    graph = world.graph()
    for one in diagnoses:
        for refuted in one.refutations:
            for live in one.live:
                unseen = not graph.precedes(refuted.id.entry, live.id.entry)
                unseen = unseen and not graph.precedes(live.id.entry, refuted.id.entry)
                assert unseen <= ({refuted.id, live.id} <= reviews.get(one.subject, set()))


@at_least_200
@given(histories(["specimen"]))
def test_a_rejected_specimen_is_never_shown_as_received(steps):
    """While a rejection of it stands, it is shown as rejected; every event is about one specimen."""
    world = play(steps)
    reviews = held(world, ReviewKind.SPECIMEN)
    specimens = world.state().specimens
    for item in specimens:
        stated = {head.fact.payload["to"] for head in item.heads}
        assert (item.status == "rejected") == ("rejected" in stated)
        assert item.status in stated
    assert set(reviews) == {item.subject for item in specimens if item.disputed}
    everywhere = [fact.id for item in specimens for fact in (*item.heads, *item.history)]
    assert sorted(everywhere) == sorted(ids(readable(world, "specimen")))


@at_least_200
@given(histories(["observation", "validation"]))
def test_a_result_is_validated_only_while_nobody_rejects_it(steps):
    """Shown as validated: a validation stands and no rejection does."""
    world = play(steps)
    for item in world.state().validations:
        stated = {head.fact.payload["to"] for head in item.heads}
        assert (item.value == "validated") == (stated == {"validated"})
        assert item.disputed == (len(stated) > 1)
    reviews = held(world, ReviewKind.VALIDATION)
    assert set(reviews) == {str(item.observation) for item in world.state().validations if item.disputed}


@at_least_200
@given(histories(["link"]))
def test_charts_are_one_patient_only_while_nobody_denies_it(steps):
    """A link stands where all that stands agrees; said and denied, it is one review, and the urgency stays joined."""
    world = play(steps)
    reviews = held(world, ReviewKind.DUPLICATE_PATIENT)
    for item in world.state().links:
        stated = {head.fact.payload["relation"] for head in item.heads}
        assert item.stands == (next(iter(stated)) if len(stated) == 1 else None)
        assert item.joined == ("same_patient" in stated)
        assert item.disputed == (len(stated) > 1) == (item.subject in reviews)


@at_least_200
@given(histories(["casualty"]))
def test_nobody_is_lost_from_the_register(steps):
    """Every chart that ever had a number is listed; a number of several charts is one review with all of them."""
    world = play(steps)
    register = world.state().register
    listed = {chart for item in register.items for chart in item.charts} | set(register.unnumbered)
    assert listed == {item.fact.payload["chart"] for item in readable(world, "casualty")}
    everywhere = [fact.id for item in register.items for fact in (*item.heads, *item.history)]
    assert sorted(everywhere) == sorted(ids(readable(world, "casualty")))
    reviews = held(world, ReviewKind.DUPLICATE_CASUALTY)
    assert reviews == {item.subject: ids(item.heads) for item in register.items if len(item.charts) > 1}


@at_least_200
@given(histories(["assignment", "place"]))
def test_the_last_writer_is_shown_and_everything_beside(steps):
    """Who and where: the last statement that stands, by logical time and id; no statement is dropped, no review."""
    world = play(steps)
    state = world.state()
    for kind, found in (("assignment", state.assignment), ("place", state.place)):
        facts = readable(world, kind)
        last = max(standing(facts), key=lambda item: (item.lamport, item.id), default=None)
        assert found.current == last
        assert ids((*found.heads, *found.history)) == ids(facts)
    assert state.reviews == ()


@at_least_200
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 90)), min_size=2, max_size=10), st.integers(0, 2**16))
def test_clocks_are_one_review_a_session(minutes, seed):
    """However often a clock contradicts what was seen, its session is one review, the same in every order."""
    world = play([(who, ("write", ("place", {"location": "Tent"}), 0)) for who, _ in minutes], in_line=True)
    for item, (_, minute) in zip(world.facts(), minutes, strict=True):
        object.__setattr__(item, "wall_ms", 1_700_000_000_000 + minute * 60_000)
    reviews = [review for review in world.chart().reviews if review.kind == ReviewKind.CLOCK_SKEW]
    walls = [minute for _, minute in minutes]
    late = {minutes[n][0] for n in range(len(walls)) if walls[n] + 10 < max(walls[: n + 1])}
    assert len({review.subject for review in reviews}) == len(reviews) == len(late)
    assert as_json(world.state(seed=seed)) == as_json(world.state())


def _id(item):
    return item.id


def _refutes(item):
    return item.fact.payload.get("certainty") in {"refuted", "entered-in-error"}
