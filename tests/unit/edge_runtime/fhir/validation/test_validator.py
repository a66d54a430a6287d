"""The validator: parts joined, each fault once, sorted, nothing of the content repeated, nothing raised."""

from __future__ import annotations

import gzip
import io
import json
import random
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.fhir.reading.records import Record, read_resources
from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.problem import Code, Problem, Severity
from edge_runtime.fhir.validation.structure import FhirkitStructure
from edge_runtime.fhir.validation.validator import Validator, joined, open_validator
from tests.unit.edge_runtime.fhir.inputs import EXAMPLES

from .walking import the_walk

pytest.importorskip("fhirkit", reason="the extra 'fhir' brings fhirkit-rs")
pytest.importorskip("fhirpathpy", reason="the extra 'fhir' brings fhirpathpy")

SECRET = "Maria Huber 1950"


@cache
def validator() -> Validator:
    """One validator for all tests, as a process has one."""
    return open_validator()


@cache
def examples() -> list[bytes]:
    """The official examples that the package holds."""
    return gzip.decompress(EXAMPLES.read_bytes()).splitlines()


def said(resource):
    """What the validator says, without dom-6's advice to have a narrative."""
    problems = validator().resource(json.dumps(resource).encode())
    return [(each.code.value, each.path) for each in problems if each.rule != "dom-6"]


def problem(code=Code.VALUE, path="Patient.id", *, rule="", severity=Severity.ERROR, message="m"):
    """A problem that a part might find."""
    return Problem(severity=severity, code=code, path=path, message=message, rule=rule)


def test_examples_of_the_package_are_judged_alike_as_bytes_and_as_records():
    """A record of the reader and its bytes have the same problems; two official examples in the package have some."""
    rejected = []
    for line in examples()[::7]:
        (record,) = read_resources(io.BytesIO(line), "example.json")
        assert isinstance(record, Record)
        problems = validator().resource(record)
        assert problems == validator().resource(line)
        if any(each.invalidates for each in problems):
            rejected.append(f"{record.type}/{record.resource['id']}")
    assert set(rejected) <= {"MedicationRequest/medrx0301", "Observation/clinical-gender"}


@pytest.mark.parametrize(
    ("text", "severity", "code"),
    [
        (b"", "fatal", "invalid"),
        (b"\xff\xfe", "fatal", "invalid"),
        (b'{"resourceType":"Patient"', "fatal", "invalid"),
        (b'{"resourceType":"Patient","multipleBirthInteger":NaN}', "fatal", "invalid"),
        (b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 5000 + b"}", "fatal", "invalid"),
        (b"[" * 100_000, "fatal", "invalid"),
        (b"[]", "error", "structure"),
        (b"null", "error", "structure"),
        (b"{}", "error", "structure"),
        (b'{"resourceType":["Patient"]}', "error", "structure"),
        (b'{"resourceType":"Maria"}', "error", "not-supported"),
    ],
)
def test_what_is_no_resource_is_one_problem(text, severity, code):
    """No JSON, no object, no type, a type of none: one problem without a path, and nothing of the text."""
    (found,) = validator().resource(text)
    assert (found.severity.value, found.code.value, found.path) == (severity, code, "")
    assert "Maria" not in found.message


@pytest.mark.parametrize("depth", [100, 300, 900, 20_000])
def test_deep_nesting_is_a_problem_and_no_crash(depth):
    """Levels beyond what can be walked cost that resource only."""
    text = (
        b'{"resourceType":"Patient","extension":' + b'[{"url":"http://a","extension":' * depth + b"[]" + b"}]" * depth
    )
    assert any(each.invalidates for each in validator().resource(text + b"}"))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"birthDate": "1999-13-01"}, [("value", "Patient.birthDate")]),
        ({"birthDate": "1999-02-30"}, [("value", "Patient.birthDate")]),
        ({"name": [{}]}, [("structure", "Patient.name[0]")]),
        ({"_birthDate": "x"}, [("structure", "Patient.birthDate")]),
        ({"_nickname": "x"}, [("structure", "Patient.nickname")]),
        ({"language": " "}, [("value", "Patient.language")]),
        ({"managingOrganization": {"reference": "#x"}}, [("not-found", "Patient.managingOrganization")]),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, [("structure", "Patient.deceased[x]")]),
        ({"text": {"status": "generated", "div": "<div>x</div>"}}, [("value", "Patient.text.div")]),
        ({"contact": [{"gender": "male"}]}, [("invariant", "Patient.contact[0]")]),
        (
            {"name": [{"use": "x"}] * 11 + [{"use": "usual"}]},
            [("code-invalid", f"Patient.name[{i}].use") for i in range(11)],
        ),
    ],
)
def test_a_fault_that_several_parts_find_is_said_once(members, expected):
    """Structure, tables and invariants overlap; the list has each fault once, by path, entry 2 before entry 10."""
    assert said({"resourceType": "Patient"} | members) == expected


