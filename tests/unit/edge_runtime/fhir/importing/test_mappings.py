"""What each mapped resource states, and what of it is refused."""

from __future__ import annotations

import json

import pytest

from edge_runtime.errors import InputError
from edge_runtime.fhir.importing import mappings
from edge_runtime.fhir.importing.chart_facts import ENCOUNTER_STATUS, UNNAMED
from edge_runtime.fhir.importing.planning import plan_import
from edge_runtime.fhir.importing.stated import READINGS
from tests.unit.edge_runtime.fhir.inputs import (
    LOINC,
    PETER,
    RXNORM,
    SNOMED,
    allergy,
    coded,
    condition,
    facts_of,
    operation,
    order,
    patient,
    plan,
    pulse,
    read,
    refused,
    visit,
    without,
)

SYSTEMS = "http://terminology.hl7.org/CodeSystem/"
UCUM = "http://unitsofmeasure.org"


def stated(resource, kind):
    """The one payload of a kind that a resource leads to."""
    planned = plan(resource)
    assert refused(planned) == []
    (payload,) = facts_of(planned, kind)
    return payload


def status(name, code):
    """A status as a CodeableConcept."""
    return coded(SYSTEMS + name, code)


def statement(**more):
    """A MedicationStatement."""
    return without(order(**more), "intent") | {"resourceType": "MedicationStatement"}


def dosed(*dosages, **more):
    """The medication that an order with these dosages states."""
    return stated(order(dosageInstruction=list(dosages), **more), "medication")


# ------------------------------------------------------------------------------------------------------- identity


def test_a_patient_is_an_identity():
    """Name as a person is called, identifiers with their systems, ways to reach the patient and the contacts."""
    resource = patient(
        name=[
            {"use": "maiden", "family": "Old"},
            {"use": "official", "text": "张 无忌"},
            {"use": "usual", "text": "N"},
        ],
        gender="female",
        identifier=[{"system": "urn:mrn", "value": "12", "type": {"text": "MRN"}}, {"system": "urn:empty"}],
        telecom=[{"system": "phone", "use": "mobile", "value": "+1 555 0100"}, {"use": "home"}],
        address=[{"use": "home", "line": ["1 Way"], "city": "Tŷ", "postalCode": "9"}],
        contact=[
            {
                "relationship": [{"text": "Mother"}],
                "name": {"given": ["Ana"]},
                "telecom": [{"system": "email", "value": "a@b.example"}],
            }
        ],
    )
    assert stated(resource, "identity") == {
        "name": "张 无忌",
        "birth_date": "1980-05-17",
        "sex": "female",
        "identifiers": [{"value": "12", "system": "urn:mrn", "type": "MRN"}],
        "contacts": [
            {"value": "+1 555 0100", "type": "phone mobile"},
            {"value": "1 Way, 9 Tŷ", "type": "address home"},
            {"value": "a@b.example", "type": "email, Mother", "name": "Ana"},
        ],
    }


def test_a_patient_without_name_is_named_so():
    """An identity needs a name; none is made up."""
    assert stated({"resourceType": "Patient", "id": "x"}, "identity") == {"name": UNNAMED}


def test_what_an_identity_cannot_hold_is_left_to_the_source():
    """Too many identifiers, too long a value."""
    many = [{"value": f"{number}"} for number in range(40)] + [{"value": "x" * 300}]
    payload = stated(patient(identifier=many, name=[{"text": "n" * 300}]), "identity")
    assert len(payload["identifiers"]) == 32
    assert payload["name"].endswith("(more in the source)")


# ------------------------------------------------------------------------------------------------------ encounter


@pytest.mark.parametrize(
    ("code", "to"),
    [
        ("planned", "pending"),
        ("arrived", "active"),
        ("triaged", "active"),
        ("in-progress", "active"),
        ("onleave", "paused"),
        ("finished", "completed"),
        ("cancelled", "cancelled"),
        ("entered-in-error", "error"),
        ("unknown", "pending"),
    ],
)
def test_each_of_the_nine_statuses_of_an_encounter_has_its_status(code, to):
    """And the reason keeps the word of the source."""
    assert stated(visit(status=code), "status") == {"to": to, "reason": f"{code} at the source"}
    assert len(ENCOUNTER_STATUS) == 9


