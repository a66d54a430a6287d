"""An evaluation of drafts and its page: what is counted, what is refused, and that no word of a patient is in it."""

from __future__ import annotations

import json

import pytest

from benchmarks.ai.__main__ import main
from benchmarks.ai.encounters import own
from benchmarks.ai.evaluation import Evaluation, Result, evaluate
from benchmarks.ai.listening import keeps_form
from benchmarks.ai.report import WORST_MAX, page, to_html, to_markdown
from benchmarks.ai.run import to_json
from edge_runtime.ai.engine.port import Answer, Ending, EngineFacts, JsonForm, Timings
from edge_runtime.ai.errors import BudgetError
from edge_runtime.ai.skills.catalogue import skill
from edge_runtime.clinical.fact_json import Json

ENCOUNTERS = [one for one in own() if one.name in {"chest_infection", "low_back_pain"}]
FACTS = EngineFacts(engine="scripted", model="toy", digest="ab" * 32, context_tokens=4096, demonstration=True)


class Said:
    """An answer that is there at once."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self):
        yield self._answer.text

    def cancel(self) -> None:
        """Nothing runs."""

    def answer(self) -> Answer:
        """What was scripted."""
        return self._answer


class Scripted:
    """Stands where an engine stands, and says what the test wrote down, in turn."""

    facts = FACTS

    def __init__(self, *texts: str | Exception, ending: Ending = Ending.DONE) -> None:
        self._texts = list(texts)
        self._ending = ending

    def generate(self, _):
        """The next text, or error."""
        text = self._texts.pop(0)
        if isinstance(text, Exception):
            raise text
        return Said(Answer(text, self._ending, Timings(first_ms=20, total_ms=120, prompt_tokens=9, answer_tokens=11)))


def note(**sections: str) -> str:
    """A SOAP answer."""
    empty = dict.fromkeys(("subjective", "objective", "assessment", "plan"), "Not documented.")
    return json.dumps(empty | sections)


def evaluated(*texts: str | Exception, ending: Ending = Ending.DONE) -> Evaluation:
    """Both encounters, drafted by a script."""
    results = evaluate(skill("soap"), ENCOUNTERS, Scripted(*texts, ending=ending))
    return Evaluation(
        skill="soap/1",
        model="toy",
        digest=FACTS.digest,
        engine="scripted",
        demonstration=True,
        corpus="repository's",
        written_facts=True,
        results=results,
        peak_mib=12.3,
    )


def test_a_reference_note_as_a_draft_is_nearly_perfect():
    """The reference itself holds its facts, harms nobody and shares all its words: the measures point the right way."""
    done = evaluated(*(note(**one.note) for one in ENCOUNTERS))
    for result in done.results:
        assert result.recall > 0.95
        assert result.errors == 0
        assert result.rouge.longest > 0.95
        assert (result.form.answers, result.form.valid, result.form.cut) == (1, 1, 0)
    assert done.median(lambda timing: timing.tokens_per_s) == pytest.approx(100)
    assert done.median(lambda timing: timing.first_ms) == 20


def test_a_made_up_draft_is_counted_as_what_it_is():
    """A drug, an allergy and a symptom that nobody has are one error each, and the product's check marks them too."""
    made_up = note(subjective="Allergic to latex. Reports chest pain.", plan="Start digoxin 250 micrograms daily.")
    done = evaluated(made_up, made_up)
    first = done.results[0]
    assert (first.medication, first.allergy, first.negation) == (1, 1, 1)
    assert first.recall < 0.2
    assert first.unsupported.total() >= 2


def test_a_refused_encounter_is_one_result_and_stops_nothing():
    """A prompt beyond the context is reported by its code; the next encounter is drafted."""
    refusal = BudgetError("context_exceeded", expected="a", got="b", do="c")
    done = evaluated(refusal, note(plan="Rest."))
    assert [one.refused for one in done.results] == ["context_exceeded", ""]
    assert len(done.drafts) == 1
    assert "context_exceeded: 1" in to_markdown(page(done))


