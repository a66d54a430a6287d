"""Emergency protocols: quoted word for word, never shortened at the top, never a triage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.levels import plays_down
from edge_runtime.ai.skills.protocol import LOCAL_FIRST, SKILL
from edge_runtime.ai.skills.protocol_book import FIRST_MAX, ranked, read_protocol
from edge_runtime.ai.skills.protocol_files import read_folder, shipped
from edge_runtime.ai.skills.skill import PARTS_MAX, PartKind, Reply, Source
from edge_runtime.clinical.layout import TRIAGE_ALIASES, Triage
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.ai.skills.random_answers import answers, fields_of, reply

FACTS = EngineFacts(engine="test", model="test", digest="", context_tokens=8192)
STING = Source(text="34 year old, bee sting 10 minutes ago, lip swelling and wheezing, BP 80/40, anaphylaxis")
BOTH = Source(text="Diabetic found fitting, seizure for 6 minutes, then not breathing, no pulse.")
ASK = SKILL.ask(STING, FACTS, ())
EVERYTHING = SKILL.ask(Source(text="hello"), FACTS, ())
OWN: dict[str, Any] = {
    "id": "snake-bite",
    "title": "Snake bite",
    "version": 3,
    "urgency": 1,
    "names": ["snake bite", "bitten by a snake"],
    "signs": ["fang marks"],
    "source": {"name": "Our ward's own", "body": "Our hospital", "year": 2026},
    "lines": [
        {"id": "snake-bite-1", "text": "Keep the limb still.", "first": True},
        {"id": "snake-bite-2", "text": "Call the poisons centre."},
    ],
}
SHIPPED = {
    "anaphylaxis",
    "burns",
    "cardiac-arrest",
    "child-dehydration",
    "choking",
    "hypoglycaemia",
    "massive-haemorrhage",
    "opioid-overdose",
    "postpartum-haemorrhage",
    "seizure",
    "sepsis",
    "stroke",
}


def assert_quoted(sketch, protocols=None):
    """Every part is a title or a line of a protocol, word for word, as advice, with its source."""
    texts = {one.id: one.title for one in protocols or shipped()}
    texts |= {line.id: line.text for one in protocols or shipped() for line in one.lines}
    assert len(sketch.parts) <= PARTS_MAX
    assert len({part.name for part in sketch.parts}) == len(sketch.parts)
    assert sketch.warnings[0] == LOCAL_FIRST
    for part in sketch.parts:
        assert texts[part.name] == part.text
        assert part.kind is PartKind.ADVICE
        assert part.proposes is None
        assert part.section == ""
        assert any("word for word from" in note for note in part.notes)


def first_lines(name):
    """The lines of a protocol that are always shown."""
    return {line.id for one in shipped() if one.id == name for line in one.lines if line.first}


def test_the_shipped_protocols():
    """Twelve, each with a guideline, a body and a year, and lines that are always shown."""
    assert {one.id for one in shipped()} == SHIPPED
    for one in shipped():
        assert one.source.count(";") >= 1
        assert not one.own
        assert 1 <= sum(line.first for line in one.lines) <= FIRST_MAX
        assert [line.id for line in one.lines] == [f"{one.id}-{number}" for number in range(1, len(one.lines) + 1)]


def test_no_shipped_line_takes_urgency_away():
    """No line says that somebody may wait, and none speaks of a triage category."""
    for one in shipped():
        for line in one.lines:
            assert not plays_down(line.text), line.id
            assert "triage" not in line.text.lower()


def test_without_a_model_the_whole_protocol():
    """By the words of the situation, with the words that led to it."""
    sketch = SKILL.sketch(STING, ())
    assert_quoted(sketch)
    whole = next(one for one in shipped() if one.id == "anaphylaxis")
    assert [part.name for part in sketch.parts] == ["anaphylaxis", *(line.id for line in whole.lines)]
    (cited,) = sketch.parts[0].citations
    assert STING.text[cited.source_start : cited.source_end] == "anaphylaxis"
    assert any("No model" in one for one in sketch.warnings)


def test_a_model_chooses_lines_and_the_first_ones_stay():
    """What must not be missed is shown whatever it chose; what it left out is counted."""
    sketch = SKILL.sketch(STING, (reply({"protocol": "anaphylaxis", "steps": ["anaphylaxis-6"]}),))
    assert_quoted(sketch)
    shown = [part.name for part in sketch.parts[1:]]
    assert set(shown) == first_lines("anaphylaxis") | {"anaphylaxis-6"}
    assert shown == sorted(shown, key=lambda name: int(name.rpartition("-")[2]))
    assert any("5 lines of Anaphylaxis" in one for one in sketch.warnings)
    assert sketch.fields == {"protocol": "anaphylaxis", "steps": shown}


def test_what_is_named_outright_and_more_urgent_stands_first():
    """A model that chooses the seizure does not hide the cardiac arrest."""
    sketch = SKILL.sketch(BOTH, (reply({"protocol": "seizure", "steps": []}),))
    assert_quoted(sketch)
    names = [part.name for part in sketch.parts]
    assert names[0] == "cardiac-arrest"
    assert first_lines("cardiac-arrest") | first_lines("seizure") <= set(names)


def test_lines_of_another_protocol_are_not_mixed_in():
    """Steps count only for the protocol that was chosen."""
    chosen = {"protocol": "anaphylaxis", "steps": ["stroke-5", "anaphylaxis-4"]}
    names = [part.name for part in SKILL.sketch(STING, (reply(chosen),)).parts]
    assert "stroke-5" not in names
    assert "anaphylaxis-4" in names


def test_a_situation_that_names_nothing():
    """Without a model the titles are listed; with one, its choice is shown as a guess."""
    silent = SKILL.sketch(Source(text="hello"), ())
    assert silent.parts == ()
    assert "Stroke" in silent.warnings[-1]
    chosen = SKILL.sketch(Source(text="hello"), (reply({"protocol": "stroke", "steps": []}),))
    assert_quoted(chosen)
    assert any("see for yourself" in one.lower() for one in chosen.warnings)


def test_one_sign_alone_is_too_little():
    """It is told what it may concern; a model's choice is shown, as a guess; our toy is not even asked."""
    source = Source(text="He is wheezing a little.")
    alone = SKILL.sketch(source, ())
    assert_quoted(alone)
    anaphylaxis = next(one for one in shipped() if one.id == "anaphylaxis")
    first = [line.id for line in anaphylaxis.lines if line.first]
    assert [part.name for part in alone.parts] == ["anaphylaxis", *first]
    assert all("one sign alone" in part.notes[0] for part in alone.parts)
    assert alone.fields["protocol"] is None
    assert "It may be: Anaphylaxis." in alone.warnings[-1]
    chosen = SKILL.sketch(source, (reply({"protocol": "anaphylaxis", "steps": []}),))
    assert_quoted(chosen)
    assert any("see for yourself" in one.lower() for one in chosen.warnings)
    toy = EngineFacts(engine="t", model="t", digest="", context_tokens=2048, demonstration=True)
    assert SKILL.ask(source, toy, ()) is None
    assert SKILL.ask(STING, toy, ()) is not None


