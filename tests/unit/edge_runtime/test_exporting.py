"""Charts out of a device: every resource that came in goes out as it came, and what comes back changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.exporting import scene_of
from edge_runtime.fhir.exporting.bundles import Form, bundle
from edge_runtime.fhir.exporting.charts import resources, sealed, told_apart
from edge_runtime.fhir.exporting.identity import source_of
from edge_runtime.fhir.exporting.scene import Made
from edge_runtime.fhir.reading.records import Record, read_resources
from edge_runtime.fhir.reading.strict_json import digest
from edge_runtime.importing import ImportReport, import_charts
from sync_protocol.roles import Role
from tests.support import fhir_examples
from tests.unit.edge_runtime.clinic import Clinic, Device, fact

ID_CHARS_MAX = 64
"""Of an id in R4; one official example has a longer one, and is refused."""
EXAMPLES = Path(__file__).parents[3] / "edge_runtime" / "data" / "fhir_r4" / "examples.ndjson.gz"


@pytest.fixture(name="device")
def fixture_device(clinic: Clinic) -> Device:
    """A physician's device."""
    return clinic.device(Role.PHYSICIAN)


def _exported(device: Device, out: Path) -> list[Made]:
    """All charts of a device, in one collection."""
    taken: set[str] = set()
    made: list[Made] = []
    for chart in device.keyring.charts():
        scene = scene_of(device.charts.open(chart), device.identity, now_ms=device.clinic.clock())
        assert sealed(scene) == 0
        made += told_apart(source_of(chart), resources(scene), taken)
    out.write_bytes(b"".join(bundle(made, Form.COLLECTION, now_ms=0)))
    return made


def _read(files: Iterable[Path]) -> dict[tuple[str, str], set[str]]:
    """By type and id, what each version of a resource says."""
    found: dict[tuple[str, str], set[str]] = {}
    for file in files:
        with file.open("rb") as stream:
            for one in read_resources(stream, file.name):
                if isinstance(one, Record):
                    found.setdefault((one.type, str(one.resource.get("id"))), set()).add(one.content)
    return found


def _round(device: Device, files: list[Path], out: Path) -> ImportReport:
    """Import, export, compare, import what was exported."""
    import_charts(device.charts, files)
    made = _exported(device, out)
    sent = {digest(dict(one.content)) for one in made}
    versions = _read(files)
    lost = [name for name, contents in versions.items() if sent.isdisjoint(contents) and len(name[1]) <= ID_CHARS_MAX]
    assert lost == []
    assert not [
        one for one in made if one.verbatim and digest(dict(one.content)) not in set().union(*versions.values())
    ]
    return import_charts(device.charts, [out])


def test_packaged_examples_go_out_as_they_came(device: Device, tmp_path: Path):
    """Every official example of a mapped type: nothing of any is lost, and imported again nothing changes."""
    again = _round(device, [EXAMPLES], tmp_path / "out.json")
    assert (again.charts_new, again.entries_new) == (0, 0)


@pytest.mark.soak
@pytest.mark.skipif(not fhir_examples.is_there(), reason=fhir_examples.HOW)
def test_every_official_example_goes_out_as_it_came(device: Device, tmp_path: Path):
    """All 5,305, of whatever type; of those that hold several versions of a resource, one of them."""
    files = [path for path in sorted(fhir_examples.FOLDER.glob("*-*.json")) if path.stem != "ig-r4"]
    again = _round(device, files, tmp_path / "out.json")
    assert (again.charts_new, again.entries_new) == (0, 0)


def test_an_export_of_ours_is_a_chart_elsewhere(device: Device, tmp_path: Path):
    """Another organisation's device makes one chart of it; a second time, and back at home, nothing is new."""
    charts = device.charts
    chart, (document, visit) = charts.create([fact("identity", name="Ana Lima")], workflow=WorkflowType.TELEMEDICINE)
    charts.add_facts(chart, document, [fact("allergy", text="Latex", severity="severe")])
    charts.add_facts(chart, visit, [fact("observation", code="8867-4", text="Heart rate", value="72.0", unit="/min")])
    out = tmp_path / "out.json"
    _exported(device, out)
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Clinic(tmp_path / "elsewhere", seed=7).device(Role.PHYSICIAN)
    first, second = (import_charts(elsewhere.charts, [out]) for _ in range(2))
    assert (first.charts_new, second.charts_new, second.entries_new) == (1, 0, 0)
    (made,) = elsewhere.keyring.charts()
    opened = elsewhere.charts.open(made)
    assert [item.names for item in opened.state.allergies.items] == [("Latex",)]
    assert {state.workflow_type for state in opened.states()} == {WorkflowType.CHART, WorkflowType.TELEMEDICINE}
    returned = tmp_path / "returned.json"
    _exported(elsewhere, returned)
    back, again = (import_charts(charts, [returned]) for _ in range(2))
    assert (back.charts_new, again.charts_new, again.entries_new) == (0, 0, 0)
    assert back.own > 0
    assert back.plan.mapped == {}  # what comes back says who took it in elsewhere, and states nothing
    assert len(charts.open(chart).state.allergies.items[0].live) == 1


def test_what_others_add_finds_the_chart_and_its_document(device: Device, tmp_path: Path):
    """A result that names our Patient and Encounter goes into that chart, and into the document of that visit."""
    chart, (_, visit) = device.charts.create([fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER)
    made = _exported(device, tmp_path / "out.json")
    addresses = {one.type: one.address for one in made}
    answer = tmp_path / "answer.json"
    answer.write_text(
        '{"resourceType":"Observation","id":"lab-1","status":"final","code":{"text":"Hb"},"subject":{"reference":"'
        + addresses["Patient"].replace("urn:uuid:", "Patient/")
        + '"},"encounter":{"reference":"'
        + addresses["Encounter"].replace("urn:uuid:", "Encounter/")
        + '"},"valueQuantity":{"value":7.1,"unit":"g/dL"}}',
        encoding="utf-8",
    )
    first, second = (import_charts(device.charts, [answer]) for _ in range(2))
    assert (first.charts_new, first.refused, second.charts_new, second.entries_new) == (0, [], 0, 0)
    opened = device.charts.open(chart)
    assert [one.fact.fact.payload["value"] for one in opened.document(visit).observations] == ["7.1"]
    assert len(opened.state.identity) == 1
