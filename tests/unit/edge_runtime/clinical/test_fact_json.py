"""Facts as JSON: one flat form, the same in and out."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.fact_json import fact_from_json, fact_to_json
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.errors import InputError
from edge_runtime.facts import Fact, FactId
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.clinical.test_schemas import SOUND
from tests.unit.edge_runtime.clinical.worlds import fact

ID = FactId(EntryHash(b"\xab" * 32), 3)


def test_the_form_is_flat():
    """`kind` and `supersedes` stand beside the payload's own keys."""
    raw = {"kind": "allergy", "text": "Penicillin", "severity": "severe", "supersedes": [str(ID)]}
    assert fact_from_json(raw) == fact("allergy", ID, text="Penicillin", severity="severe")


@pytest.mark.parametrize("sound", [one for one in SOUND if one.kind != "source"], ids=lambda sound: sound.kind)
def test_out_and_in_again_is_the_same_fact(sound):
    """What this version writes survives JSON unchanged."""
    assert fact_from_json(json.loads(json.dumps(fact_to_json(sound)))) == sound


_WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_WORDS.filter(lambda name: name not in {"kind", "supersedes"}), _VALUES, max_size=4))
def test_opaque_payloads_survive_json(payload):
    """`source` holds any JSON without floats, and comes back as it was."""
    item = Fact(kind="source", payload=payload, supersedes=(ID,))
    validate_fact(item)
    assert fact_from_json(json.loads(json.dumps(fact_to_json(item)))) == item


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ([], "fact"),
        ({1: "a"}, "fact"),
        ({"text": "Latex"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"kind": "x" * 49}, "kind"),
        ({"kind": "observation", "value": 37.2}, "observation.value"),
        ({"kind": "observation", "components": [{"value": 37.2}]}, "observation.components"),
        ({"kind": "observation", "Maria Petrova": 37.2}, "fact.(other)"),
        ({"kind": "Maria Petrova", "value": 37.2}, "fact.(other)"),
        ({"kind": "source", "deep": [[[[[[[[[1]]]]]]]]]}, "fact.(other)"),
        ({"kind": "status", "supersedes": str(ID)}, "supersedes"),
        ({"kind": "status", "supersedes": [5]}, "supersedes"),
        ({"kind": "status", "supersedes": ["abc:0"]}, "supersedes"),
    ],
)
def test_another_form_is_refused_by_path(raw, path):
    """An error names where, never what: neither floats nor other forms are read."""
    with pytest.raises(InputError) as caught:
        fact_from_json(raw)
    assert caught.value.expected.startswith(f"{path}:")
    assert not re.search(r"maria|37\.2;", str(caught.value), re.IGNORECASE)


def test_what_only_a_newer_version_writes_is_still_shown():
    """Byte strings appear as hexadecimal, integer keys as text, and colliding keys under another name."""
    newer = fact("scan", kind="a", supersedes="b", raw=[b"\x01\xff", {7: True}])
    assert fact_to_json(newer) == {
        "kind": "scan",
        "payload.kind": "a",
        "payload.supersedes": "b",
        "raw": ["01ff", {"7": True}],
    }
