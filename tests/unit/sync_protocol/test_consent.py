"""Consent: a denial stops its purpose, some purposes wait for a permission, the broken glass opens treatment alone."""

from __future__ import annotations

import pytest

from sync_protocol import audit
from sync_protocol.chart_records import Purpose
from sync_protocol.consent import NEEDS, lacking, permits


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("said", [True, False])
def test_what_was_said_holds(purpose, said):
    """A permission permits and a denial denies, whatever holds without a word."""
    assert permits({purpose: said}, purpose) is said


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        (Purpose.TREATMENT, True),
        (Purpose.TELEMEDICINE, True),
        (Purpose.RESEARCH, False),
        (Purpose.AI_TRAINING, False),
    ],
)
def test_where_nothing_was_said(purpose, expected):
    """Treatment goes on until it is denied; research and the training of models need an explicit permission."""
    assert permits({}, purpose) is expected


@pytest.mark.parametrize("purpose", list(Purpose))
def test_one_purpose_says_nothing_of_another(purpose):
    """What was said of the others changes nothing."""
    others = set(Purpose) - {purpose}
    assert permits(dict.fromkeys(others, True), purpose) is permits({}, purpose)
    assert permits(dict.fromkeys(others, False), purpose) is permits({}, purpose)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_broken_glass_stands_in_for_treatment_alone(purpose):
    """A denied treatment leaves break-glass; nothing else is opened by it."""
    assert permits({purpose: False}, purpose, broke_glass=True) is (purpose is Purpose.TREATMENT)
    assert permits({}, purpose, broke_glass=True) is permits({}, purpose)


def test_every_purpose_of_an_act_says_what_it_takes():
    """Nobody opens a chart by a purpose that the table forgot."""
    assert set(NEEDS) == set(audit.Purpose)


_CARE = {Purpose.TREATMENT: False}


@pytest.mark.parametrize(
    ("consents", "act", "expected"),
    [
        ({}, audit.Purpose.TREATMENT, None),
        (_CARE, audit.Purpose.TREATMENT, Purpose.TREATMENT),
        (_CARE, audit.Purpose.EMERGENCY, Purpose.TREATMENT),
        (_CARE, audit.Purpose.OPERATIONS, Purpose.TREATMENT),
        (_CARE, audit.Purpose.PAYMENT, Purpose.TREATMENT),
        (_CARE, audit.Purpose.TELEMEDICINE, Purpose.TREATMENT),
        ({Purpose.TELEMEDICINE: False}, audit.Purpose.TELEMEDICINE, Purpose.TELEMEDICINE),
        ({Purpose.TELEMEDICINE: False}, audit.Purpose.TREATMENT, None),
        (_CARE, audit.Purpose.PATIENT_REQUEST, None),
        (_CARE, audit.Purpose.LEGAL, None),
        (_CARE, audit.Purpose.COMPLIANCE, None),
        ({}, audit.Purpose.RESEARCH, Purpose.RESEARCH),
        ({Purpose.RESEARCH: True}, audit.Purpose.RESEARCH, None),
        ({}, audit.Purpose.AI_TRAINING, Purpose.AI_TRAINING),
    ],
)
def test_an_act_lacks_the_first_consent_that_it_needs(consents, act, expected):
    """Treatment covers what is done in its course, also at a distance; patient, court and officer ask nobody."""
    assert lacking(consents, act) is expected


def test_who_broke_the_glass_lacks_no_consent_to_treat():
    """For treatment and emergencies; telemedicine that was itself denied stays denied."""
    for act in (audit.Purpose.TREATMENT, audit.Purpose.EMERGENCY, audit.Purpose.TELEMEDICINE):
        assert lacking(_CARE, act, broke_glass=True) is None
    denied = {Purpose.TELEMEDICINE: False}
    assert lacking(denied, audit.Purpose.TELEMEDICINE, broke_glass=True) is Purpose.TELEMEDICINE
