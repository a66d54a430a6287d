"""`fieldward draft`: what was drafted, whose words it is, what of it is not in its source; taking it over or not."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.ai.checking.findings import Citation, FindingKind, Unsupported
from edge_runtime.ai.drafting import Drafted
from edge_runtime.cli.draft_parts_text import part_rows, summary
from edge_runtime.clinical.fact_json import Json
from edge_runtime.runtime import open_home
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World
from tests.unit.edge_runtime.drafts.ward import (
    ADVICE,
    ENGINE,
    HISTORY,
    HOMELESS,
    MARKED,
    REST,
    SOURCE,
    SPRAIN,
    drafted,
)

HOME = ("--home", "tablet")


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """A tablet of a physician with one chart."""
    world.found()
    world.enrol("tablet", "physician")
    world.chart = str(world.json("chart", "create", *HOME, "--name", "Ana Lima")["chart"])
    return world


def keep(ward: World, made: Drafted | None = None, **more: Any) -> str:
    """Record a draft in the encounter, as `fieldward ai` does; its id."""
    with open_home(ward.folder / "tablet", PASSPHRASE) as runtime:
        chart = runtime.charts.find(ward.chart)
        opened = runtime.charts.open(chart)
        if more.pop("from_chart", False):
            more["seen"] = runtime.drafts.frontier(opened)
        document = runtime.charts.find_document(opened, "encounter")
        return str(runtime.drafts.record(chart, document, made or drafted(), **more))


def plan(ward: World) -> str:
    """What the plan reads."""
    shown = ward.json("chart", "show", ward.chart, *HOME)
    (document,) = [one for one in shown["documents"] if one["workflow_type"] == "encounter"]
    return str(document["sections"].get("plan", {"text": ""})["text"])


def run(ward: World, *arguments: str) -> str:
    """What a command prints for a person."""
    answer = ward.run(*arguments, *HOME)
    assert answer.code == 0, answer.err
    return answer.out


def test_a_chart_says_that_a_draft_waits(ward: World):
    """In one line with the command that shows it; several, with the one that lists them; decided ones, no more."""
    assert "for a decision" not in run(ward, "chart", "show", ward.chart)
    assert "No draft waits" in run(ward, "draft", "list", ward.chart)
    assert "No drafts here" in run(ward, "draft", "list", ward.chart, "--all")
    first = keep(ward)
    line = f"1 draft waits for a decision: fieldward draft show {ward.chart[:8]} {first[:8]}"
    assert line in " ".join(run(ward, "chart", "show", ward.chart).split())
    second = keep(ward)
    assert "2 drafts wait for a decision: fieldward draft list" in run(ward, "chart", "show", ward.chart)
    listed = run(ward, "draft", "list", ward.chart)
    assert first[:8] in listed
    assert "!! 1 NOT SUPPORTED, DEMONSTRATION  waits for a decision" in listed
    for draft in (first, second):
        ward.json("draft", "dismiss", ward.chart, draft, "--reason", "try again", *HOME)
    assert "for a decision" not in run(ward, "chart", "show", ward.chart)
    assert ward.json("draft", "list", ward.chart, *HOME)["drafts"] == []
    assert len(ward.json("draft", "list", ward.chart, "--all", *HOME)["drafts"]) == 2


def test_a_tired_person_sees_at_once_what_is_not_supported(ward: World):
    """Whose words, that it is a toy, and which statements are marked stand first; marks are words, not colours."""
    draft = keep(ward)
    rows = run(ward, "draft", "show", ward.chart, draft[:8]).splitlines()
    assert rows[0].startswith("Draft by a model, not signed: soap")
    assert rows[1].startswith("DEMONSTRATION MODEL")
    assert rows[2] == "!! 1 OF 5 STATEMENTS SAY WHAT IS NOT IN THE SOURCE: plan.1"
    (at,) = [number for number, row in enumerate(rows) if row.startswith("!! plan.1")]
    assert rows[at] == "!! plan.1        Give >>ibuprofen 400 mg<<."
    assert rows[at + 1].strip() == 'NOT IN THE SOURCE: dose "ibuprofen 400 mg"'
    assert '                 from: "I hurt my ankle yesterday."' in rows
    assert "PLAN  (for the section plan)" in rows
    assert "CODES  (would be stated as a fact)" in rows
    assert "ASK  (to be read; goes nowhere by itself)" in rows
    assert "                 note: A prompt, not a finding." in rows
    assert "demonstration (0f0f0f0f0f0f), litert-lm 0.18.1, template soap/1, seed 7" in "\n".join(rows)
    assert f"fieldward draft accept {ward.chart[:8]} {draft[:8]}" in rows[-2]


def test_a_draft_by_rules_says_so(ward: World):
    """No model is named where none answered; nothing marked is no promise that it is right."""
    rows = run(ward, "draft", "show", ward.chart, keep(ward, drafted(REST, engine=None)))
    assert rows.startswith("Draft by rules, not signed: soap")
    assert "DEMONSTRATION" not in rows
    assert "no model: templates and rules" in rows
    assert "Read it against that all the same" in rows


def test_a_draft_as_json_can_be_followed_to_its_source(ward: World):
    """Each citation with the words that it names, each mark with its own; signed by nobody; stable keys."""
    draft = keep(ward, drafted(cut=True, warnings=("Cut.",), options={"language": "es"}))
    told = ward.json("draft", "show", ward.chart, draft, *HOME)
    assert set(told) == {
        *("chart", "document", "draft", "label", "signed", "status", "open", "skill", "template", "model"),
        *("model_digest", "engine", "seed", "adapter", "language", "demonstration", "cut", "warnings"),
        *("entries_since", "apart", "author", "wall_ms", "source", "parts", "unsupported", "decisions"),
    }
    assert (told["signed"], told["open"], told["label"]) == (False, True, "Draft by a model, not signed")
    assert (told["cut"], told["warnings"], told["language"], told["source"]) == (True, ["Cut."], "es", SOURCE)
    assert told["unsupported"] == ["plan.1"]
    history, marked, _, sprain, _ = told["parts"]
    assert history["citations"][0]["text"] == SOURCE[:26]
    assert marked["unsupported"] == [{"kind": "dose", "text": "ibuprofen 400 mg", "start": 5, "end": 21}]
    assert sprain["proposes"]["kind"] == "diagnosis"
    shown = run(ward, "draft", "show", ward.chart, draft)
    for words in ("CUT:", "NOTE: Cut.", "into es"):
        assert words in shown


def test_accepting_takes_what_is_supported(ward: World):
    """Text and facts become the person's own; what was left out is named; the timeline shows both."""
    draft = keep(ward)
    told = ward.json("draft", "accept", "--demonstration", ward.chart, draft[:8], "--facts", *HOME)
    assert (told["accepted"], told["rejected"]) == (["subjective.1", "plan.2", "codes.1"], ["plan.1"])
    assert (told["sections"], told["facts"], told["questions"]) == (["subjective", "plan"], 1, [])
    assert plan(ward) == "Rest for two days."
    kinds = {one["kind"]: one for one in ward.json("audit", "timeline", "--chart", ward.chart, *HOME)["events"]}
    assert kinds["draft_generated"]["detail"]["unsupported"] == "1 dose"
    assert kinds["draft_discarded"]["detail"]["parts"] == "1 text"
    fields = {
        field
        for one in ward.json("audit", "timeline", "--chart", ward.chart, *HOME)["events"]
        if one["kind"] == "content_written"
        for field in one["fields"]
    }
    assert {"text.plan", "text.subjective", "diagnosis", "draft", "draft_decision"} <= fields
    shown = run(ward, "draft", "show", ward.chart, draft)
    assert "Decided: accepted in part." in shown
    assert "took over: subjective.1, plan.2, codes.1" in shown
    assert "left out: plan.1" in shown
    assert "fieldward draft accept" not in shown
    assert ward.refused("draft", "accept", "--demonstration", ward.chart, draft, *HOME) == "draft_decided"


