"""Two devices that were apart for long: the same state and the same reviews in the same order, and so do decisions."""

from __future__ import annotations

import random

import pytest

from edge_runtime.clinical.chart import derive_chart
from tests.conftest import SOAK
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, World, as_json, fact

APART = 500
"""Facts that each of the two writes without knowledge of the other."""
TOGETHER = 60
"""Facts that both know before."""
_CHOICES = {
    "allergy": lambda r: {
        "text": r.choice(["Penicillin", "Latex", "Peanut", "NKA"]),
        "severity": r.choice(["mild", "severe"]),
        "verification": r.choice(["confirmed", "refuted"]),
    },
    "medication": lambda r: {
        "text": r.choice(["Warfarin", "Aspirin", "Insulin"]),
        "action": r.choice(["start", "change", "stop"]),
        "dose": r.choice(["5", "7.5"]),
    },
    "status": lambda r: {"to": r.choice(["active", "paused", "completed", "cancelled"])},
    "priority": lambda r: {"to": r.choice(["routine", "urgent", "critical"])},
    "triage": lambda r: {"to": r.choice(["immediate", "delayed", "minor", "deceased"])},
    "assignment": lambda r: {"to": r.choice(["Night shift", "Day shift"])},
    "place": lambda r: {"location": r.choice(["Tent 1", "Tent 2"])},
    "diagnosis": lambda r: {
        "text": r.choice(["Sepsis", "Fracture"]),
        "certainty": r.choice(["confirmed", "provisional", "refuted"]),
    },
    "observation": lambda r: {"code": "8867-4", "text": "HR", "value": r.choice(["70", "95"]), "unit": "/min"},
    "step": lambda r: {"fraction": r.choice("KVW"), "name": r.choice(["Blood", "Splint"])},
    "specimen": lambda r: {"specimen": r.choice(["A1", "B2"]), "to": r.choice(["collected", "received", "rejected"])},
    "link": lambda r: {
        "relation": r.choice(["same_patient", "not_same_patient"]),
        "chart": r.choice(["aa", "bb"]) * 16,
    },
    "casualty": lambda r: {"number": r.choice(["7", "17"]), "chart": r.choice(["aa", "bb"]) * 16},
    "genome": lambda r: {"bases": r.choice("ACGT")},
}
_NAMING = {
    "step_event": ("step", "step", ["in_progress", "completed", "skipped", "failed"]),
    "validation": ("observation", "observation", ["validated", "rejected"]),
}


def some_fact(writer, document, rng):
    """A fact of any kind, which replaces up to three of the last that its author sees of that kind."""
    kind = rng.choice([*_CHOICES, *_NAMING])
    own = [item for item in writer.facts() if item.document == document]
    if kind in _NAMING:
        key, of, words = _NAMING[kind]
        named = [item for item in own if item.fact.kind == of]
        payload = {key: str(rng.choice(named).id) if named else "ab" * 32 + ":0", "to": rng.choice(words)}
    else:
        payload = _CHOICES[kind](rng)
    seen = [item for item in own if item.fact.kind == kind][-3:]
    return fact(kind, *rng.sample(seen, rng.randint(0, len(seen))), **payload)


def write(writer, count, rng):
    """Write that many facts, a few an entry."""
    while count:
        size = min(count, rng.randint(1, 12))
        document = rng.choice([CHART, ENCOUNTER])
        writer.write(*(some_fact(writer, document, rng) for _ in range(size)), document=document)
        count -= size


def apart(seed):
    """Two devices that share a little and have since written much without knowledge of each other."""
    rng = random.Random(seed)
    world = World(seed)
    left, right = world.writer("physician"), world.writer("nurse")
    write(left, TOGETHER, rng)
    world.sync()
    for writer in (left, right):
        write(writer, APART, rng)
    return world, left, right, rng


def chart_of(writer, rng):
    """The chart as this device shows it, its facts taken in by chance and some of them twice."""
    facts = writer.facts()
    facts += rng.choices(facts, k=50)
    rng.shuffle(facts)
    return derive_chart(CHART, facts, [writer.world.graph(writer.seen.values(), rng)])


def decide(writer, chart, rng):
    """A person at this device decides half of what is open here."""
    for review in rng.sample(chart.reviews, len(chart.reviews) // 2):
        heads = [str(value.fact) for value in review.values][:256]
        verdict = rng.choice(["keep both", "the first", "the second"])
        stated = fact("review_decision", conflict=str(review.id), heads=heads, decision=verdict, reason="seen")
        writer.write(stated, document=review.document)


@pytest.mark.parametrize("seed", range(40 if SOAK else 1))
def test_two_devices_that_differ_by_a_thousand_facts_show_the_same(seed):
    """A thousand concurrent facts of every kind: the same state, each conflict one review, in the same order.

    Then both decide half of the reviews without knowledge of each other: what is open and what is settled is the same
    on both again, and where they decided differently it is still open.
    """
    world, left, right, rng = apart(seed)
    assert len({*left.seen}.symmetric_difference(right.seen)) > 0
    assert sum(len(entry.facts) for name, entry in world.entries.items() if name not in left.seen) == APART
    world.sync()
    charts = [chart_of(writer, rng) for writer in (left, right)]
    assert as_json(charts[0]) == as_json(charts[1])
    assert charts[0] == charts[1]
    names = [review.id for review in charts[0].reviews]
    assert names == [review.id for review in charts[1].reviews]
    assert len(names) == len(set(names)) > 10
    for writer, chart in zip((left, right), charts, strict=True):
        decide(writer, chart, rng)
    world.sync()
    decided = [chart_of(writer, rng) for writer in (left, right)]
    assert decided[0] == decided[1]
    assert [review.id for review in decided[0].reviews] == names
    assert any(not review.open for review in decided[0].reviews)
    assert all(review.open for review in decided[0].reviews if not review.decisions)
    verdicts = {item.id: item.fact.payload["decision"] for item in world.facts() if item.fact.kind == "review_decision"}
    for review in decided[0].reviews:
        assert review.open == (len({verdicts[name] for name in review.decisions}) != 1)
