"""What a chart here had exported is known when it comes back; nothing else is."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from edge_runtime.fhir.exporting.identity import source_of
from edge_runtime.fhir.importing.planning import plan_import
from edge_runtime.fhir.importing.returning import Returning
from edge_runtime.fhir.reading.records import read_resources
from edge_runtime.fhir.reading.references import LOCAL
from sync_protocol.ids import ChartId

HERE, THERE = ChartId(b"h" * 16), ChartId(b"t" * 16)
OWN = "urn:uuid:11111111-1111-8111-8111-111111111111"
OTHER = "urn:uuid:22222222-2222-8222-8222-222222222222"


def _bundle(*entries: tuple[str, dict[str, Any]]) -> io.BytesIO:
    listed = [{"fullUrl": address, "resource": resource} for address, resource in entries]
    return io.BytesIO(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": listed}).encode())


def _patient(address: str, chart: ChartId | None) -> tuple[str, dict[str, Any]]:
    meta = {} if chart is None else {"meta": {"source": source_of(chart)}}
    return address, {"resourceType": "Patient", "id": address.rpartition(":")[2], **meta, "name": [{"text": "Ana"}]}


def _provenance(*targets: str) -> tuple[str, dict[str, Any]]:
    return "", {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"display": "x"}}],
    }


def _left(*entries: tuple[str, dict[str, Any]]) -> tuple[list[str], int]:
    known = Returning([HERE], "")
    found = [one.record for one in known.others(read_resources(_bundle(*entries), "in.json"))]
    return found, known.count


@pytest.mark.parametrize(("chart", "count"), [(HERE, 1), (THERE, 0), (None, 0)])
def test_only_a_chart_that_is_here_makes_a_resource_our_own(chart: ChartId | None, count: int) -> None:
    """By `meta.source` alone: a chart that is elsewhere, or none, leaves the resource to the import."""
    found, left_out = _left(_patient(OWN, chart))
    assert (len(found), left_out) == (1 - count, count)


def test_what_is_said_of_our_own_alone_is_left_out_with_it() -> None:
    """A Provenance of what was left out, and of nothing else; one that is about more is taken."""
    found, left_out = _left(_patient(OWN, HERE), _patient(OTHER, None), _provenance(OWN), _provenance(OWN, OTHER))
    assert (len(found), left_out) == (2, 2)


def test_an_address_of_ours_without_a_server_names_the_same_as_none() -> None:
    """`Patient/p1` and its address under LOCAL are one patient, in a record's address and in a reference."""
    patient = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana"}]}
    pulse = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": LOCAL + "Patient/p1"},
    }  # fmt: skip
    with_address = plan_import(read_resources(_bundle((LOCAL + "Patient/p1", patient), ("", pulse)), "a.json"))
    without = plan_import(read_resources(io.BytesIO(json.dumps(patient).encode()), "b.json"))
    assert [chart.key for chart in with_address.charts] == [chart.key for chart in without.charts]


def test_a_target_that_is_not_there_is_no_patient() -> None:
    """A URN of a resource outside the import makes no chart of its own: it may name anything."""
    plan = plan_import(read_resources(_bundle(_provenance(OTHER)), "in.json"))
    assert [chart.assigned for chart in plan.charts] == [False]
