"""A draft as it is kept: all of it, with what it was made from and by what; and what is refused before it is kept."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest

from edge_runtime.ai.checking.findings import Citation, FindingKind, Unsupported
from edge_runtime.ai.skills import skill
from edge_runtime.ai.skills.skill import DraftPart, PartKind
from edge_runtime.clinical import draft_payloads
from edge_runtime.clinical.draft_payloads import (
    CITATIONS_MAX,
    DRAFT_BYTES_MAX,
    PART_CHARS_MAX,
    SEEN_MAX,
    UNSUPPORTED_MAX,
    Doubt,
    DraftPartKind,
    Proposable,
)
from edge_runtime.clinical.draft_reading import read_draft
from edge_runtime.clinical.layout import Kind
from edge_runtime.drafts.making import draft_fact
from edge_runtime.errors import InputError
from edge_runtime.facts import Content, pack_content
from sync_protocol.encoding import encode
from sync_protocol.ids import EntryHash
from tests.unit.edge_runtime.drafts.ward import ADVICE, ENGINE, MARKED, PARTS, SOURCE, SPRAIN, drafted, refused

FRACTION: Any = 0.5
"""What JSON of a model may hold and a fact never does."""


def words(kind: type[StrEnum]) -> set[str]:
    """The words of a list."""
    return {str(one) for one in kind}


def test_the_words_of_a_skill_are_those_of_the_layout():
    """What a skill may say of a part, a kept draft may hold: kinds of part, kinds of finding, limits."""
    assert words(PartKind) == words(DraftPartKind)
    assert words(FindingKind) == words(Doubt)
    assert (skill.PARTS_MAX, skill.SOURCE_CHARS_MAX) == (
        draft_payloads.PARTS_MAX,
        draft_payloads.DRAFT_SOURCE_CHARS_MAX,
    )
    assert words(Proposable) <= words(Kind)


def test_everything_of_a_draft_is_kept():
    """Parts, citations, marks, notes, source, and what made it; read again, it says the same."""
    seen = [EntryHash(bytes([number]) * 32) for number in (2, 1)]
    made = drafted(options={"language": "pt-BR"}, cut=True, warnings=("Cut.",))
    found = read_draft(draft_fact(replace(made, adapter="paediatrics"), seen))
    assert [part.name for part in found.parts] == [part.name for part in PARTS]
    assert (found.skill, found.template, found.source) == ("soap", "soap/1", SOURCE)
    assert (found.model, found.model_digest, found.engine, found.seed) == (
        "demonstration", "0f" * 32, "litert-lm 0.18.1", 7,
    )  # fmt: skip
    assert (found.adapter, found.language, found.cut, found.warnings) == ("paediatrics", "pt-BR", True, ("Cut.",))
    assert found.demonstration
    assert found.seen == tuple(sorted(seen))
    history, marked, _, sprain, advice = found.parts
    assert [found.quoted(cited) for cited in history.citations] == ["I hurt my ankle yesterday."]
    assert [*marked.doubted()] == [(Doubt.DOSE, "ibuprofen 400 mg")]
    assert (history.supported, marked.supported) == (True, False)
    assert sprain.proposes is not None
    assert sprain.proposes.payload["code"] == "S93.401A"
    assert (advice.section, advice.notes) == (None, ("A prompt, not a finding.",))
    assert found.part("plan.2") is not None
    assert found.part("plan.9") is None


def test_a_draft_without_a_model_names_none():
    """Where templates and rules did all of it, nothing claims that a model answered, not even a seed."""
    payload = draft_fact(drafted(engine=None)).payload
    assert not {"model", "model_digest", "engine", "seed", "demonstration", "adapter"} & payload.keys()


def test_a_model_that_another_program_holds_has_no_digest():
    """An empty digest is none; a model that is no toy is not said to be one."""
    payload = draft_fact(drafted(engine=replace(ENGINE, digest="", demonstration=False))).payload
    assert payload["model"] == "demonstration"
    assert not {"model_digest", "demonstration"} & payload.keys()


def test_no_mark_is_lost_where_there_are_too_many():
    """Beyond the limit the last mark covers all that are left; of citations the first are kept."""
    text = "1 " * 200
    marks = tuple(Unsupported(FindingKind.NUMBER, "1", at, at + 1) for at in range(0, 400, 2))
    cited = tuple(Citation(at, at + 1, 0, 1) for at in range(0, 400, 2))
    part = DraftPart(name="plan.1", kind=PartKind.TEXT, text=text, section="plan", unsupported=marks, citations=cited)
    found = read_draft(draft_fact(drafted(part))).parts[0]
    assert len(found.unsupported) == UNSUPPORTED_MAX
    assert found.unsupported[-1].end == 399
    assert len(found.citations) == CITATIONS_MAX


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        ((replace(MARKED, text="  "),), {}),
        ((replace(MARKED, text="x" * (PART_CHARS_MAX + 1)),), {}),
        ((MARKED, MARKED), {}),
        ((replace(MARKED, section="triage"),), {}),
        ((replace(SPRAIN, proposes=None),), {}),
        ((replace(SPRAIN, proposes={"kind": "triage", "payload": {"to": "minor"}}),), {}),
        ((replace(SPRAIN, proposes={"kind": "diagnosis", "payload": {"text": "Sprain", "certainty": FRACTION}}),), {}),
        ((replace(SPRAIN, proposes={"kind": "diagnosis", "payload": {"text": ""}}),), {}),
        ((replace(ADVICE, proposes=SPRAIN.proposes),), {}),
        ((MARKED,), {"source": " "}),
        ((MARKED,), {"source": "x" * 32_001}),
    ],
)
def test_what_a_draft_may_not_hold_is_refused(parts, more):
    """By the name of what is wrong, before anything is kept."""
    with refused("invalid_fact", InputError):
        draft_fact(drafted(*parts, **more))


def test_a_draft_without_parts_is_none():
    """There is nothing to decide about."""
    made = drafted()
    with refused("invalid_fact", InputError):
        draft_fact(replace(made, sketch=replace(made.sketch, parts=())))


@pytest.mark.parametrize(
    "proposed",
    [
        {"kind": "allergy", "payload": {"text": "Latex", "verification": "refuted"}},
        {"kind": "diagnosis", "payload": {"text": "Sprain", "certainty": "entered-in-error"}},
        {"kind": "medication", "payload": {"text": "Warfarin", "action": "stop"}},
        {"kind": "observation", "payload": {"code": "8867-4", "text": "HR", "value": "300", "confirmed": True}},
    ],
)
def test_no_model_ends_anything(proposed):
    """A proposal that refutes, stops or confirms is refused: only a person says so, of their own accord."""
    with refused("draft_would_end"):
        draft_fact(drafted(replace(SPRAIN, proposes=proposed)))


def test_the_largest_draft_fits_into_an_entry():
    """A source of the longest kind in the widest letters is kept; one more part than fits is a clear refusal."""
    long = DraftPart(name="plan.1", kind=PartKind.TEXT, text="\U0001f9b4" * 3000, section="plan")
    fact = draft_fact(drafted(long, source="\U0001f9b4" * 32_000))
    assert len(encode({**fact.payload})) <= DRAFT_BYTES_MAX  # type: ignore[dict-item]  # keys are text
    pack_content(Content(facts=(fact,), text=None))
    more = replace(long, name="plan.2", text="\U0001f9b4" * 8000)
    with refused("draft_too_large", InputError):
        draft_fact(drafted(long, more, source="\U0001f9b4" * 32_000))


def test_more_heads_than_a_draft_names_leave_the_first():
    """`seen` has a limit; what is beyond it counts as not seen, so that in doubt the draft is outdated."""
    seen = [EntryHash(number.to_bytes(32, "big")) for number in range(SEEN_MAX + 3)]
    assert len(read_draft(draft_fact(drafted(), seen)).seen) == SEEN_MAX