def test_parts_are_joined_by_path():
    """The structure's words go first, a binding is not asked of what has no form, a rule that echoes is left out."""
    structural = [problem(Code.REQUIRED, "Patient.link[0].other")]
    walked = [
        problem(Code.REQUIRED, "Patient.link[0].other", message="again"),
        problem(Code.CODE_INVALID, "Patient.gender"),
        problem(Code.VALUE, "Patient.language"),
        problem(Code.CODE_INVALID, "Patient.language"),
        problem(Code.NOT_FOUND, "Patient.managingOrganization"),
        problem(Code.SECURITY, "Patient.text.div", rule="txt-1"),
    ]
    ruled = [
        problem(Code.INVARIANT, "Patient.managingOrganization", rule="ref-1"),
        problem(Code.INVARIANT, "Patient.text.div", rule="txt-1"),
        problem(Code.INVARIANT, "Patient.link[0].other", rule="ele-1"),
        problem(Code.INVARIANT, "Patient.name[0]", rule="ele-1"),
        problem(Code.INVARIANT, "Patient.contact[0]", rule="pat-1"),
        problem(Code.INFORMATIONAL, "Patient", rule="x-1", severity=Severity.INFORMATION),
    ]
    assert [(each.code.value, each.path) for each in joined(structural, walked, ruled)] == [
        ("invariant", "Patient.contact[0]"),
        ("code-invalid", "Patient.gender"),
        ("value", "Patient.language"),
        ("required", "Patient.link[0].other"),
        ("not-found", "Patient.managingOrganization"),
        ("invariant", "Patient.name[0]"),
        ("security", "Patient.text.div"),
    ]
    # Which rule could not be judged is of use only where nothing else is wrong with the structure.
    assert [each.path for each in joined([], [], ruled[-1:])] == ["Patient"]


def test_the_same_resource_has_the_same_problems():
    """The answer depends on the resource alone, not on what was judged before."""
    text = json.dumps({"resourceType": "Observation", "status": "x", "component": [{}], "foo": 1}).encode()
    fresh = open_validator()
    assert validator().resource(text) == fresh.resource(text) == validator().resource(text)


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def mutated(text: bytes, seed: int) -> bytes:
    """An example with something else at up to three of its places: taken away, doubled, of another kind, renamed."""
    picks = random.Random(seed)
    value = json.loads(text)
    for _ in range(picks.randint(1, 3)):
        *way, last = picks.choice([each for each in places(value) if each])
        parent = value
        for step in way:
            parent = parent[step]
        match picks.randrange(4):
            case 0:
                del parent[last]
            case 1 if isinstance(parent, dict):
                parent[picks.choice([SECRET, "_x", f"_{last}", "resourceType", "id", "contained"])] = parent.pop(last)
            case 2:
                parent[last] = [parent[last], parent[last]]
            case _:
                parent[last] = picks.choice(
                    [None, True, -1, 1.5, "", SECRET, [], {}, [[]], {"a": SECRET}, "#x", "\ud800"]
                )
    return json.dumps(value).encode()


@pytest.mark.parametrize("seed", range(0, 3000, 10))
def test_the_walk_finds_by_itself_what_the_engine_finds(seed):
    """Two implementations agree: where the engine sees a fault the walk sees one, there or at an empty parent."""
    text = mutated(examples()[seed % len(examples())], seed)
    value = json.loads(text, parse_float=Decimal)
    if value.get("resourceType") not in list(load_definitions().resource_types):
        return
    findings = Findings()
    the_walk().resource(value, findings)
    findings.step(0, value["resourceType"])
    walked = {each.path for each in findings.found}
    for each in FhirkitStructure().problems(text):
        path = each.path.replace("._", ".")
        assert each.severity is Severity.FATAL or {path, path.rpartition(".")[0]} & walked


def check_mutation(seed: int) -> None:
    """Judge one mutation: it answers, sorted, each problem once, and gives away nothing."""
    text = mutated(examples()[seed % len(examples())], seed)
    problems = validator().resource(text)
    assert len(problems) == len(set(problems))
    for each in problems:
        assert SECRET not in each.path
        assert SECRET not in each.message


@settings(max_examples=150)
@given(st.integers(min_value=0, max_value=2**32))
def test_a_mutated_resource_is_judged_without_raising(seed):
    """Property: whatever is changed in an official example, the validator answers, and no answer repeats content."""
    check_mutation(seed)


@pytest.mark.soak
def test_many_mutated_resources_are_judged_without_raising():
    """The same over 100,000 mutations."""
    for seed in range(100_000):
        check_mutation(seed)


def test_a_structure_of_others_can_stand_in():
    """The port is all that the validator asks of the engine."""

    class Nothing:
        def problems(self, text: bytes) -> list[Problem]:
            assert text
            return []

    alone = Validator(Nothing(), load_definitions(), lambda *_: [])
    assert [each.path for each in alone.resource(b'{"resourceType":"Patient","gender":"m"}')] == ["Patient.gender"]
    assert [each.severity.value for each in alone.resource(b"x")] == ["fatal"]


def test_a_number_that_no_arithmetic_holds_is_no_json():
    """Whoever hands over bytes that the reader did not see gets a problem as well."""
    problems = validator().resource(
        b'{"resourceType": "Observation", "valueQuantity": {"value": 1e99999999999999999999}}'
    )
    assert [(each.severity, each.code) for each in problems] == [(Severity.FATAL, Code.INVALID)]


@pytest.mark.parametrize("name", ["_", "__", "_x"])
def test_a_name_of_nothing_but_an_underscore_is_said_once(name):
    """An unknown element has one problem, whatever its name."""
    assert said({"resourceType": "Patient", name: 1}) == [("structure", f"Patient.{name[1:] or name}")]
