"""What the campaigns over FHIR need from outside: the official examples and HL7's definitions."""

from __future__ import annotations

import pytest

from tests.fhir.defects import specification
from tests.support import fhir_examples


@pytest.fixture(scope="session", autouse=True)
def installed(require):
    """Skip, by name, where the packages of `tests/node` are missing."""
    require(fhir_examples.is_there(), fhir_examples.NAME, fhir_examples.HOW)
    require(specification.is_there(), specification.NAME, specification.HOW)