def test_an_answer_out_of_form_is_refused_and_counted():
    """An engine that does not keep the form is caught by another judge, and there is no draft of it."""
    done = evaluated("no JSON", note())
    assert done.results[0].refused == "answer_malformed"
    assert (done.all(lambda one: one.form.answers), done.all(lambda one: one.form.valid)) == (2, 1)


def test_a_cut_answer_is_not_valid():
    """An answer that ended early counts as cut, however much of it can be used."""
    done = evaluated('{"subjective": "Cough', '{"subjective": "Pain', ending=Ending.CUT)
    assert (done.all(lambda one: one.form.cut), done.all(lambda one: one.form.valid)) == (2, 0)


@pytest.mark.parametrize(
    "text", ['{"a": "x"}', '{"a": "x", "a": "y", "b": ""}', '{"a": "x", "b": ""} ', '{"a": 1, "b": ""}', "x"]
)
def test_a_form_is_kept_whole_or_not(text):
    """A missing key, a key twice, a wrong type and text that is no JSON are out of form; white space round it is in."""
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": ["a", "b"],
    }
    assert keeps_form(JsonForm(schema), text) is (text == '{"a": "x", "b": ""} ')


def test_rules_alone_are_evaluated_without_an_answer():
    """Without a model there are drafts, no answers, and no timings."""
    results = evaluate(skill("soap"), ENCOUNTERS, None)
    assert all(not one.refused and one.form.answers == 0 and one.timings == () for one in results)
    assert all(one.recall > 0.3 for one in results), "rules sort the source's own sentences"


def test_a_report_names_encounters_and_none_of_their_words():
    """Page and JSON hold figures and names: no drug of a note, no complaint, nothing that a draft said."""
    done = evaluated(*(note(**one.note) for one in ENCOUNTERS))
    for text in (to_markdown(page(done)), to_html(page(done)), to_json(done)):
        assert "chest_infection" in text
        assert not any(word in text.lower() for word in ("tiotropium", "sputum", "penicillin", "buttock", "washing"))


def test_a_toy_is_called_a_toy_before_any_figure():
    """The page of a demonstration model begins by saying that it says nothing about real models."""
    text = to_markdown(page(evaluated(note(), note())))
    assert text.index("a toy") < text.index("|")


def test_the_worst_are_named_first_and_few():
    """Most errors first, then least held; never more than a handful."""
    results = tuple(Result(name=f"case {n}", medication=n) for n in range(WORST_MAX + 3))
    done = evaluated(note(), note())
    many = Evaluation(
        **{name: getattr(done, name) for name in ("skill", "model", "digest", "engine", "demonstration", "corpus")},
        written_facts=False,
        results=results,
    )
    text = to_markdown(page(many))
    assert text.index("case 7") < text.index("case 6")
    assert "case 2" not in text
    assert "Nobody wrote down which facts" in text


def test_a_page_is_escaped():
    """A model's name cannot write into the page."""
    done = evaluated(note(), note())
    named = Evaluation(
        **{name: getattr(done, name) for name in ("skill", "digest", "engine", "demonstration", "corpus", "results")},
        model="<script>|x",
        written_facts=True,
    )
    assert "<script>" not in to_html(page(named))


def test_the_command_prints_figures_and_writes_a_page(tmp_path, capsys):
    """`run --json` is one JSON value on standard output; --report writes the page in the form that its name says."""
    for name, first in (("page.html", "<!doctype html>"), ("page.md", "## Drafts")):
        arguments = ["run", "--model", "none", "--limit", "3", "--json", "--report", str(tmp_path / name)]
        assert main(arguments) == 0
        figures = json.loads(capsys.readouterr().out)
        assert (figures["encounters"], figures["answers"], figures["refused"]) == (3, 0, {})
        assert 0 < figures["fact_recall"] <= 1
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(first)
