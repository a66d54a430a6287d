"""Files for tests of Bundles, and the way from them to problems."""

from __future__ import annotations

import functools
import io
import json
from typing import Any

from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.files import FileCheck
from edge_runtime.fhir.validation.problem import Severity
from edge_runtime.fhir.validation.validator import open_validator

NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
ONE, TWO, THREE = (f"urn:uuid:00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))

validator = functools.cache(open_validator)


def resource(kind="Patient", **more):
    """A sound resource of a type, for Patient and Observation and those that need nothing."""
    needs: dict[str, dict[str, Any]] = {
        "Observation": {"status": "final", "code": {"text": "x"}},
        "Composition": {
            "status": "final",
            "type": {"text": "x"},
            "date": "2024-01-01",
            "author": [{"display": "x"}],
            "title": "x",
        },
        "MessageHeader": {"eventUri": "http://x.example", "source": {"endpoint": "http://x.example"}},
        "Provenance": {
            "target": [{"display": "x"}],
            "recorded": "2024-01-01T00:00:00Z",
            "agent": [{"who": {"display": "x"}}],
        },
    }
    return {"resourceType": kind, "text": NARRATIVE} | needs.get(kind, {}) | more


def entry(full_url=None, **more):
    """An entry: `resource=` and so on; without any, with a Patient."""
    made = more or {"resource": resource()}
    return ({"fullUrl": full_url} if full_url else {}) | made


def framed(*entries, kind="collection", **more):
    """A Bundle."""
    return {"resourceType": "Bundle", "type": kind} | ({"entry": list(entries)} if entries else {}) | more


def refers(to, **more):
    """An Observation about somebody."""
    return resource("Observation", subject={"reference": to}, **more)


def check(data, name="f.json"):
    """A checked file: its check and what was found."""
    if isinstance(data, dict):
        data = json.dumps(data)
    checked = FileCheck(validator(), load_definitions())
    stream = io.BytesIO(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
    return checked, list(checked.problems(stream, name))


def found(data, name="f.json"):
    """What invalidates a file: path, code and rule."""
    return [
        (one.problem.path, one.problem.code.value, one.problem.rule)
        for one in check(data, name)[1]
        if one.problem.invalidates
    ]


def warnings(data):
    """Warnings and notes: path, code and rule."""
    return [
        (one.problem.path, one.problem.code.value, one.problem.rule)
        for one in check(data)[1]
        if one.problem.severity in {Severity.WARNING, Severity.INFORMATION}
    ]