def test_an_encounter_opens_a_document():
    """With what it is for and its day as title."""
    resource = visit(type=[{"text": "Check up"}], period={"start": "2026-03-01T09:30:00Z"})
    (chart, encounter) = facts_of(plan(resource), "document")
    assert chart == {"schema": 1, "workflow_type": "chart"}
    assert encounter == {"schema": 1, "workflow_type": "encounter", "title": "Check up, 2026-03-01"}


# -------------------------------------------------------------------------------------------------------- allergy


def test_an_allergy_keeps_the_worst_reaction_and_tells_criticality_apart():
    """Criticality is a risk, not a severity."""
    resource = allergy(
        verificationStatus=status("allergyintolerance-verification", "confirmed"),
        clinicalStatus=status("allergyintolerance-clinical", "active"),
        category=["medication"],
        criticality="high",
        reaction=[
            {"severity": "mild", "manifestation": [{"text": "Hives"}]},
            {"severity": "severe", "manifestation": [{"text": "Shock"}, {"text": "Rash"}]},
        ],
    )
    assert stated(resource, "allergy") == {
        "text": "Penicillin",
        "code": "91936005",
        "system": "snomed",
        "severity": "severe",
        "verification": "confirmed",
        "category": "medication",
        "reaction": "Hives, Shock, Rash",
        "reason": "criticality high at the source",
    }


def test_an_allergy_that_is_over_is_still_listed():
    """With the word of the source: hiding it is not the import's decision."""
    payload = stated(allergy(clinicalStatus=status("allergyintolerance-clinical", "resolved")), "allergy")
    assert payload["reason"] == "resolved at the source"


@pytest.mark.parametrize("resource", [without(allergy(), "code"), allergy(code={"coding": []})])
def test_an_allergy_without_code_is_still_an_allergy(resource):
    """It is named after its substance, or said to be unspecified; never dropped."""
    assert stated(resource, "allergy")["text"] == "Unspecified allergy"
    named = {"substance": {"text": "Latex"}}
    assert stated(without(resource, "code") | {"reaction": [named]}, "allergy")["text"] == "Latex"


def test_a_code_that_a_fact_cannot_hold_is_left_to_the_source():
    """An expression of many concepts, as SNOMED CT allows; the words stay."""
    payload = stated(allergy(code=coded(SNOMED, "1:" * 40, "Nuts, tree")), "allergy")
    assert payload == {"text": "Nuts, tree"}


def test_several_categories_are_none():
    """A fact holds one category; in doubt "no known allergies" contradicts all."""
    assert "category" not in stated(allergy(category=["food", "medication"]), "allergy")


# ------------------------------------------------------------------------------------------- diagnosis, procedure


