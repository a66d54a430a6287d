"""One code a line: each line gets an answer, whatever is on it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.scores.lines import LINE_BYTES_MAX
from edge_runtime.codes.lines import answer
from edge_runtime.codes.system import CODE_CHARS_MAX, system

LOINC = system("loinc")


def test_a_line_is_answered_with_four_members():
    """Code, valid, display and reason come back, the caller's id with them."""
    found = answer(LOINC, b'{"id": 7, "code": "8867-4", "unknown": true}\n', 1)
    assert found.answered
    assert json.loads(found.text) == {
        "id": 7,
        "code": "8867-4",
        "valid": True,
        "display": "Heart rate",
        "reason": "in our part of LOINC",
    }


def test_another_form_is_named():
    """Where another form was read, the answer says which."""
    found = json.loads(answer(system("icd10cm"), b'{"code": "i10"}', 1).text)
    assert (found["code"], found["read_as"], found["valid"]) == ("i10", "I10", True)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "not_json"),
        (b"nope", "not_json"),
        (b"[]", "not_json"),
        (b'"8867-4"', "not_json"),
        (b"\xff", "not_json"),
        (b"{" * 20_000, "not_json"),
        (b'{"code": "8867-4", "code": "8867-5"}', "duplicate_key"),
        (b"{}", "invalid_input"),
        (b'{"code": null}', "invalid_input"),
        (b'{"code": 8867}', "invalid_input"),
        (b'{"code": ["8867-4"]}', "invalid_input"),
        (b'{"code": "%s"}' % (b"1" * (CODE_CHARS_MAX + 1)), "invalid_input"),
        (b'{"id": [], "code": "8867-4"}', "invalid_input"),
        (b" " * (LINE_BYTES_MAX + 1), "line_too_long"),
    ],
)
def test_a_bad_line_is_told_with_its_number(line, code):
    """What is no question gets an error that says where it stands, and no judgement."""
    found = answer(LOINC, line, 12)
    error = json.loads(found.text)["error"]
    assert not found.answered
    assert (error["code"], error["line"]) == (code, 12)
    assert {"expected", "got", "do"} < set(error)


def test_a_bad_line_keeps_its_id_and_not_its_content():
    """The caller's id comes back with an error; what stood in the line does not."""
    found = answer(LOINC, b'{"id": "a", "code": {"name": "Zebedee"}}', 1).text
    assert json.loads(found)["id"] == "a"
    assert "Zebedee" not in found


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(line):
    """No line raises."""
    json.loads(answer(LOINC, line, 1).text)