def test_parts_are_chosen_reworded_moved_and_included(ward: World, monkeypatch: pytest.MonkeyPatch):
    """By options: several names with commas, words from standard input, another section, a mark with a reason."""
    draft = keep(ward, drafted(HISTORY, MARKED, REST, HOMELESS))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Duérmase.\n".encode())))
    said = run(
        *(ward, "draft", "accept", "--demonstration", ward.chart, draft),
        *("--only", "plan.2, what_to_do", "--edit", "plan.2=-"),
        "--into", "what_to_do=plan", "--include", "plan.1", "--reason", "read from the packet",
    )  # fmt: skip
    assert "Taken over as yours: plan.1, plan.2, what_to_do.1 (section plan)." in said
    assert "Left out: subjective.1." in said
    assert "Not signed yet: fieldward workflow sign" in said
    assert plan(ward) == "Give ibuprofen 400 mg.\nDuérmase.\nKeep the foot up."
    shown = run(ward, "draft", "show", ward.chart, draft)
    assert "of these although not supported: plan.1" in shown
    assert "of these in other words: plan.2" in shown
    assert "reason: read from the packet" in shown


def test_facts_are_asked_about_when_they_are_accepted(ward: World):
    """As when somebody types them: a code that is incomplete is written, and questioned."""
    vague: dict[str, Json] = {
        "kind": "diagnosis",
        "payload": {"text": "Sprain", "code": "S93.4", "system": "icd-10-cm"},
    }
    part = replace(REST, name="codes.1", kind=type(REST.kind)("fact"), section="", proposes=vague)
    said = run(ward, "draft", "accept", "--demonstration", ward.chart, keep(ward, drafted(part)), "--facts")
    assert "(1 fact)" in said
    assert "Please check: is the ICD-10-CM code right?" in said


