"""Our own validator as the campaigns ask it: one file at a time, through the same door as `fieldward fhir validate`."""

from __future__ import annotations

import io
from functools import cache

from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.files import FileCheck
from edge_runtime.fhir.validation.problem import Problem
from edge_runtime.fhir.validation.validator import Validator, open_validator
from tests.fhir.defects.defect import Defect
from tests.support.fhir_examples import read


@cache
def _validator() -> Validator:
    return open_validator()


def faults(data: bytes) -> list[Problem]:
    """What makes a file invalid."""
    check = FileCheck(_validator(), load_definitions())
    found = [one.problem for one in check.problems(io.BytesIO(data), "example.json")]
    wrong = [one for one in found if one.invalidates]
    assert check.valid is not bool(wrong)
    return wrong


@cache
def faults_of_example(name: str) -> frozenset[Problem]:
    """What makes an official example invalid, as it came."""
    return frozenset(faults(read(name)))


def is_found(defect: Defect) -> bool:
    """Whether what the example did not have before is reported where the defect is, and a rule by its key."""
    before = faults_of_example(defect.example)
    news = [one for one in faults(defect.data) if one not in before and defect.is_named_by(one.path)]
    if defect.kind == "broken_invariant":
        key = defect.way.partition(",")[0]
        return any(one.rule == key for one in news)
    return bool(news)
