"""The table of definitions, as loaded: counts and samples checked against the specification's own pages."""

from __future__ import annotations

import pytest

from edge_runtime.fhir.validation.definitions import Definitions, load_definitions


def test_every_resource_type_of_r4_is_there():
    """R4 has 146 concrete resource types, and none of R5's or R4B's."""
    types = load_definitions().resource_types
    assert len(types) == 146
    assert {"Patient", "Bundle", "Binary"} <= types
    assert not {"Resource", "DomainResource", "SubscriptionStatus", "MetadataResource", "Ingredient"} & types


def test_an_inherited_element_is_there_with_its_base_path():
    """A type has its own elements and those of its bases."""
    patient = load_definitions().type("Patient")
    assert patient.kind == "resource"
    assert patient.elements["id"].type == "id"
    assert patient.elements["text"].path == "DomainResource.text"
    assert patient.elements["contained"].type == "Resource"
    assert [each.key for each in patient.invariants] == ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6"]


def test_a_choice_is_one_member_for_each_type():
    """`value[x]` becomes `valueQuantity` and the like, which share a path."""
    elements = load_definitions().type("Observation").elements
    choice = {name for name, each in elements.items() if each.path == "Observation.value[x]"}
    assert choice == {
        f"value{each}"
        for each in ("Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio", "SampledData",
                     "Time", "DateTime", "Period")
    }  # fmt: skip
    assert "value" not in elements


def test_a_backbone_element_has_its_path_for_a_type_and_holds_its_rules():
    """`pat-1` is a rule of Patient.contact; a content reference leads to the type that it names."""
    definitions = load_definitions()
    contact = definitions.type("Patient.contact")
    assert (contact.kind, "pat-1" in {each.key for each in contact.invariants}) == ("backbone", True)
    assert definitions.type("Patient").elements["contact"].type == "Patient.contact"
    assert definitions.type("Observation.component").elements["referenceRange"].type == "Observation.referenceRange"
    assert "modifierExtension" in contact.elements


def test_a_constrained_quantity_is_a_type_of_its_own():
    """SimpleQuantity allows no comparator."""
    definitions = load_definitions()
    assert definitions.type("Range").elements["low"].type == "SimpleQuantity"
    assert definitions.type("SimpleQuantity").elements["comparator"].max == 0
    assert {each.key for each in definitions.type("SimpleQuantity").invariants} == {"ele-1", "qty-3", "sqty-1"}


def test_targets_bindings_and_cardinalities_are_those_of_the_specification():
    """Samples: a reference's targets, a required binding, a widest value set, one to many."""
    definitions = load_definitions()
    encounter = definitions.type("Encounter").elements
    assert encounter["subject"].targets == {"Patient", "Group"}
    assert encounter["status"].binding == "http://hl7.org/fhir/ValueSet/encounter-status"
    assert (encounter["class"].min, encounter["class"].max, encounter["class"].binding) == (1, 1, "")
    assert definitions.type("Provenance").elements["target"].targets == frozenset()
    assert definitions.type("Patient").elements["language"].binding.endswith("/all-languages")
    assert definitions.type("Provenance").elements["agent"].max is None


def test_no_rule_stands_twice():
    """A rule that a type inherits is not repeated, and an element's own rules are not those of its type."""
    definitions = load_definitions()
    for name in definitions.resource_types | {"Quantity", "Age", "Timing.repeat", "Extension"}:
        keys = [each.key for each in definitions.type(name).invariants]
        assert len(keys) == len(set(keys)), name
        for element in definitions.type(name).elements.values():
            of_type = {each.key for each in definitions.type(element.type).invariants}
            assert not of_type & {each.key for each in element.invariants}, element.path


def test_every_type_that_is_named_is_there():
    """No element is of a type without definition, and no binding of a value set that was forgotten in silence."""
    definitions = load_definitions()
    seen, open_types = set(), set(definitions.resource_types)
    while open_types:
        name = open_types.pop()
        seen.add(name)
        for element in definitions.type(name).elements.values():
            assert definitions.type(element.type) is not None, element.path
            if element.binding and definitions.codes(element.binding) is None:
                assert element.binding == "http://loinc.org/vs/LL379-9"
            open_types |= {element.type} - seen
    assert len(seen) > 600


def test_an_unknown_name_is_none():
    """What R4 does not define has no definition."""
    definitions = load_definitions()
    assert definitions.type("Ingredient") is None
    assert definitions.profile("http://example.org/profile") is None


def test_profiles_carry_their_own_rules():
    """vs-1 to vs-3 belong to the vital signs and stand at their elements."""
    definitions = load_definitions()
    assert len(definitions.profiles) == 43
    assert definitions.profile("http://hl7.org/fhir/StructureDefinition/Observation") is None
    profile = definitions.profile("http://hl7.org/fhir/StructureDefinition/bp")
    assert [(path, each.key) for path, each in profile.invariants] == [
        ("Observation", "vs-2"),
        ("Observation.component", "vs-3"),
        ("Observation.effective[x]", "vs-1"),
    ]
    assert {each.name for each in profile.tree.members["component"].slices} == {"SystolicBP", "DiastolicBP"}


def test_definitions_of_extensions_are_there():
    """All 393 extensions that ship with R4 can be asked for by their `url`."""
    definitions = load_definitions()
    profile = definitions.extension("http://hl7.org/fhir/StructureDefinition/data-absent-reason")
    assert (profile.type, profile.tree.members["value[x]"].allowed) == ("Extension", ("valueCode",))
    assert definitions.extension("http://example.org/x") is None


def test_nothing_is_made_before_it_is_asked_for():
    """The table is read once per process, and of its hundreds of types only those that are asked for are made."""
    assert load_definitions() is load_definitions()
    fresh = Definitions(load_definitions()._table)
    assert [fresh._types, fresh._codes, fresh._profiles, fresh._extensions] == [{}] * 4
    fresh.type("Encounter.location")
    assert set(fresh._types) == {"Encounter.location", "BackboneElement", "Element"}


@pytest.mark.parametrize("name", ["lipidprofile"])
def test_what_cannot_be_judged_is_named(name):
    """Slices that are told apart by what a reference leads to are left out, by name."""
    profile = load_definitions().profile(f"http://hl7.org/fhir/StructureDefinition/{name}")
    assert len(profile.unjudged) == 4