def test_a_draft_of_another_time_is_accepted_knowingly(ward: World):
    """It says so when it is shown, is refused until somebody says that they looked, and is then taken over."""
    draft = keep(ward, drafted(REST), from_chart=True)
    ward.json("chart", "edit", ward.chart, "--document", "encounter", "--fact",
              '{"kind":"allergy","text":"Latex"}', *HOME)  # fmt: skip
    assert "OUTDATED: 1 entry came" in run(ward, "draft", "show", ward.chart, draft)
    assert ward.json("draft", "show", ward.chart, draft, *HOME)["entries_since"] == 1
    assert ward.refused("draft", "accept", "--demonstration", ward.chart, draft, *HOME) == "draft_outdated"
    ward.json("draft", "accept", "--demonstration", ward.chart, draft, "--outdated", *HOME)
    assert plan(ward) == "Rest for two days."


def test_a_draft_that_is_kept_apart_says_so(ward: World):
    """So that nobody reads it out where others listen."""
    draft = keep(ward, drafted(REST), apart=True)
    assert "Kept apart" in run(ward, "draft", "show", ward.chart, draft)
    assert ward.refused("draft", "accept", "--demonstration", ward.chart, draft, *HOME) == "draft_kept_apart"


def test_a_draft_is_dismissed_with_a_reason(ward: World):
    """It stays on record with it, and nothing of it is taken over."""
    draft = keep(ward)
    assert "Dismissed" in run(ward, "draft", "dismiss", ward.chart, draft, "--reason", "wrong <b>patient</b>")
    assert "reason: wrong <b>patient</b>" in run(ward, "draft", "show", ward.chart, draft)
    (row,) = ward.json("draft", "list", ward.chart, "--all", *HOME)["drafts"]
    assert row["status"] == "dismissed"
    assert "dismissed" in run(ward, "draft", "list", ward.chart, "--all")
    assert plan(ward) == ""


@pytest.mark.parametrize(
    ("arguments", "code", "exits"),
    [
        (["--into", "plan.2=kitchen"], "section", 1),
        (["--into", "plan.2"], "usage", 2),
        (["--into", "=plan"], "usage", 2),
        (["--edit", "plan.2=a", "--edit", "plan.2=b"], "usage", 2),
        (["--edit", "plan.2=-", "--edit", "plan.1=-"], "usage", 2),
        (["--only", "plan.9"], "no_such_part", 1),
        (["--only", "plan.1"], "part_unsupported", 1),
        (["--include", "plan.1"], "reason", 1),
    ],
)
def test_what_cannot_be_meant_is_refused(ward: World, arguments: list[str], code: str, exits: int):
    """Before anything is written."""
    draft = keep(ward)
    assert ward.refused("draft", "accept", "--demonstration", ward.chart, draft, *arguments, *HOME, code=exits) == code
    assert ward.json("draft", "show", ward.chart, draft, *HOME)["open"]


