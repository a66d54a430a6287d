"""`fieldward ai`: a checked draft for a person or a machine, kept only where a chart was named, and never half."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any, Self

import pytest

from edge_runtime.ai.engine.port import Answer, Ending, EngineFacts, Timings
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.catalogue import SKILLS
from edge_runtime.cli import ai_run
from edge_runtime.cli.main import run
from tests.unit.edge_runtime.cli.world import World

VISIT = "She has had a cough for 3 days. Temperature 38.4 C, pulse 96. No known allergies. Start amoxicillin 500 mg."
NOTE = {
    "subjective": "Cough for 3 days. No known allergies.",
    "objective": "Temperature 38.4 C, pulse 96.",
    "assessment": "Not documented.",
    "plan": "Start amoxicillin 500 mg. Add ibuprofen 400 mg.",
}
KEYS = {
    *("skill", "label", "about", "draft", "citations", "unsupported", "parts", "cut", "warnings", "model"),
    *("model_digest", "engine", "demonstration", "adapter", "template", "seed", "timings", "missing", "unused"),
}


class Saying:
    """An engine at the boundary: it says what a test wants it to."""

    facts = EngineFacts(engine="test", model="parrot", digest="ab" * 32, context_tokens=4096)

    def __init__(self, text: str, ending: Ending = Ending.DONE, fails: EngineError | None = None) -> None:
        self.text = text
        self.ending = ending
        self.fails = fails
        self.cancelled = False
        self.seen: list[Any] = []

    def load(self) -> None:
        """Nothing to load."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def generate(self, request: Any) -> Saying:
        """Say it."""
        self.seen.append(request)
        return self

    def __iter__(self):
        yield self.text[:20]
        if self.fails is not None:
            raise self.fails
        signal.raise_signal(signal.SIGINT) if self.ending is Ending.CANCELLED else None
        yield self.text[20:]

    def cancel(self) -> None:
        """Note it."""
        self.cancelled = True

    def answer(self) -> Answer:
        """The whole."""
        ending = Ending.CANCELLED if self.cancelled else self.ending
        return Answer(self.text, ending, Timings(first_ms=5, total_ms=25, prompt_tokens=80, answer_tokens=41))


@pytest.fixture
def saying(monkeypatch):
    """Let an engine of a test answer."""

    def put(text: str = json.dumps(NOTE), **how: Any) -> Saying:
        engine = Saying(text, **how)
        monkeypatch.setattr(ai_run, "_opened", lambda *_: engine)
        return engine

    return put


@pytest.fixture
def visit(tmp_path: Path) -> str:
    """A transcript."""
    path = tmp_path / "visit.txt"
    path.write_text(VISIT, encoding="utf-8")
    return str(path)


def told(capsys, *arguments: str) -> tuple[int, Any]:
    """Exit code and the last JSON value that a command printed."""
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_draft_has_the_keys_that_others_rely_on(saying, visit, capsys):
    """Draft, citations, unsupported, model, template, seed, timings: each is there, as docs/ai.md says."""
    saying()
    code, found = told(capsys, "ai", "soap", "--transcript", visit, "--seed", "7")
    assert code == 0
    assert set(found) == KEYS
    assert list(found["draft"]) == ["subjective", "objective", "assessment", "plan"]
    assert (found["model"], found["seed"], found["template"].partition("/")[0]) == ("parrot", 7, "soap")
    assert set(found["timings"]) >= {"load_ms", "first_token_ms", "total_ms", "answer_tokens", "tokens_per_s"}
    assert found["timings"]["tokens_per_s"] == 2000


def test_positions_are_those_of_the_words(saying, visit, capsys):
    """What is cited and what is marked can be cut out of field and source by the positions that come with it."""
    saying()
    _, found = told(capsys, "ai", "soap", "--transcript", visit)
    assert found["citations"]
    for one in found["citations"]:
        assert found["draft"][one["field"]][one["start"] : one["end"]].strip()
        assert VISIT[one["source_start"] : one["source_end"]].strip()
    marked = [(one["field"], one["kind"], one["text"]) for one in found["unsupported"]]
    assert any(field == "plan" and "ibuprofen" in text.lower() for field, _, text in marked)
    assert all(found["draft"][one["field"]][one["start"] : one["end"]] == one["text"] for one in found["unsupported"])
    assert not any("amoxicillin" in text.lower() for _, _, text in marked)


