"""`python -m benchmarks.ai run`: a model that is on this device, over encounters with reference notes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.ai.encounters import Encounter, own, public
from benchmarks.ai.evaluation import Evaluation, Result, evaluate
from benchmarks.machine import peak_mib
from edge_runtime.ai.drafting import Wishes
from edge_runtime.ai.engine.port import Engine
from edge_runtime.ai.skills.catalogue import skill as skill_named
from edge_runtime.ai.skills.skill import SkillName

SKILLS: Final = (SkillName.SOAP, SkillName.HANDOVER, SkillName.INSTRUCTIONS)
"""Those that write a text which a reference note can be held against; only SOAP is compared word by word."""
NONE: Final = "none"
"""The name by which templates and rules are evaluated, without a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to evaluate.

    Attributes:
        skill: which.
        model: its name; None for the best that fits this device, `NONE` for rules alone.
        data: where the public sets lie; None for the set of this repository.
        limit: encounters, at most; spread evenly over a larger set.
        wishes: seed and temperature.
    """

    skill: SkillName
    model: str | None
    data: Path | None
    limit: int | None
    wishes: Wishes


def run(asked: Asked, on_result: Callable[[Result], None]) -> Evaluation:
    """Open the model, draft, judge.

    Raises:
        EncounterError: a set cannot be read.
        EdgeError: the model is missing, damaged, or does not fit.
    """
    encounters = own() if asked.data is None else public(asked.data)
    chosen = spread(encounters, asked.limit)
    skill = skill_named(asked.skill)
    with ExitStack() as opened:
        engine = _open(asked, opened)
        results = evaluate(
            skill,
            chosen,
            engine,
            wishes=asked.wishes,
            against_note=asked.skill is SkillName.SOAP,
            on_result=on_result,
        )
        facts = engine.facts if engine is not None else None
        return Evaluation(
            skill=skill.template,
            model=facts.model if facts else "rules alone, without a model",
            digest=facts.digest if facts else "",
            engine=facts.engine if facts else "none",
            demonstration=facts is not None and facts.demonstration,
            corpus="repository's" if asked.data is None else "public",
            written_facts=asked.data is None,
            results=results,
            peak_mib=_peak(contained=facts.contained) if facts else None,
        )


def spread(encounters: Sequence[Encounter], limit: int | None) -> Sequence[Encounter]:
    """At most so many, evenly over all of them, so that a small sample still has of every file."""
    if limit is None or limit >= len(encounters):
        return encounters
    return [encounters[at * len(encounters) // limit] for at in range(limit)]


def _open(asked: Asked, opened: ExitStack) -> Engine | None:
    if asked.model == NONE:
        return None
    from edge_runtime.ai.models.choosing import Need  # noqa: PLC0415 - rules alone are evaluated without the engine
    from edge_runtime.ai.models.opening import open_model  # noqa: PLC0415 - the same

    engine = open_model(asked.model, Need(skill=asked.skill)).engine
    if engine is not None:
        opened.enter_context(engine)
        engine.load()
        engine.warm()
    return engine


def _peak(*, contained: bool) -> float | None:
    """The most memory that the engine's process held: this one, or the largest of its children."""
    if not contained:
        return peak_mib()
    import psutil  # noqa: PLC0415 - of the extra `ai`, which a contained engine needs anyway

    peaks = [_peak_of(child.pid) for child in psutil.Process().children(recursive=True)]
    return max((peak for peak in peaks if peak is not None), default=None)


def _peak_of(process: int) -> float | None:
    try:
        lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


def to_json(evaluation: Evaluation) -> str:
    """All figures, and those of each encounter by its name."""
    one = evaluation
    facts, recalled = one.by_kind(lambda result: result.facts), one.by_kind(lambda result: result.recalled)
    figures: dict[str, object] = {
        "skill": one.skill,
        "model": one.model,
        "digest": one.digest,
        "engine": one.engine,
        "demonstration": one.demonstration,
        "corpus": one.corpus,
        "encounters": len(one.results),
        "refused": dict(Counter(result.refused for result in one.results if result.refused)),
        "facts": dict(facts),
        "recalled": dict(recalled),
        "fact_recall": _round(recalled.total() / facts.total() if facts else None),
        "unsupported": dict(one.by_kind(lambda result: result.unsupported)),
        "medication_errors": one.total(lambda result: result.medication),
        "allergy_errors": one.total(lambda result: result.allergy),
        "negation_errors": one.total(lambda result: result.negation),
        "rouge_1": _round(one.rouge(lambda rouge: rouge.one)),
        "rouge_2": _round(one.rouge(lambda rouge: rouge.two)),
        "rouge_l": _round(one.rouge(lambda rouge: rouge.longest)),
        "answers": one.all(lambda result: result.form.answers),
        "valid": one.all(lambda result: result.form.valid),
        "cut": one.all(lambda result: result.form.cut),
        "tokens_per_s": _round(one.median(lambda timing: timing.tokens_per_s)),
        "first_token_ms": _round(one.median(lambda timing: timing.first_ms)),
        "peak_mib": _round(one.peak_mib),
        "results": [_row(result) for result in one.results],
    }
    return json.dumps(figures, indent=1)


def _row(result: Result) -> dict[str, object]:
    return {
        "name": result.name,
        "refused": result.refused,
        "recall": _round(result.recall),
        "errors": result.errors,
        "unsupported": result.unsupported.total(),
        "words": result.words,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
