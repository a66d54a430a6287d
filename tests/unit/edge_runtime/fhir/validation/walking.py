"""Small resources, and what the walk says of them."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from functools import cache

from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.walk import Walk

PATIENT = {"resourceType": "Patient", "id": "p"}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}}
ENCOUNTER = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
}


@cache
def the_walk() -> Walk:
    """One walk for all tests, as a process has one."""
    return Walk(load_definitions())


def walked(base, **members):
    """What the walk says of `base` with other members: (code, path), in order; a member that is None is taken away.

    A member's `_name` stands for what is beside a primitive: Python's keywords may not begin otherwise.
    """
    resource = deepcopy(base) | members
    resource = {key: value for key, value in resource.items() if value is not None}
    findings = Findings()
    the_walk().resource(json.loads(json.dumps(resource), parse_float=Decimal), findings)
    return [(each.code.value, each.path) for each in findings.found]