def test_without_a_model_rules_do_what_they_can_and_say_so(visit, capsys):
    """`--engine none` drafts without a model, and says that none was used."""
    code, found = told(capsys, "ai", "soap", "--transcript", visit, "--engine", "none")
    assert code == 0
    assert (found["model"], found["engine"], found["timings"]["first_token_ms"]) == (None, None, None)
    assert "no model" in found["label"]
    assert run(["ai", "soap", "--transcript", visit, "--engine", "none"]) == 0
    said = capsys.readouterr().out
    assert "no model was used" in said
    assert "Nothing was kept" in said


def test_a_stream_prints_tokens_then_the_whole(saying, visit, capsys):
    """With --stream the words come before the checked draft: as JSON values a line with --json, as text without."""
    saying()
    assert run(["ai", "soap", "--transcript", visit, "--stream", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "".join(one["token"] for one in lines[:-1]) == json.dumps(NOTE)
    assert set(lines[-1]) == KEYS
    assert run(["ai", "soap", "--transcript", visit, "--stream"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(json.dumps(NOTE)[:20])
    assert "nothing in them was checked yet" in said.err


def test_what_is_not_borne_out_is_marked_for_a_person(saying, visit, capsys):
    """The screen says what made the draft, marks what the source does not bear out in words, and how many there are."""
    saying()
    assert run(["ai", "soap", "--transcript", visit]) == 0
    said = capsys.readouterr().out
    assert "signed by nobody" in said
    assert "parrot" in said
    assert "NOT IN THE SOURCE" in said
    assert "the source does not bear out" in said


def test_ctrl_c_stops_the_model_and_keeps_nothing(saying, visit, capsys):
    """A stop in the middle is a clear refusal; the handler that stood before stands again."""
    before = signal.getsignal(signal.SIGINT)
    engine = saying(ending=Ending.CANCELLED)
    code, found = told(capsys, "ai", "soap", "--transcript", visit)
    assert (code, found["error"]["code"]) == (1, "cancelled")
    assert engine.cancelled
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_the_engine_is_asked_ends_as_well(saying, visit, capsys, monkeypatch):
    """The signal may come while this thread holds the very lock that stopping takes: it waits for nobody there."""
    engine: Saying = saying(ending=Ending.DONE)

    def generate(_: Any) -> Saying:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return engine

    monkeypatch.setattr(engine, "generate", generate)
    code, found = told(capsys, "ai", "soap", "--transcript", visit)
    assert (code, found["error"]["code"]) == (1, "cancelled")


def test_an_engine_that_fails_costs_the_draft_alone(saying, visit, capsys):
    """The error of an engine is one clear error; no traceback, nothing kept."""
    saying(fails=EngineError("engine_ended", expected="an answer", got="an end", do="ask again"))
    code, found = told(capsys, "ai", "soap", "--transcript", visit)
    assert (code, found["error"]["code"]) == (1, "engine_ended")


def test_a_cut_answer_says_so(saying, visit, capsys):
    """An answer that was cut keeps what was whole, and is labelled."""
    saying(text=json.dumps(NOTE)[:90], ending=Ending.CUT)
    code, found = told(capsys, "ai", "soap", "--transcript", visit)
    assert code == 0
    assert found["cut"] is True
    assert "plan" not in found["draft"] or not found["draft"]["plan"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "source_empty"),
        (b"\xff\xfe\x00", "text_file"),
        (b"word " * 60_000, "text_file"),
        (b"word " * 8_000, "source_too_long"),
    ],
)
def test_a_source_that_will_not_do_is_refused(tmp_path, capsys, content, code):
    """Empty, no text, or too long: a clear error before anything is loaded, without the words of the source."""
    path = tmp_path / "visit.txt"
    path.write_bytes(content)
    got, found = told(capsys, "ai", "soap", "--transcript", str(path), "--engine", "none")
    assert (got, found["error"]["code"]) == (1, code)
    assert "word" not in found["error"]["got"]


def test_a_source_must_be_named(capsys):
    """Neither a file nor a chart is wrong usage."""
    assert told(capsys, "ai", "handover")[0] == 2
    assert told(capsys, "ai", "translate", "--text", "-")[0] == 2
    assert told(capsys, "ai", "soap", "--transcript", "x", "--engine", "openai")[0] in {1, 2}


def test_another_program_must_be_on_this_machine(visit, capsys):
    """An address beyond this machine is refused before anything is sent."""
    given = ("ai", "soap", "--transcript", visit, "--engine", "openai", "--model", "m", "--url")
    code, found = told(capsys, *given, "http://192.0.2.1:1/v1")
    assert (code, found["error"]["code"]) == (1, "engine_address")
    assert told(capsys, *given[:-3])[0] == 2  # without --model nobody knows what to ask for


def test_every_skill_is_a_command(capsys):
    """Each skill has its command with help and an example, and `ai skills` lists them."""
    code, found = told(capsys, "ai", "skills")
    assert code == 0
    assert [one["name"] for one in found] == [name.value for name in SKILLS]
    for one in found:
        assert run(["ai", one["name"], "--help"]) == 0
        assert f"fieldward ai {one['name']}" in capsys.readouterr().out
    assert run(["ai", "skills"]) == 0
    assert "soap" in capsys.readouterr().out


def test_scores_and_reports_come_as_json(tmp_path, capsys, monkeypatch):
    """`risk` takes what `score` prints, `quality` what `workflow show` prints; anything else is refused."""
    assert run(["score", "gcs", "--input", "eye=3", "--input", "verbal=4", "--input", "motor=6", "--json"]) == 0
    scored = tmp_path / "gcs.json"
    scored.write_text(capsys.readouterr().out, encoding="utf-8")
    code, found = told(capsys, "ai", "risk", "--scores", str(scored), "--engine", "none")
    assert code == 0, found
    assert "13" in json.dumps(found["draft"])
    for text, option in (("[1]", "risk"), ("{", "risk"), ("[]", "quality"), ('{"documents": []}', "quality")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        name = "--scores" if option == "risk" else "--report"
        code, found = told(capsys, "ai", option, name, "-", "--engine", "none")
        assert code == 1
        assert found["error"]["code"] == "facts_file"


def test_the_check_alone(tmp_path, capsys):
    """`ai check` marks what a draft adds, with positions in its text, and says by its exit code only if asked."""
    source, draft = tmp_path / "source.txt", tmp_path / "draft.txt"
    source.write_text(VISIT, encoding="utf-8")
    text = "Cough for 3 days. Ibuprofen 400 mg."
    draft.write_text(text, encoding="utf-8")
    given = ("ai", "check", "--source", str(source), "--draft", str(draft))
    code, found = told(capsys, *given)
    assert code == 0
    assert found["unsupported"]
    assert all(set(one) == {"text", "kind", "start", "end"} for one in found["unsupported"])
    assert all(text[one["start"] : one["end"]] == one["text"] for one in found["unsupported"])
    assert told(capsys, *given, "--exit-code")[0] == 3
    assert run([*given]) == 0
    assert "»" in capsys.readouterr().out
    draft.write_text(VISIT, encoding="utf-8")
    assert told(capsys, *given, "--exit-code") == (0, {"unsupported": []})
    assert run([*given]) == 0
    assert "a person must" in capsys.readouterr().out
    assert told(capsys, "ai", "check", "--source", "-", "--draft", "-")[0] == 2


def test_a_draft_is_kept_in_the_chart_that_was_named(world: World, saying, visit):
    """With --chart the draft is recorded beside the document, with an audit record; the chart's text is as it was."""
    world.found()
    world.enrol("tablet", "physician")
    chart = world.json("chart", "create", "--name", "Ana Lima", "--home", "tablet")["chart"]
    saying()
    found = world.json("ai", "soap", "--transcript", visit, "--chart", chart, "--home", "tablet")
    assert set(found["kept"]) == {"chart", "document", "draft"}
    shown = world.json("chart", "show", chart, "--home", "tablet")
    assert not any(document["sections"] for document in shown["documents"])
    events = world.json("audit", "timeline", "--chart", chart, "--home", "tablet")["events"]
    assert "draft_generated" in {event["kind"] for event in events}
    answer = world.run("ai", "soap", "--transcript", visit, "--chart", chart, "--home", "tablet")
    assert "fieldward draft show" in answer.out


def test_a_draft_is_kept_apart_where_somebody_says_so(world: World, saying, visit):
    """--apart keeps what was said in the sensitive compartment: its words then go nowhere by themselves."""
    world.found()
    world.enrol("tablet", "physician")
    chart = world.json("chart", "create", "--name", "Ana Lima", "--home", "tablet")["chart"]
    saying()
    kept = world.json("ai", "soap", "--transcript", visit, "--chart", chart, "--apart", "--home", "tablet")["kept"]
    assert world.refused("draft", "accept", chart, kept["draft"], "--home", "tablet") == "draft_kept_apart"


def test_a_chart_is_drafted_from_as_it_is_read(world: World, saying):
    """Without a file the document is the source: a reading on record, for the patient's own key."""
    world.found()
    world.enrol("tablet", "physician")
    chart = world.json("chart", "create", "--name", "Ana Lima", "--home", "tablet")["chart"]
    fact = json.dumps({"kind": "allergy", "text": "Penicillin", "severity": "severe"})
    world.json("chart", "edit", chart, "--home", "tablet", "--document", "chart", "--fact", fact)
    handover = {"situation": "Severe penicillin allergy.", "background": "", "assessment": "", "recommendation": ""}
    engine = saying(text=json.dumps({name: text or "Not documented." for name, text in handover.items()}))
    found = world.json("ai", "handover", "--chart", chart, "--home", "tablet")
    (request,) = engine.seen
    assert "Penicillin" in request.parts[0].text
    assert request.patient
    assert found["unsupported"] == []
    events = world.json("audit", "timeline", "--chart", chart, "--home", "tablet")["events"]
    assert {"data_accessed", "draft_generated"} <= {event["kind"] for event in events}
    assert world.refused("ai", "risk", "--chart", chart, "--home", "tablet") == "no_scores"
    told = world.json("ai", "quality", "--chart", chart, "--home", "tablet", "--engine", "none")
    assert told["draft"]


def test_a_draft_without_a_statement_is_not_kept(world: World, tmp_path: Path):
    """Where a skill finds nothing, there is nothing to accept: the screen says so, and the chart is as it was."""
    world.found()
    world.enrol("tablet", "physician")
    chart = world.json("chart", "create", "--name", "Ana Lima", "--home", "tablet")["chart"]
    note = tmp_path / "note.txt"
    note.write_text("Nothing to report today.", encoding="utf-8")
    given = ("ai", "codes", "--note", str(note), "--engine", "none", "--chart", chart, "--home", "tablet")
    found = world.json(*given)
    assert found["parts"] == []
    assert "kept" not in found
    assert "nothing was kept" in world.run(*given).out
    assert world.json("draft", "list", chart, "--home", "tablet")["drafts"] == []


def test_what_is_lost_is_said(saying, visit, capsys):
    """A sentence of the transcript that no statement rests on, and a field of which nothing came, are on the screen."""
    saying(text=json.dumps({**NOTE, "subjective": "Not documented."}))
    code, found = told(capsys, "ai", "soap", "--transcript", visit)
    assert code == 0
    lost = [VISIT[one["source_start"] : one["source_end"]].strip() for one in found["unused"]]
    assert "She has had a cough for 3 days." in lost
    assert run(["ai", "soap", "--transcript", visit]) == 0
    assert 'In the source, and in no statement: "She has had a cough for 3 days."' in capsys.readouterr().out
    saying(text=json.dumps({**NOTE, "plan": "and again " * 40}))
    assert run(["ai", "soap", "--transcript", visit]) == 0
    said = capsys.readouterr().out
    assert "PLAN IS MISSING" in said or "no place in the source was found" in said