def test_a_reader_of_drafts_is_in_the_audit(ward: World):
    """Listing and showing are acts: which kinds were read, of which chart."""
    draft = keep(ward)
    run(ward, "draft", "list", ward.chart)
    run(ward, "draft", "show", ward.chart, draft)
    assert ward.refused("draft", "show", ward.chart, "feedfeed", *HOME) == "no_such_draft"
    reads = [
        one
        for one in ward.json("audit", "timeline", "--chart", ward.chart, *HOME)["events"]
        if one["kind"] == "data_accessed"
    ]
    assert any(one["fields"] == ["draft"] for one in reads)


# --------------------------------------------------------------------------------------------------- the statements


def rows(*parts: Any, source: str = SOURCE) -> list[str]:
    """The statements of a draft that was just made, as they are printed."""
    return [*part_rows(parts, source)]


def marks(places: Iterable[tuple[int, int]]) -> tuple[Unsupported, ...]:
    """Marks at some places."""
    return tuple(Unsupported(FindingKind.NUMBER, "", start, end) for start, end in places)


def test_marks_that_overlap_are_one():
    """So that the words can still be read; each is still said below."""
    part = replace(REST, text="Take 400 mg now", unsupported=marks([(5, 11), (9, 15), (0, 4)]), citations=())
    found = rows(part)
    assert found[1] == "!! plan.2  >>Take<< >>400 mg now<<"
    assert sum("NOT IN THE SOURCE" in row for row in found) == 3
    assert found[-1].strip() == "from: no place of the source was found for it"


def test_hostile_words_move_no_cursor():
    """Escape sequences and overrides of a model, a source or a note are shown as what they are."""
    evil = "a\x1b[2Jb\u202ec"
    part = replace(
        REST,
        text=evil,
        notes=(evil,),
        citations=(Citation(0, 1, 0, len(evil)),),
        unsupported=(Unsupported(FindingKind.DRUG, evil, 0, len(evil)),),
    )
    printed = "\n".join(rows(part, source=evil))
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert printed.count("<U+001B>") == 4


def test_long_quotes_and_many_places_are_cut():
    """A row stays readable; how many more places there are is said."""
    source = "word " * 100
    part = replace(REST, text="x\ny", citations=tuple(Citation(0, 1, 0, 500) for _ in range(5)))
    found = rows(part, source=source)
    assert found[1:3] == ["   plan.2  x", "           y"]
    assert sum(row.strip().startswith('from: "') for row in found) == 3
    assert found[-1].strip() == "and 2 more places of the source"
    assert max(map(len, found)) < 200


def test_what_would_be_stated_is_shown_and_not_only_what_the_draft_says_of_it(ward: World):
    """Whoever wrote the draft chose its words; all that acceptance would state is on the screen, made harmless."""
    hidden: dict[str, Json] = {
        "kind": "medication",
        "payload": {"text": "Warfarin\u202e\n", "action": "start", "dose": "50"},
    }
    other = replace(SPRAIN, name="codes.2", text="Sprain", proposes=hidden, citations=())
    told = 'would state: medication, text "Warfarin<U+202E>\\n", action "start", dose "50"'
    assert told in [row.strip() for row in rows(other)]
    shown = run(ward, "draft", "show", ward.chart, keep(ward, drafted(SPRAIN, other)))
    stated = [row.strip() for row in shown.splitlines() if "would state:" in row]
    assert len(stated) == 2
    for words in ('"S93.401A"', '"provisional"'):
        assert words in stated[0]
    for words in ("medication, ", '"Warfarin<U+202E>\\n"', 'dose "50"'):
        assert words in stated[1]


def test_a_statement_that_belongs_elsewhere_than_its_field_says_so():
    """A heading that is true of the first statement promises nothing of the others."""
    found = rows(REST, replace(REST, name="plan.3", section="assessment"), replace(SPRAIN, name="plan.4"))
    assert found[0] == "PLAN  (for the section plan)"
    assert [row.strip() for row in found if row.strip().startswith("(")] == [
        "(for the section assessment)",
        "(would be stated as a fact)",
    ]
    assert "(belongs nowhere)" in [row.strip() for row in rows(REST, replace(REST, name="plan.3", section=""))]


def test_the_summary_names_every_marked_statement():
    """By its name, so that it can be named in an answer."""
    assert summary([MARKED, replace(MARKED, name="plan.7"), REST]).endswith("plan.1, plan.7")
    assert "Nothing in it is marked" in summary([REST, ADVICE])
    assert ENGINE.demonstration