def test_what_is_denied_ranks_behind_and_is_never_named():
    """A denied seizure may be mistyped: it is still found, below everything that stands."""
    found = ranked(shipped(), "No seizure. Facial droop since noon.")
    assert [(one.protocol.id, one.named) for one in found] == [("stroke", True), ("seizure", False)]


@pytest.mark.parametrize("situation", [STING, BOTH, Source(text="hello")])
@pytest.mark.campaign
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_a_model_says_only_quotes_come_out(situation, data):
    """Random answers within the form, whole and cut: shipped lines alone, and each first line of what is named."""
    answer = data.draw(answers(EVERYTHING))
    try:
        sketch = SKILL.sketch(situation, (answer,))
    except EngineError:
        assert answer.cut
        return
    assert_quoted(sketch)
    names = {part.name for part in sketch.parts}
    for one in ranked(shipped(), situation.text):
        if one.named:
            assert first_lines(one.protocol.id) <= names


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text(), st.booleans())
def test_whatever_an_engine_says_only_quotes_come_out(text, cut):
    """An answer that keeps no form is an error, or nothing of it is used."""
    for said in (text, json.dumps({"protocol": text, "steps": [text]})):
        try:
            sketch = SKILL.sketch(STING, (Reply(purpose="main", text=said, cut=cut),))
        except EngineError:
            continue
        assert_quoted(sketch)


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text(min_size=1))
def test_no_triage_and_no_status_whatever_the_situation(text):
    """No part, field or form has a word in which a triage could be lowered."""
    source = Source(text=text)
    sketch = SKILL.sketch(source, ())
    assert set(sketch.fields) == {"protocol", "steps"}
    assert all(part.proposes is None for part in sketch.parts)


def test_the_form_has_no_room_for_words():
    """Enumerations of ids alone: a model can say nothing of its own, a triage category least of all."""
    schema = fields_of(EVERYTHING)
    assert set(schema) == {"protocol", "steps"}
    words = {*schema["protocol"]["enum"], *schema["steps"]["items"]["enum"]}
    assert len(schema["protocol"]["enum"]) == len(SHIPPED)
    assert words.isdisjoint({*Triage, *TRIAGE_ALIASES})


