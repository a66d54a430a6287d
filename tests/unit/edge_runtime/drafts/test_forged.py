"""Drafts that no skill made: what a member of the chart wrote by hand is taken over under the same rules."""

from __future__ import annotations

from typing import Any

import pytest

from edge_runtime.facts import FactId
from tests.unit.edge_runtime.clinic import fact
from tests.unit.edge_runtime.drafts.ward import Ward, refused


def forged(ward: Ward, *parts: dict[str, Any], **more: Any) -> FactId:
    """A draft that the nurse wrote past `Drafts.record`, as the doctor holds it."""
    payload = {"skill": "codes", "template": "codes/1", "source": "I hurt my ankle.", "parts": [*parts], **more}
    ward.nurse.charts.add_facts(ward.chart, ward.document, [fact("draft", **payload)])
    ward.meet()
    (found,) = ward.drafts(ward.doctor).listed(ward.doctor.charts.open(ward.chart))
    return found.id


def proposing(kind: str, **payload: Any) -> dict[str, Any]:
    """A part that says one thing and proposes another."""
    return {
        "name": "codes.1",
        "kind": "fact",
        "text": "Sprain of right ankle",
        "proposes": {"kind": kind, "payload": payload},
    }


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("allergy", {"text": "Penicillin", "verification": "refuted"}),
        ("diagnosis", {"text": "Sepsis", "certainty": "refuted"}),
        ("medication", {"text": "Insulin", "action": "stop"}),
        ("observation", {"code": "8867-4", "text": "HR", "value": "300", "confirmed": True}),
    ],
)
def test_what_would_end_something_is_not_taken_over_whoever_wrote_the_draft(
    ward: Ward, kind: str, payload: dict[str, Any]
):
    """Judged again when it is accepted: the draft may come from a device that judged nothing."""
    draft = forged(ward, proposing(kind, **payload))
    size = ward.doctor.store.size()
    with refused("draft_would_end"):
        ward.accept(ward.doctor, draft)
    assert ward.doctor.store.size() == size
    assert ward.found(ward.doctor, draft).open
