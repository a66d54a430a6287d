"""A source for each skill from an encounter, and a run of a skill on the real engine with every answer kept."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from benchmarks.ai.encounters import Encounter
from benchmarks.ai.listening import Heard, Listening
from edge_runtime.ai.drafting import Drafted, Drafting, Wishes
from edge_runtime.ai.engine.port import Engine
from edge_runtime.ai.models.choosing import Need
from edge_runtime.ai.models.demonstration import demonstration
from edge_runtime.ai.models.opening import open_model
from edge_runtime.ai.skills.catalogue import SKILLS, skill
from edge_runtime.ai.skills.quality_rules import source_of as quality_source
from edge_runtime.ai.skills.risk_scores import source_of as risk_source
from edge_runtime.ai.skills.skill import SkillName, Source
from edge_runtime.clinical.scores.catalogue import score

NAME = "demonstration"
LANGUAGES = ("es", "fr", "de")
NEEDS = ("step:vitals", "section:plan", "kind:diagnosis", "signed")


@dataclass(frozen=True)
class Drawn:
    """A draft, and the answers that it was made from."""

    drafted: Drafted
    heard: list[Heard]


def shipped() -> Engine | None:
    """The model that the package brings, as a user's draft gets it; None in a build without it."""
    if demonstration() is None:
        return None
    return open_model(NAME, Need()).engine


def source_of(name: SkillName, encounter: Encounter, chance: random.Random) -> Source:
    """What a skill takes: the encounter's words, or scores and counts of chance where it takes no words."""
    match name:
        case SkillName.TRANSLATE:
            return Source(text=encounter.reference, options={"language": chance.choice(LANGUAGES)})
        case SkillName.CODES | SkillName.DOCUMENTATION | SkillName.DIFFERENTIAL:
            return Source(text=encounter.reference)
        case SkillName.RISK:
            return risk_source([_news(chance)])
        case SkillName.QUALITY:
            return quality_source(_document(chance), drafts_open=chance.randrange(3))
        case _:
            return Source(text=encounter.source)


def draft(engine: Engine, name: SkillName, source: Source, wishes: Wishes) -> Drawn:
    """Run a skill to its end."""
    listening = Listening(engine)
    return Drawn(Drafting(skill(name), source, listening, wishes).run(), listening.heard)


def drawn(engine: Engine, encounters: tuple[Encounter, ...], run: int) -> Drawn:
    """One run of many: encounters and skills in turn, each at either temperature, with a seed of its own."""
    chance = random.Random(run)
    name = SKILLS[run % len(SKILLS)]
    source = source_of(name, encounters[run % len(encounters)], chance)
    temperature = (0.0, 0.8)[run // len(SKILLS) % 2]
    return draft(engine, name, source, Wishes(seed=chance.randrange(1 << 31), temperature=temperature))


def _news(chance: random.Random) -> dict[str, object]:
    found = score(
        "news2",
        {
            "respiratory_rate": chance.randint(10, 30),
            "spo2": chance.randint(86, 99),
            "spo2_scale": 1,
            "on_oxygen": chance.random() < 1 / 2,
            "systolic_bp": chance.randint(85, 180),
            "pulse": chance.randint(45, 135),
            "consciousness": "A",
            "temperature": Decimal(chance.randint(350, 395)) / 10,
        },
    ).to_json()
    return dict(found)


def _document(chance: random.Random) -> dict[str, object]:
    there = {item: chance.random() < 1 / 2 for item in NEEDS}
    needs = [
        {"item": item, "words": item.title(), "there": done, "why": "there" if done else "absent"}
        for item, done in there.items()
    ]
    parts = [{"name": "coded", "share": chance.randint(0, 100)}, {"name": "confirmed", "share": None}]
    signed = "all" if there["signed"] else "no"
    return {"needs": needs, "reviews": [], "signed": signed, "quality": {"score": 50, "parts": parts}}