def test_a_small_context_offers_what_is_named_first():
    """Three protocols with their lines still fit."""
    facts = EngineFacts(engine="t", model="t", digest="", context_tokens=2048, prompt_style="demonstration")
    ask = SKILL.ask(STING, facts, ())
    assert fields_of(ask)["protocol"]["enum"][0] == "anaphylaxis"
    assert len(fields_of(ask)["protocol"]["enum"]) <= 3
    assert ask.prompt.startswith("protocol\nanaphylaxis Anaphylaxis\n")
    assert SKILL.ask(STING, facts, (reply({}),)) is None


def test_an_organisations_own_protocol():
    """Shown like any other, and named as its own; the shipped one of the same id gives way."""
    source = Source(text="bitten by a snake, fang marks", facts={"protocols": [OWN]})
    SKILL.check(source)
    sketch = SKILL.sketch(source, ())
    own = read_protocol(OWN, own=True)
    assert_quoted(sketch, [own])
    assert [part.name for part in sketch.parts] == ["snake-bite", "snake-bite-1", "snake-bite-2"]
    assert "your organisation's own protocol" in sketch.parts[0].notes
    moved = json.loads(json.dumps(OWN).replace("snake-bite", "stroke"))
    replaced = SKILL.sketch(Source(text="facial droop and snake bite", facts={"protocols": [moved]}), ())
    assert [part.name for part in replaced.parts] == ["stroke", "stroke-1", "stroke-2"]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "Snake Bite"},
        {"id": "s" * 60},
        {"title": ""},
        {"urgency": 4},
        {"version": 0},
        {"names": []},
        {"names": ["a*b"]},
        {"source": {"name": "x", "body": "y"}},
        {"lines": []},
        {"lines": [{"id": "snake-bite-1", "text": "x"}]},
        {"lines": [{"id": "other-1", "text": "x", "first": True}]},
        {"lines": [{"id": "snake-bite-1", "text": "x", "first": True}] * 2},
        {"lines": [{"id": f"snake-bite-{n}", "text": "x", "first": True} for n in range(9)]},
        {"lines": [{"id": "snake-bite-1", "text": "x" * 401, "first": True}]},
        {"triage": "green"},
    ],
)
def test_a_protocol_of_another_form_is_refused(change):
    """The same strict form for everybody; no refusal repeats what stands in it."""
    with pytest.raises(InputError) as refusal:
        SKILL.check(Source(text="x", facts={"protocols": [{**OWN, **change}]}))
    assert refusal.value.code == "invalid_protocol"
    assert "Snake" not in str(refusal.value)


@pytest.mark.parametrize("own", ["text", {"a": 1}, [OWN] * 101, ["x"], [None]])
def test_own_protocols_of_another_form_are_refused(own):
    """A list of protocols, and nothing else."""
    with pytest.raises(InputError):
        SKILL.check(Source(text="x", facts={"protocols": own}))


def as_toml(protocol):
    """A protocol as its file."""
    head = {name: value for name, value in protocol.items() if name not in {"source", "lines"}}
    rows = [f"{name} = {json.dumps(value)}" for name, value in head.items()]
    rows += ["[source]", *(f"{name} = {json.dumps(value)}" for name, value in protocol["source"].items())]
    for line in protocol["lines"]:
        rows += ["[[lines]]", *(f"{name} = {json.dumps(value)}" for name, value in line.items())]
    return "\n".join(rows)


def test_a_folder_of_protocols(tmp_path):
    """Each file that ends in .toml is one; others are left alone."""
    (tmp_path / "snake.toml").write_text(as_toml(OWN))
    (tmp_path / "README.md").write_text("ours")
    assert read_folder(tmp_path) == [OWN]


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"id = ", b"x" * 70_000, b"id = 2026-01-01", b"id = 1.5", b'id = "a"', b"a = " + b"[" * 2000],
)
def test_a_file_that_is_no_protocol_is_refused(tmp_path, data):
    """With the number of the file, not its name or words."""
    (tmp_path / "secret-name.toml").write_bytes(data)
    with pytest.raises(InputError) as refusal:
        read_folder(tmp_path)
    assert refusal.value.code == "invalid_protocol"
    assert "secret" not in str(refusal.value)


def test_a_folder_that_is_none_and_one_id_twice(tmp_path):
    """Both are refused."""
    with pytest.raises(InputError):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "a.toml").write_text(as_toml(OWN))
    (tmp_path / "b.toml").write_text(as_toml(OWN))
    with pytest.raises(InputError) as refusal:
        read_folder(tmp_path)
    assert "file 2" in refusal.value.got
    for number in range(101):
        (tmp_path / f"c{number}.toml").write_text("")
    with pytest.raises(InputError):
        read_folder(tmp_path)
