"""What an evaluation comes to, on one page that a clinician can read: plain words, a table, the worst cases by name.

Holds figures and names of encounters only, never a word of a dialogue or a draft.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.ai.evaluation import Evaluation, Result

WORST_MAX: Final = 5
"""Encounters that are named as the worst."""
_KINDS: Final = {
    "number": "measurements, ages and times",
    "medication": "medicines with their doses",
    "allergy": "allergies",
    "negation": "what was said to be absent",
    "finding": "symptoms and signs",
    "problem": "diagnoses",
    "history": "history",
    "plan": "steps of the plan",
}
_WARNING: Final = (
    "This is a demonstration model, a toy that was trained on a few made-up sentences. Its figures show that the "
    "machinery works. They say nothing about what a real model does, and nobody may use its drafts for a patient."
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading row."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title of a part."""

    text: str


Block = str | Heading | Table


def page(evaluation: Evaluation) -> tuple[Block, ...]:
    """The page, block by block."""
    one = evaluation
    refused = [result for result in one.results if result.refused]
    blocks: list[Block] = [Heading(f"Drafts ({one.skill}) by: {one.model}")]
    if one.demonstration:
        blocks.append(_WARNING)
    blocks.append(
        f"{len(one.results)} encounters of the {one.corpus} set, each with a note that a person wrote as it should be. "
        f"Drafts were made from the dictation or the dialogue alone. {len(one.drafts)} came about"
        + (f"; {len(refused)} were refused ({_reasons(refused)})." if refused else ".")
    )
    blocks += [Heading("What the drafts hold"), Table(_recall_rows(one))] if one.drafts else []
    blocks += _harm(one) if one.drafts else []
    blocks += [Heading("Form, wording and speed"), Table(_form_rows(one))]
    blocks += [Heading("Where it did worst"), Table(_worst_rows(one.drafts))] if one.drafts else []
    blocks += [Heading("How to read this"), _method(one)]
    return tuple(blocks)


def _recall_rows(one: Evaluation) -> tuple[tuple[str, ...], ...]:
    facts, recalled = one.by_kind(lambda result: result.facts), one.by_kind(lambda result: result.recalled)
    rows = [("Facts of the reference note", "in it", "also in the draft", "share")]
    rows += [(_KINDS[kind], *_of(recalled[kind], facts[kind])) for kind in _KINDS if facts[kind]]
    return (*rows, ("all", *_of(recalled.total(), facts.total())))


def _harm(one: Evaluation) -> list[Block]:
    unsupported = one.by_kind(lambda result: result.unsupported)
    marked = ", ".join(f"{kind} {count}" for kind, count in unsupported.most_common())
    rows = (
        ("What would harm", "in all drafts", "a draft", "drafts with one"),
        _harm_row(one, "a wrong medicine or dose", lambda result: result.medication),
        _harm_row(one, "a wrong or denied allergy", lambda result: result.allergy),
        _harm_row(one, "something absent called present, or present called absent", lambda result: result.negation),
        _harm_row(one, "unsupported words, marked before anybody sees them", lambda result: result.unsupported.total()),
    )
    return [Heading("What the drafts get wrong"), Table(rows), f"Marked by kind: {marked or 'nothing'}."]


def _harm_row(one: Evaluation, words: str, count: Callable[[Result], int]) -> tuple[str, ...]:
    counts = [count(result) for result in one.drafts]
    return words, str(sum(counts)), f"{sum(counts) / len(counts):.1f}", str(sum(found > 0 for found in counts))


def _form_rows(one: Evaluation) -> tuple[tuple[str, ...], ...]:
    answers, valid = one.all(lambda result: result.form.answers), one.all(lambda result: result.form.valid)
    cut = one.all(lambda result: result.form.cut)
    pace, first = one.median(lambda timing: timing.tokens_per_s), one.median(lambda timing: timing.first_ms)
    rows = [("Figure", "value")]
    rows.append(("answers in the form that was asked for", f"{valid} of {answers}"))
    rows.append(("answers cut off before their end", str(cut)))
    for name, value in (
        ("ROUGE-1", one.rouge(lambda rouge: rouge.one)),
        ("ROUGE-2", one.rouge(lambda rouge: rouge.two)),
        ("ROUGE-L", one.rouge(lambda rouge: rouge.longest)),
    ):
        rows += [(f"{name}, wording shared with the reference (0 to 1)", f"{value:.3f}")] if value is not None else []
    rows.append(("tokens a second, median", "not measured" if pace is None else f"{pace:.0f}"))
    rows.append(("time to the first token, median", "not measured" if first is None else f"{first:.0f} ms"))
    rows.append(("peak memory of the engine", "not measured" if one.peak_mib is None else f"{one.peak_mib:.0f} MiB"))
    return tuple(rows)


def _worst_rows(drafts: Sequence[Result]) -> tuple[tuple[str, ...], ...]:
    worst = sorted(drafts, key=lambda result: (-result.errors, result.recall, result.name))[:WORST_MAX]
    rows = [("Encounter", "wrong facts that harm", "marked", "facts held")]
    return (
        *rows,
        *((r.name, str(r.errors), str(r.unsupported.total()), f"{r.recall:.0%}") for r in worst),
    )


def _method(one: Evaluation) -> str:
    source = (
        "The facts that a note must hold were written down with each encounter."
        if one.written_facts
        else "Nobody wrote down which facts a note must hold: they were found in the reference notes by word lists and "
        "patterns, which miss some and misread a few."
    )
    return (
        f"{source} A draft holds a fact when one statement has its numbers, its medicine and most of its words, "
        "however they are spelled. Errors are counted by the same kind of rules against source and reference "
        "together; the marks are those of the product's own check. Rules misjudge single cases: compare models by "
        "these figures, and read drafts before trusting one. "
        f"Model {one.model}, engine {one.engine}, file {one.digest[:16] or 'without digest'}, template {one.skill}."
    )


def _of(part: int, whole: int) -> tuple[str, str, str]:
    return str(whole), str(part), f"{part / whole:.0%}" if whole else "-"


def _reasons(refused: Sequence[Result]) -> str:
    codes = sorted({result.refused for result in refused})
    return ", ".join(f"{code}: {sum(result.refused == code for result in refused)}" for code in codes)


def to_markdown(blocks: Sequence[Block]) -> str:
    """The page as Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Table((head, *rows)):
            lines = [head, tuple("---" for _ in head), *rows]
            return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)
        case _:
            return str(block)


def to_html(blocks: Sequence[Block]) -> str:
    """The page as one HTML file that loads nothing."""
    body = "\n".join(_html(block) for block in blocks)
    title = html.escape(next((block.text for block in blocks if isinstance(block, Heading)), ""))
    style = "body{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}"
    style += "table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #bbb;text-align:left}"
    head = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
    return f"{head}</head><body>\n{body}\n</body></html>\n"


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Table((head, *rows)):
            cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
            lines = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
            return f"<table><tr>{cells}</tr>{lines}</table>"
        case _:
            return f"<p>{html.escape(str(block))}</p>"
