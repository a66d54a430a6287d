"""The structure port by fhirkit-rs: its findings in our words, and never a word of the content."""

from __future__ import annotations

import json
import sys

import pytest

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.validation import structure
from edge_runtime.fhir.validation.problem import Code, Severity
from edge_runtime.fhir.validation.structure import FhirkitStructure

pytest.importorskip("fhirkit", reason="the extra 'fhir' brings fhirkit-rs")

SECRET = "Maria Huber"


def found(**members):
    """What the engine says of a Patient with these members."""
    text = json.dumps({"resourceType": "Patient"} | members).encode()
    return [(each.code, each.path, each.message) for each in FhirkitStructure().problems(text)]


@pytest.mark.parametrize(
    ("members", "code", "path", "message"),
    [
        ({"active": SECRET}, Code.STRUCTURE, "Patient.active", "expected true or false; got text"),
        ({"active": 1}, Code.STRUCTURE, "Patient.active", "expected true or false; got a number"),
        ({"active": {}}, Code.STRUCTURE, "Patient.active", "expected true or false; got an object"),
        ({"active": None}, Code.STRUCTURE, "Patient.active", "expected a value; got null: leave the element out"),
        ({"name": {"text": SECRET}}, Code.STRUCTURE, "Patient.name", "expected a list; got an object"),
        ({"gender": ["male"]}, Code.STRUCTURE, "Patient.gender", "expected one value; got a list"),
        ({"name": [SECRET]}, Code.STRUCTURE, "Patient.name[0]", "expected an object; got text"),
        ({"name": [None]}, Code.STRUCTURE, "Patient.name[0]", "expected an object; got null"),
        ({"name": []}, Code.STRUCTURE, "Patient.name", "expected at least one item; got an empty list"),
        ({"name": [{"family": ""}]}, Code.VALUE, "Patient.name[0].family",
         "expected text; got an empty text: leave the element out"),
        ({"name": [{"given": [None]}]}, Code.STRUCTURE, "Patient.name[0].given[0]",
         "expected a value or an extension; got neither"),
        ({"link": [None]}, Code.STRUCTURE, "Patient.link[0]", "expected an object; got null"),
        ({"multipleBirthInteger": "1"}, Code.STRUCTURE, "Patient.multipleBirthInteger",
         "expected a whole number; got text"),
        ({"multipleBirthInteger": 1.5}, Code.VALUE, "Patient.multipleBirthInteger",
         "expected a whole number of 32 bits; got another form"),
        ({"multipleBirthInteger": 2**40}, Code.VALUE, "Patient.multipleBirthInteger",
         "expected a whole number of 32 bits; got one beyond that"),
        ({"telecom": [{"rank": 0}]}, Code.VALUE, "Patient.telecom[0].rank",
         "expected a whole number from 1 to 2147483647; got another form"),
        ({"birthDate": f"1999-13-01 {SECRET}"}, Code.VALUE, "Patient.birthDate",
         "expected a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD; got another form"),
        ({"birthDate": 'is not a valid date" or so'}, Code.VALUE, "Patient.birthDate",
         "expected a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD; got another form"),
        ({"photo": [{"data": "!!"}]}, Code.VALUE, "Patient.photo[0].data", "expected base64; got another form"),
        ({"link": [{"type": "seealso"}]}, Code.REQUIRED, "Patient.link[0].other", "expected this element; got none"),
        ({"nickname": SECRET}, Code.STRUCTURE, "Patient.nickname",
         "expected an element of R4; got one that this type does not have"),
        ({SECRET: SECRET}, Code.STRUCTURE, "Patient.?",
         "expected an element of R4; got one that this type does not have"),
        ({"name": [{f"{SECRET}.{SECRET}": 1}]}, Code.STRUCTURE, "Patient.name[0].?",
         "expected an element of R4; got one that this type does not have"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, Code.STRUCTURE, "Patient.deceased[x]",
         "expected one type of this choice; got several"),
    ],
)  # fmt: skip
def test_each_finding_is_said_once_in_our_words(members, code, path, message):
    """The engine's sentence becomes ours: code, path and what was expected, without what stood there."""
    assert found(**members) == [(code, path, message)]


def test_lists_that_do_not_line_up_are_found():
    """A primitive's list and its companion's have the same length."""
    said = found(name=[{"given": ["a", "b"], "_given": [None]}])
    assert said == [
        (Code.STRUCTURE, "Patient.name[0]._given", "expected two lists of the same length; got others"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"resourceType":"Patient" "x"}', "expected JSON in UTF-8; got something else at line 1, column 27"),
        (b"\xff", "expected JSON in UTF-8; got something else"),
        (b'{"resourceType":"Patient","name":"Maria', "expected JSON in UTF-8; got something else at line 1"),
    ],
)
def test_what_is_no_json_is_fatal(text, message):
    """Bytes that are no JSON are one fatal problem, with the place where the engine knows it."""
    (problem,) = FhirkitStructure().problems(text)
    assert (problem.severity, problem.code, problem.path) == (Severity.FATAL, Code.INVALID, "")
    assert problem.message.startswith(message)
    assert "Maria" not in problem.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"resourceType":"Maria"}', Code.NOT_SUPPORTED),
        (b"{}", Code.STRUCTURE),
        (b'{"resourceType":"Patient","active":true,"active":true}', Code.STRUCTURE),
        (
            b'{"resourceType":"Patient","extension":' + b'[{"url":"a","extension":' * 200 + b"[]" + b"}]" * 200 + b"}",
            None,
        ),
    ],
)
def test_other_faults_have_a_code_too(text, code):
    """A type of none, no type, a key twice, deep nesting."""
    said = FhirkitStructure().problems(text)
    assert said
    assert code in {None, said[0].code}
    assert not any("Maria" in each.message for each in said)


def test_a_no_break_space_belongs_to_a_code():
    """The engine calls it a blank; the specification's form of a code knows the blanks of XML only."""
    assert found(name=[{"use": "usual\u00a0"}]) == []
    assert found(name=[{"use": "\u00a0"}]) == []
    for wrong in ("usual ", "usu  al", " "):
        ((code, _, _),) = found(name=[{"use": wrong}])
        assert code is Code.VALUE


@pytest.mark.parametrize(
    "message",
    [
        'expected "Patient", found "Maria"',
        "expected Maria, found Huber",
        "expected maria, found huber",
        'something new about "Maria"',
        '"Maria" is not a valid name',
        "",
    ],
)
def test_a_sentence_that_nobody_knows_is_not_repeated(message):
    """A new form of the engine's words becomes one plain sentence."""
    (problem,) = structure._understood([("warning", "Patient.name", message)])
    assert problem.message == "expected the structure that R4 gives this element; got another"
    assert (problem.severity, problem.code) == (Severity.WARNING, Code.STRUCTURE)


def test_a_missing_extra_is_one_clear_line(monkeypatch):
    """Without fhirkit-rs the port says which extra brings it."""
    monkeypatch.setitem(sys.modules, "fhirkit", None)
    with pytest.raises(RefusedError, match=r"fieldward\[fhir\]"):
        FhirkitStructure()
