"""The forms of primitive types: what FHIR allows passes, its neighbours do not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.primitives import FORMS, PRIMITIVES, STRING_CHARS_MAX
from edge_runtime.fhir.validation.problem import Code

UUID = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
SOUND: dict[str, list[object]] = {
    "string": ["a", "a\n\tb", "é\u00a0", " "],
    "markdown": ["# a\r\n"],
    "code": ["final", "in progress", "CHEST\u00a0", "<="],
    "id": ["a", "A-1.b", "x" * 64],
    "uri": ["http://example.org/é", "urn:oid:1.2", "a"],
    "url": ["mailto:a@example.org"],
    "canonical": ["http://example.org/q|1.0#x"],
    "oid": ["urn:oid:1.2.840.0.1", "urn:oid:2.16"],
    "uuid": [UUID],
    "time": ["00:00:00", "23:59:60", "12:30:01.123456"],
    "date": ["2024", "2024-02", "2024-02-29", "0001", "2000-02-29", "1999-12-31"],
    "dateTime": [
        "2024",
        "2024-02-29",
        "2024-02-29T00:00:00Z",
        "2024-01-01T23:59:60.5+14:00",
        "2024-01-01T10:00:00-13:59",
    ],
    "instant": ["2015-02-07T13:28:17.239+02:00"],
    "integer": [0, -(2**31), 2**31 - 1],
    "unsignedInt": [0, 2**31 - 1],
    "positiveInt": [1, 2**31 - 1],
    "decimal": [0, -1, Decimal("1.00"), Decimal("1E-9"), 10**30],
    "boolean": [True, False],
    "base64Binary": ["QUJD", "QUI=", "QQ==", "QU JD\n"],
}
WRONG: dict[str, list[object]] = {
    "string": ["", "a\x00", "\x0b"],
    "markdown": ["", "\x1f"],
    "code": ["", " a", "a ", "a  b", "a\tb", "a\nb", "\ta"],
    "id": ["", "a b", "a_b", "x" * 65, "é", "a\n"],
    "uri": ["", "a b", "a\n"],
    "url": ["", "http://a b"],
    "canonical": ["", "a\tb"],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", UUID.upper(), f"{UUID}0"],
    "time": ["24:00:00", "12:60:00", "12:30", "12:30:61", "1:00:00"],
    "date": ["2023-02-29", "2023-02-30", "1900-02-29", "2023-04-31", "2023-13", "2023-00-01", "0000", "99", "2023-1-1",
             "2023-01-01T00:00:00Z", "٢٠٢٣", "2023-01-01\n", "2023-01-00", "2023-01-32"],
    "dateTime": ["2024-01-01T24:00:00Z", "2024-01-01T10:00:00", "2024-01-01T10:00Z", "2024-01-01T10Z",
                 "2024-01-01T10:00:00+14:01", "2024-01-01 10:00:00Z", "2023-02-29T10:00:00Z", "2024-01T10:00:00Z"],
    "instant": ["2024", "2024-01-01", "2024-01-01T10:00:00", "2023-06-31T10:00:00Z"],
    "integer": [2**31, -(2**31) - 1, Decimal("1.0"), Decimal("1E2")],
    "unsignedInt": [-1, 2**31, Decimal(1)],
    "positiveInt": [0, -1, 2**31],
    "decimal": [],
    "boolean": [],
    "base64Binary": ["", "QQ", "Q===", "!!!!", "QUI=QUI=", "QU-_"],
}  # fmt: skip

SAID = {
    "another form",
    "an empty text: leave the element out",
    "a day that its month does not have",
    "one beyond that",
    "one with a fraction or an exponent",
}


def found(kind, value):
    """What the check of a type says of a value."""
    findings = Findings()
    PRIMITIVES[kind](value, findings)
    return [(each.code, each.message) for each in findings.found]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in SOUND.items() for value in values])
def test_a_sound_value_passes(kind, value):
    """What section 2.24.0.1 allows of a type is no problem."""
    assert found(kind, value) == []


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in WRONG.items() for value in values])
def test_a_value_of_another_form_is_a_problem_of_value(kind, value):
    """What is of the right JSON kind but of another form is a VALUE problem that does not repeat it."""
    ((code, message),) = found(kind, value)
    assert code is Code.VALUE
    assert message.removeprefix(f"expected {FORMS[kind]}; got ") in SAID


@pytest.mark.parametrize("kind", sorted(PRIMITIVES))
@pytest.mark.parametrize("value", [None, [], {}, True, 1, Decimal("1.5"), "text-Maria"])
def test_a_value_of_another_kind_is_a_problem_of_structure(kind, value):
    """Text for a number, a number for text, an object for either: STRUCTURE, and the kind is named, not the value."""
    numbers = {"decimal", "integer", "unsignedInt", "positiveInt"}
    takes = {bool} if kind == "boolean" else {int, Decimal} if kind in numbers else {str}
    if type(value) in takes:
        return
    ((code, message),) = found(kind, value)
    assert code is Code.STRUCTURE
    assert "Maria" not in message


def test_a_string_has_a_limit():
    """FHIR strings have at most 1 MB."""
    assert found("string", "a" * STRING_CHARS_MAX) == []
    ((code, _),) = found("string", "a" * (STRING_CHARS_MAX + 1))
    assert code is Code.TOO_COSTLY


def test_every_type_has_its_words():
    """Whoever words a problem finds the form of every type."""
    assert FORMS.keys() == PRIMITIVES.keys()
