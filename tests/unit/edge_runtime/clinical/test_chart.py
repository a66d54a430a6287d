"""The state of a chart: one list across its documents, and the conflicts between them."""

from __future__ import annotations

from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, as_json, fact, ids, review_facts, two


def test_lists_span_the_documents_of_a_chart():
    """An allergy that a medic recorded in an encounter is on the chart's list."""
    world, left, right = two()
    left.write(fact("allergy", text="Penicillin", severity="mild"), fact("identity", name="Ana"))
    right.write(fact("allergy", text="penicillin", severity="severe"), document=ENCOUNTER)
    right.write(fact("diagnosis", text="Fracture"), document=ENCOUNTER)
    chart = world.chart()
    (item,) = chart.allergies.items
    assert (item.severity, len(item.live)) == ("severe", 2)
    assert [document.document for document in chart.documents] == [CHART, ENCOUNTER]
    assert (len(chart.identity), len(chart.problems), chart.reviews) == (1, 1, ())
    assert not chart.allergies_incomplete


def test_documents_that_contradict_each_other_are_one_review_of_the_chart():
    """Stopped in the encounter, taken in the chart: shown as disputed, decided in the chart document."""
    world, left, right = two()
    taken = left.write(fact("medication", text="Warfarin", action="start", dose="5"))
    world.sync()
    stopped = right.write(fact("medication", text="Warfarin", action="stop"), document=ENCOUNTER)
    chart = world.chart()
    (review,) = chart.reviews
    assert review.document == CHART
    assert review.subject.startswith("across documents: ")
    assert review_facts(review) == {taken.id, stopped.id}
    assert {value.document for value in review.values} == {CHART, ENCOUNTER}
    assert (chart.medications[0].status, chart.medications_incomplete) == ("disputed", True)
    assert all(document.reviews == () for document in chart.documents)
    left.write(
        fact(
            "review_decision",
            conflict=str(review.id),
            heads=[str(taken.id), str(stopped.id)],
            decision="stop",
            reason="seen",
        )
    )
    chart = world.chart()
    assert not chart.reviews[0].open
    assert not chart.medications_incomplete


def test_a_conflict_inside_a_document_is_not_reviewed_twice():
    """What one document disputes is its own review; the chart's list only repeats that it is disputed."""
    world, left, right = two()
    for writer, dose in ((left, "5"), (right, "7")):
        writer.write(fact("medication", text="Warfarin", action="start", dose=dose), document=ENCOUNTER)
    chart = world.chart()
    assert [review.document for review in chart.reviews] == [ENCOUNTER]
    assert chart.medications[0].status == "disputed"
    assert chart.medications_incomplete


def test_what_one_document_leaves_unclear_is_not_reviewed_twice():
    """A dose that a statement leaves unclear is that document's review, not the chart's too."""
    world, left, right = two()
    changes = [
        writer.write(fact("medication", text="Warfarin", action="start", dose=dose))
        for writer, dose in ((left, "5"), (right, "7"))
    ]
    left.write(fact("medication", *changes, text="Warfarin", action="continue"))
    assert [review.subject for review in world.chart().reviews] == ["text:warfarin"]


def test_no_known_allergies_in_one_document_beside_an_allergy_of_another():
    """The allergy is kept and a person is asked, once."""
    world, left, right = two()
    none = left.write(fact("allergy", text="NKA"))
    found = right.write(fact("allergy", text="Latex"), document=ENCOUNTER)
    chart = world.chart()
    (review,) = chart.reviews
    assert review_facts(review) == {none.id, found.id}
    assert chart.allergies_incomplete


def test_a_refutation_of_another_document_hides_nothing():
    """A fact supersedes only within its document: the allergy stands, and the contradiction is a review."""
    world, left, _ = two()
    stated = left.write(fact("allergy", text="Latex"))
    refuted = left.write(fact("allergy", stated, text="Latex", verification="refuted"), document=ENCOUNTER)
    chart = world.chart()
    (item,) = chart.allergies.items
    assert ids(item.live) == {stated.id}
    (review,) = chart.reviews
    assert review_facts(review) == {stated.id, refuted.id}


def test_a_chart_document_without_facts_is_there():
    """A chart of which only an encounter has arrived shows its chart document as empty."""
    world, left, _ = two()
    left.write(fact("status", to="active"), document=ENCOUNTER)
    assert [document.document for document in world.chart().documents] == [CHART, ENCOUNTER]


def test_json_of_a_chart_has_stable_keys():
    """Scripts may rely on the keys."""
    world, left, _ = two()
    left.write(fact("allergy", text="Latex"), fact("medication", text="Warfarin", action="start"))
    shown = as_json(world.chart())
    assert list(shown) == [
        "chart_document",
        "identity",
        "allergies",
        "no_known_allergies",
        "no_known_allergies_history",
        "medications",
        "allergies_incomplete",
        "medications_incomplete",
        "problems",
        "unverified",
        "reviews",
        "documents",
        "triage",
        "diagnoses",
        "links",
        "newer_layout",
        "cross_check",
    ]
    assert shown["documents"][0]["document"] == str(CHART)