def test_a_condition_is_a_diagnosis():
    """ICD-10-CM before SNOMED CT; the onset as written; the end as reason."""
    both = {"coding": [{"system": SNOMED, "code": "1"}, {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J45"}]}
    resource = condition(
        code=both | {"text": "Asthma"},
        verificationStatus=status("condition-ver-status", "differential"),
        clinicalStatus=status("condition-clinical", "remission"),
        onsetPeriod={"start": "2010-05"},
    )
    assert stated(resource, "diagnosis") == {
        "text": "Asthma",
        "code": "J45",
        "system": "icd-10-cm",
        "certainty": "differential",
        "onset": "2010-05",
        "reason": "remission at the source",
    }


def test_a_procedure_keeps_when_it_was_done():
    """By dateTime or the start of a period; a procedure that is not finished says so."""
    assert stated(operation(performedDateTime="2026-03-01"), "procedure")["performed"] == "2026-03-01"
    payload = stated(operation(status="in-progress", performedPeriod={"end": "2026"}), "procedure")
    assert (payload["performed"], payload["reason"]) == ("2026", "in-progress at the source")


WITHDRAWN = [
    (resource | {"status": code}, kind)
    for resource, kind in ((pulse(), "observation"), (operation(), "procedure"), (order(), "medication"))
    for code, reading in READINGS[resource["resourceType"]].items()
    if reading.name == "WITHDRAWN"
] + [
    (allergy(verificationStatus=status("allergyintolerance-verification", "entered-in-error")), "allergy"),
    (condition(verificationStatus=status("condition-ver-status", "entered-in-error")), "diagnosis"),
    (order(intent="plan"), "medication"),
    (order(intent="proposal"), "medication"),
    (statement(status="intended"), "medication"),
]


@pytest.mark.parametrize(("resource", "kind"), WITHDRAWN, ids=lambda value: value if isinstance(value, str) else None)
def test_what_did_not_happen_is_never_stated(resource, kind):
    """Cancelled, not done, planned, entered in error: kept as it came, and no fact says that it is so."""
    planned = plan(resource)
    assert (refused(planned), facts_of(planned, kind), planned.kept, planned.mapped) == ([], [], 1, {})


# ----------------------------------------------------------------------------------------------------- medication


def test_a_medication_keeps_its_dose_in_digits():
    """Dose, unit, route and the prescriber's own words."""
    dosage = {
        "text": "5 mg every evening",
        "route": {"text": "oral"},
        "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg", "system": UCUM, "code": "mg"}}],
    }
    assert dosed(dosage) == {
        "text": "Warfarin",
        "code": "11289",
        "system": "rxnorm",
        "action": "continue",
        "dose": "5",
        "unit": "mg",
        "route": "oral",
        "frequency": "5 mg every evening",
    }


