"""What a rule sees beside its element."""

from __future__ import annotations

from edge_runtime.fhir.validation.scope import Scope, joined

REASON = {"extension": [{"url": "u", "valueCode": "unknown"}]}


def test_a_primitive_is_one_element_whether_by_value_or_by_extensions():
    """What stands beside a value is left out; what stands in place of one takes its place."""
    assert joined({"a": 1, "_a": REASON, "_b": REASON}) == {"a": 1, "b": REASON}
    assert joined({"a": ["x", None], "_a": [None, REASON]}) == {"a": ["x", REASON]}
    assert joined({"a": ["x"], "_a": [None, REASON]}) == {"a": ["x", REASON]}
    assert joined({"_a": [None, REASON]}) == {"a": [REASON]}
    assert joined({"a": None, "_a": REASON}) == {"a": REASON}
    assert joined({"a": [{"_b": REASON}]}) == {"a": [{"b": REASON}]}


def test_a_resource_with_nothing_beside_primitives_is_seen_as_it_is():
    """Joining costs nothing where there is nothing to join."""
    resource = {"resourceType": "Patient", "name": [{"family": "a"}]}
    scope = Scope(resource)
    assert scope.joined_resource is resource
    assert scope.joined(resource["name"]) is resource["name"]
    assert scope.nodes == 5


def test_a_local_address_is_looked_up_in_the_container():
    """From within a contained resource as well; `#` is the container; what is no text is nowhere."""
    inner = {"resourceType": "Patient", "id": "a"}
    outer = Scope({"resourceType": "Observation", "contained": [inner, {"resourceType": "Basic"}, 3]})
    within = Scope(inner, outer)
    assert (within.found("#a"), within.found("#"), within.found("#b"), within.found(3)) == (
        inner,
        outer.resource,
        None,
        None,
    )
    assert within.contained
    assert not outer.contained
    assert within.root is outer.resource
    assert Scope({"contained": "a"}).found("#a") is None


def test_without_a_way_to_gather_them_a_resource_points_at_nothing():
    """The addresses come from the definitions, which a scope does not know."""
    assert Scope({}).targets({"reference": "#a"}) == set()
    assert Scope({}, targets=lambda _: {"#a"}).targets({}) == {"#a"}
