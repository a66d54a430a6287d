"""FHIRPath as the rules of R4 need it: what the library lacks, or has otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.fhirpath_engine import UnjudgedError, compiled, ordered
from edge_runtime.fhir.validation.rules import CORRECTED, ELSEWHERE, NATIVE
from edge_runtime.fhir.validation.scope import Scope

DEFINITIONS = load_definitions()
REASON = {"extension": [{"url": "u", "valueCode": "unknown"}]}
CONTAINED: dict[str, Any] = {"resourceType": "Observation", "contained": [{"resourceType": "Practitioner", "id": "a"}]}


def judged(expression, name, element, resource=None):
    """What an expression comes to at an element."""
    scope = Scope(element if resource is None else resource)
    return compiled(expression, name)(element, scope)


@pytest.mark.parametrize(
    ("expression", "name", "element", "expected"),
    [
        ("start.hasValue()", "Period", {"start": "2020"}, True),
        ("start.hasValue()", "Period", {"_start": REASON}, False),
        ("start.hasValue()", "Period", {}, False),
        ("hasValue()", "Period", {"start": "2020"}, False),
        ("start.count() = 1", "Period", {"start": "2020", "_start": REASON}, True),
        ("start.exists()", "Period", {"_start": REASON}, True),
        ("given.count() = 2", "HumanName", {"given": ["a", None], "_given": [None, REASON]}, True),
        ("start <= end", "Period", {"start": "2020-02-03", "end": "2020-02-03"}, True),
        ("start <= end", "Period", {"start": "2020-02-03T10:00:00+02:00", "end": "2020-02-03T09:00:00Z"}, True),
        ("start <= end", "Period", {"start": "2020-02-03", "end": "2020"}, None),
        ("start > end", "Period", {"start": "2020-02-03", "end": "2019-12"}, True),
        ("start < end", "Period", {"_start": REASON, "end": "2019-12"}, None),
        ("low <= high", "Range", {"low": {"value": Decimal("0.10")}, "high": {"value": Decimal("0.1")}}, True),
        ("low >= high", "Range", {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "g"}}, None),
        ("value > 0.3 - 0.2", "Quantity", {"value": Decimal("0.1")}, False),
        ("name.matches('[A-Z]+')", "CodeSystem", {"name": "Ab"}, False),
        ("name.matches('^[A-Z]+$')", "CodeSystem", {"name": "AB"}, True),
        ("name.matches('[A-Z]+')", "CodeSystem", {"_name": REASON}, None),
        ("name.matches('[A-Z]+')", "CodeSystem", {}, None),
        ("$this is dateTime", "dateTime", "2020", True),
        ("($this as dateTime).toString().length() >= 8", "Period", {"start": "2020"}, None),
        ("answer is boolean", "Questionnaire.item.enableWhen", {"answerBoolean": True}, True),
        ("answer is boolean", "Questionnaire.item.enableWhen", {"answerInteger": 1}, False),
        (
            "(probability as decimal) <= 100",
            "RiskAssessment.prediction",
            {"probabilityDecimal": Decimal("100.0")},
            True,
        ),
        ("type.select(code).isDistinct()", "ElementDefinition", {"type": [{"code": "a"}, {"code": "a"}]}, False),
        ("start.trace('secret').exists()", "Period", {"start": "2020"}, True),
        ("start", "Period", {"start": "2020"}, True),
    ],
)
def test_an_expression_comes_to_what_the_specification_says(expression, name, element, expected, capsys):
    """True, false, or None for empty; one item that is no truth is true; nothing is printed."""
    assert judged(expression, name, element, {"resourceType": "Basic", "extension": [element]}) is expected
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("address", "expected"), [("#a", True), ("#", False), ("#b", None), ("Practitioner/a", None)])
def test_only_what_is_contained_and_its_container_resolve(address, expected):
    """Without a server everything else is unknown, which is not the same as absent."""
    element = {"member": {"reference": address}}
    assert judged("member.resolve() is Practitioner", "CareTeam.participant", element, CONTAINED) is expected


def test_environment_variables_name_the_resources():
    """%resource is the nearest resource, %rootResource its container, %context the element itself."""
    inner = CONTAINED["contained"][0]
    scope = Scope(inner, Scope(CONTAINED))
    expression = "%resource.id = 'a' and %rootResource.contained.id = 'a' and %context.id = 'x' and %ucum.exists()"
    assert compiled(expression, "HumanName")({"id": "x"}, scope) is True


@pytest.mark.parametrize("expression", ["code.memberOf('http://a')", "conformsTo('http://a')", "htmlChecks()", "a # b"])
def test_what_cannot_be_judged_is_refused_when_it_is_compiled(expression):
    """A function that is nowhere here, or no expression, is never taken for kept."""
    with pytest.raises(UnjudgedError):
        compiled(expression, "Patient")


def test_several_items_are_no_truth():
    """Neither kept nor broken: the rule could not be judged."""
    with pytest.raises(UnjudgedError):
        judged("given", "HumanName", {"given": ["a", "b"]}, {"resourceType": "Patient"})
    with pytest.raises(UnjudgedError):
        judged("given > 'a'", "HumanName", {"given": ["a", "b"]}, {"resourceType": "Patient"})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(1, Decimal("1.0"), 0), (Decimal("0.1"), 1, -1), ("b", "a", 1), ("2020", "2020-01", None), ({}, 1, None)],
)
def test_values_of_one_kind_have_an_order(one, other, expected):
    """Numbers, texts and moments; what has no value has none."""
    assert ordered(one, other) == expected


@pytest.mark.parametrize(("one", "other"), [(1, "1"), ([], 1), ({"value": 1}, 1)])
def test_values_of_two_kinds_have_no_order(one, other):
    """Not a difference, but a rule that cannot be judged."""
    with pytest.raises(UnjudgedError):
        ordered(one, other)


def every_rule():
    """Each expression of R4 that is no native rule, with the type where it stands."""
    found = set()
    for name in DEFINITIONS._table["types"]:
        definition = DEFINITIONS.type(name)
        own = [(name, each) for each in definition.invariants]
        own += [(e.type, each) for e in definition.elements.values() for each in e.invariants]
        for place, each in own:
            if each.key not in ELSEWHERE:
                corrected = CORRECTED.get(each.expression)
                found.add((corrected.expression if corrected else each.expression, place))
    return sorted((text, place) for text, place in found if text not in NATIVE)


def test_every_expression_of_r4_is_read_to_its_end_and_compiles():
    """The library's parser passes over what it does not understand, so its own errors are asked for here."""
    from antlr4 import CommonTokenStream, InputStream, Token  # type: ignore[import-untyped]  # the library's own parser
    from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
    from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

    rules = every_rule()
    assert len(rules) > 90
    for text, place in rules:
        parser = FHIRPathParser(CommonTokenStream(FHIRPathLexer(InputStream(text))))
        parser.expression()
        assert (parser.getNumberOfSyntaxErrors(), parser.getCurrentToken().type) == (0, Token.EOF), text
        compiled(text, place)