@pytest.mark.parametrize(
    ("dosage", "told"),
    [
        ({"timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}}, "3 x per 1 d"),
        ({"timing": {"repeat": {"period": 4, "periodMax": 6, "periodUnit": "h"}}}, "1 x per 4 to 6 h"),
        ({"timing": {"repeat": {"frequency": 1, "frequencyMax": 2, "period": 1}}}, "1 to 2 x per 1"),
        ({"timing": {"repeat": {"frequency": 2}}, "asNeededBoolean": True}, "as needed"),
        ({"timing": {"code": {"text": "BID"}}, "asNeededBoolean": True}, "BID, as needed"),
        ({"timing": {"repeat": {}}, "asNeededCodeableConcept": {"text": "pain"}}, "as needed: pain"),
        ({"doseAndRate": [{"doseRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "tab"}}}]}, "1 to 2 tab"),
        ({"doseAndRate": [{"doseQuantity": {"value": n, "unit": "g"}} for n in (1, 2)]}, "1 g or 2 g"),
        ({"doseAndRate": [{"doseQuantity": {"value": 5, "comparator": "<", "unit": "g"}}]}, "< 5 g"),
    ],
)
def test_what_is_no_single_dose_is_told_whole(dosage, told):
    """A range, a choice or a limit is never shortened to one number."""
    payload = dosed(dosage)
    assert payload["frequency"] == told
    assert "dose" not in payload


def test_a_taper_is_told_whole():
    """Half of it would be a wrong prescription."""
    steps = [{"text": f"{n} tablets", "doseAndRate": [{"doseQuantity": {"value": n}}]} for n in (4, 2)]
    assert (dosed(*steps)["frequency"], "dose" in dosed(*steps)) == ("4 tablets; then: 2 tablets", False)


@pytest.mark.parametrize("resource", [order, statement])
def test_a_medication_that_ended_is_stopped(resource):
    """It states no regimen any more."""
    payload = stated(resource(status="completed", dosageInstruction=[{"text": "daily"}]), "medication")
    assert (payload["action"], payload["reason"]) == ("stop", "completed at the source")
    assert "frequency" not in payload


def test_a_medication_on_hold_stays_on_the_list():
    """With the word of the source beside it."""
    payload = stated(order(status="on-hold"), "medication")
    assert (payload["action"], payload["reason"]) == ("continue", "on-hold at the source")


def test_an_old_prescription_is_not_listed_beside_the_running_one():
    """A completed order of what another order continues is kept, not stated; alone it is stated as stopped."""
    planned = plan(order(), order(id="m2", status="completed"), order(id="m3", status="stopped", subject=PETER))
    assert [payload["action"] for payload in facts_of(planned, "medication")] == ["continue"]
    assert planned.kept == 2


def test_a_medication_is_found_where_it_is_described():
    """Contained, in the import, by its ingredients, or else by the words of the reference."""
    medication = {"resourceType": "Medication", "id": "w", "code": coded(RXNORM, "11289", "Warfarin 5 mg")}
    mixture = {"resourceType": "Medication", "ingredient": [{"itemCodeableConcept": {"text": name}} for name in "AB"]}
    reference = {"reference": "Medication/w", "display": "the blue one"}
    bare = without(order(medicationReference=reference), "medicationCodeableConcept")
    inside = bare | {"medicationReference": {"reference": "#in"}, "contained": [mixture | {"id": "in"}]}
    assert facts_of(plan(bare, medication), "medication")[0]["text"] == "Warfarin 5 mg"
    assert stated(inside, "medication")["text"] == "A + B"
    assert stated(bare, "medication")["text"] == "the blue one"
    nowhere = bare | {"medicationReference": {"reference": "#no"}}
    assert stated(nowhere, "medication")["text"] == "Unspecified medication"


# ---------------------------------------------------------------------------------------------------- observation


@pytest.mark.parametrize("number", ["72", "37.20", "-0.50", "0.12345678901234567"])
def test_a_number_keeps_its_digits(number):
    """As text: trailing zeros are precision."""
    text = json.dumps(pulse()).replace('"value": 72', f'"value": {number}')
    (payload,) = facts_of(plan_import(read(text)), "observation")
    assert (payload["value"], payload["unit"]) == (number, "/min")


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        ({"valueQuantity": {"value": 0.06, "comparator": "<", "unit": "ug/ml"}}, "< 0.06 ug/ml"),
        ({"valueQuantity": {"unit": "mg"}}, "mg"),
        ({"valueCodeableConcept": {"text": "Negative"}}, "Negative"),
        ({"valueCodeableConcept": coded(SNOMED, "260385009")}, "260385009"),
        ({"valueString": "blue"}, "blue"),
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "mg"}}}, "1 to 2 mg"),
        ({"valueRange": {"low": {"value": 1, "unit": "mg"}}}, "low 1 mg"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1 : 128"),
        ({"valueTime": "09:30:00"}, "09:30:00"),
        ({"valueDateTime": "2026-02"}, "2026-02"),
        ({"valuePeriod": {"start": "2026-02"}}, "2026-02 to ?"),
        ({"valueSampledData": {"origin": {"value": 0}}}, "a curve, in the source"),
        ({"dataAbsentReason": {"text": "masked"}}, "absent: masked"),
        ({}, None),
    ],
)
def test_what_is_not_exactly_one_number_is_told_in_words(value, finding):
    """Never a number without its comparator, never half of a range."""
    payload = stated(without(pulse(), "valueQuantity") | value, "observation")
    assert payload.get("finding") == finding
    assert "value" not in payload


@pytest.mark.parametrize("number", ["1E-22", "1.000000000000000000E-245", "-1E+245", "0.1234567890123456789"])
def test_a_number_that_a_fact_cannot_hold_is_told_as_written(number):
    """No digit is rounded away, and no exponent is worked out wrongly."""
    text = json.dumps(pulse()).replace('"value": 72', f'"value": {number}')
    (payload,) = facts_of(plan_import(read(text)), "observation")
    assert (payload["finding"], "value" in payload) == (f"{number} beats/minute", False)


def test_an_exponent_that_fits_is_worked_out():
    """Exactly."""
    text = json.dumps(pulse()).replace('"value": 72', '"value": 7.2e1')
    assert facts_of(plan_import(read(text)), "observation")[0]["value"] == "72"


def test_an_integer_is_a_number():
    """Without a unit."""
    payload = stated(without(pulse(), "valueQuantity") | {"valueInteger": 15}, "observation")
    assert (payload["value"], "unit" in payload) == ("15", False)


def test_components_that_are_numbers_stay_components():
    """The others join the finding, each with its name."""
    parts = [
        {"code": coded(LOINC, "8480-6", "Systolic"), "valueQuantity": {"value": 107, "unit": "mmHg"}},
        {"code": {"text": "Cuff"}, "valueString": "large"},
        {"code": {"text": "Diastolic"}, "dataAbsentReason": {"text": "not heard"}},
    ]
    resource = without(pulse(component=parts, effectivePeriod={"start": "2026-03-01"}), "valueQuantity")
    payload = stated(resource, "observation")
    systolic = {"code": "8480-6", "system": "loinc", "text": "Systolic", "value": "107", "unit": "mmHg"}
    assert payload["components"] == [systolic]
    assert payload["finding"] == "Cuff: large; Diastolic: absent: not heard"
    assert payload["effective"] == "2026-03-01"


def test_more_components_than_a_fact_holds_are_told():
    """None is dropped."""
    parts = [{"code": {"text": f"c{n}"}, "valueInteger": n} for n in range(20)]
    payload = stated(pulse(component=parts), "observation")
    assert len(payload["components"]) == 16
    assert payload["finding"] == "c16: 16; c17: 17; c18: 18; c19: 19"


def test_an_observation_that_has_only_words_is_coded_by_them():
    """A long text keeps a mark that tells it from others with the same beginning."""
    assert stated(pulse(code={"text": "eye color"}), "observation")["code"] == "eye color"
    codes = {stated(pulse(code={"text": "x" * 80 + end}), "observation")["code"] for end in "ab"}
    assert len(codes) == 2
    assert all(len(code) == 64 for code in codes)


def test_a_preliminary_result_says_so():
    """In its reason."""
    assert stated(pulse(status="preliminary"), "observation")["reason"] == "preliminary at the source"


# ------------------------------------------------------------------------------------------------------- refusals

REFUSED = [
    (patient(birthDate="1980-02-30"), "Patient.birthDate"),
    (patient(birthDate="17.05.1980"), "Patient.birthDate"),
    (patient(gender="m"), "Patient.gender"),
    (patient(name="Péter"), "Patient.name"),
    (patient(name=["Péter"]), "Patient.name[0]"),
    (patient(name=[{"given": "Péter"}]), "Patient.name[0].given"),
    (patient(name=[{"given": [4]}]), "Patient.name[0].given[0]"),
    (patient(name=[{"family": "\x1b[31m"}]), "Patient.name[0].family"),
    (patient(id="a b"), "Patient.id"),
    (patient(meta=[]), "Patient.meta"),
    (visit(status="completed"), "Encounter.status"),
    (without(visit(), "status"), "Encounter.status"),
    (without(visit(), "class"), "Encounter.class"),
    (without(visit(), "subject"), "Encounter.subject"),
    (visit(period={"start": "yesterday"}), "Encounter.period.start"),
    (without(allergy(), "patient"), "AllergyIntolerance.patient"),
    (allergy(patient={"display": "Jane Doe"}), "AllergyIntolerance.patient"),
    (allergy(patient={"reference": "the patient"}), "AllergyIntolerance.patient.reference"),
    (allergy(patient={"reference": "#none"}), "AllergyIntolerance.patient.reference"),
    (allergy(patient="Patient/peter"), "AllergyIntolerance.patient"),
    (allergy(code="penicillin"), "AllergyIntolerance.code"),
    (allergy(code={"coding": [{"code": 91936005}]}), "AllergyIntolerance.code.coding[0].code"),
    (allergy(category=["drug"]), "AllergyIntolerance.category"),
    (allergy(criticality="severe"), "AllergyIntolerance.criticality"),
    (allergy(reaction=[{"severity": "lethal"}]), "AllergyIntolerance.reaction[0].severity"),
    (allergy(verificationStatus=coded("", "presumed")), "AllergyIntolerance.verificationStatus"),
    (allergy(verificationStatus={"text": "refuted"}), "AllergyIntolerance.verificationStatus"),
    (condition(clinicalStatus=coded("", "over")), "Condition.clinicalStatus"),
    (condition(onsetDateTime="2026-13"), "Condition.onsetDateTime"),
    (without(condition(), "subject"), "Condition.subject"),
    (order(status="ordered"), "MedicationRequest.status"),
    (without(order(), "intent"), "MedicationRequest.intent"),
    (without(order(), "medicationCodeableConcept"), "MedicationRequest.medication[x]"),
    (order(dosageInstruction={}), "MedicationRequest.dosageInstruction"),
    (
        order(dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": "5"}}]}]),
        "MedicationRequest.dosageInstruction[0].doseAndRate[0].doseQuantity.value",
    ),
    (without(pulse(), "code"), "Observation.code"),
    (pulse(code={}), "Observation.code"),
    (without(pulse(), "status"), "Observation.status"),
    (pulse(valueQuantity=72), "Observation.valueQuantity"),
    (pulse(valueQuantity={"value": True}), "Observation.valueQuantity.value"),
    (pulse(valueQuantity={"value": 5, "comparator": "~"}), "Observation.valueQuantity.comparator"),
    (pulse(valueQuantity={"value": 10**50}), "Observation.valueQuantity.value"),
    (pulse(valueString="72"), "Observation.value[x]"),
    (without(pulse(), "valueQuantity") | {"valueMoney": {}}, "Observation.value[x]"),
    (without(pulse(), "valueQuantity") | {"valueString": 72}, "Observation.valueString"),
    (pulse(component=[{"valueInteger": 1}]), "Observation.component[0].code"),
    (pulse(component=[{"code": {}}]), "Observation.component[0].code"),
    (pulse(effectiveDateTime="2026-03-01T09:30:00"), "Observation.effectiveDateTime"),
    (operation(performedDateTime=2026), "Procedure.performedDateTime"),
]


@pytest.mark.parametrize(("resource", "path"), REFUSED, ids=[path for _, path in REFUSED])
def test_a_wrong_element_refuses_its_resource_by_path(resource, path):
    """And nothing else: the resources beside it are taken."""
    planned = plan(resource, patient(id="other"))
    assert [found for found, _ in refused(planned)] == [path]
    assert planned.mapped == {"Patient": 1}


def test_a_fact_that_may_not_be_signed_is_refused(monkeypatch):
    """The layout has the last word on every fact."""

    def refuse(fact):
        raise InputError("invalid_fact", expected=f"{fact.kind}: better", got="this", do="correct it")

    monkeypatch.setattr(mappings, "validate_fact", refuse)
    assert refused(plan(patient())) == [("Patient", "expected identity: better; got this")]


def test_no_reason_repeats_a_value():
    """Reasons name types and closed lists, never content."""
    for resource, _ in REFUSED:
        for _, reason in refused(plan(resource)):
            assert not any(secret in reason for secret in ("Péter", "Jane", "peter", "91936005", "yesterday"))


@pytest.mark.parametrize(
    "resource",
    [
        order(doNotPerform=True),
        pulse(modifierExtension=[{"url": "http://example.org/not", "valueBoolean": True}]),
        order(dosageInstruction=[{"modifierExtension": [{"url": "http://example.org/never"}]}]),
        allergy(implicitRules="http://example.org/rules"),
    ],
)
def test_what_may_mean_the_opposite_is_kept_and_reported_but_not_stated(resource):
    """A prohibition is no prescription; a modifier that is not known may be a negation."""
    planned = plan(resource)
    ((path, reason),) = refused(planned)
    assert path.startswith(resource["resourceType"])
    assert reason.endswith("kept as it came, unmapped")
    assert (planned.mapped, planned.kept) == ({}, 1)
