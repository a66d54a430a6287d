"""A machine translation, labelled as one, checked by translating it back.

Works through the source chunk by chunk: the way there, then the way back. Without a model there is no translation:
rules cannot make one, and a list of phrases would be a pretence of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.asking import make_ask, style_of
from edge_runtime.ai.skills.chunking import chunks
from edge_runtime.ai.skills.forms import Schema, read, text, whole
from edge_runtime.ai.skills.languages import CHECKED, LANGUAGES
from edge_runtime.ai.skills.skill import PARTS_MAX, Ask, DraftPart, PartKind, Reply, Sketch, Skill, SkillName, Source
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.surviving import Turned, Unit, units, whole_unit
from edge_runtime.ai.skills.texts import Lengths
from edge_runtime.ai.skills.wording import MACHINE_TRANSLATION, NO_TRANSLATION, NOT_ALL_CHECKED, cut_short
from edge_runtime.errors import InputError

VERSION: Final = 1
SOURCE_CHARS_MAX: Final = 8_000
"""Characters: 20 to 40 chunks, and so many answers, twice."""
FORWARD: Final = "main"
BACK: Final = "back"
_FIELD: Final = "translation"
_LENGTHS: Final = {"chat": Lengths(1_600, 1_000), "completion": Lengths(800, 512), "demonstration": Lengths(600, 620)}


def schema(style: str = "chat") -> Schema:
    """What one answer is."""
    return whole({_FIELD: text(_LENGTHS[style].chars)})


@dataclass(frozen=True, slots=True)
class _Progress:
    """What the replies so far come to.

    Attributes:
        turned: the chunks that went both ways, or there alone where the way back was cut.
        forward: the translation of the chunk under way; empty where its way there is still to be asked.
        cut: an answer ended before its text did: nothing more is asked.
    """

    turned: tuple[Turned, ...]
    forward: str = field(default="", repr=False)
    cut: bool = False


class Translate:
    """See the module."""

    name = SkillName.TRANSLATE
    template = f"{SkillName.TRANSLATE}/{VERSION}"
    title = "Machine translation with back-translation"

    def check(self, source: Source) -> None:
        """As `Skill.check`."""
        options = {"language": tuple(LANGUAGES), "from": tuple(LANGUAGES)}
        check_source(source, longest=SOURCE_CHARS_MAX, options=options, required=("language",))
        if source.options["language"] == _from(source):
            raise InputError(
                "option_value",
                expected="a language other than the source's",
                got="the same one twice",
                do="choose another language, or say with `from` which one the source is in",
            )

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """As `Skill.ask`: each chunk there and back.

        Raises:
            EngineError: an earlier reply is out of form (`answer_malformed`).
        """
        places = chunks(source.text)
        done = _progress(source, replies)
        number = len(done.turned)
        if done.cut or number == len(places):
            return None
        language = _from(source) if done.forward else source.options["language"]
        style = style_of(facts)
        return make_ask(
            skill=self.name,
            version=VERSION,
            facts=facts,
            values={
                "source": done.forward or source.text[slice(*places[number])],
                "language": language,
                "language_name": LANGUAGES[language],
            },
            schema=schema(style),
            tokens=_LENGTHS[style].tokens,
            purpose=_purpose(BACK if done.forward else FORWARD, number),
        )

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """As `Skill.sketch`."""
        if not replies:
            return Sketch(fields={}, parts=(), warnings=(NO_TRANSLATION,))
        done = _progress(source, replies)
        made = [unit for one in done.turned for unit in units(one)]
        if len(made) > PARTS_MAX:
            made = [whole_unit(one) for one in done.turned]
        warnings = [MACHINE_TRANSLATION]
        if done.cut:
            warnings.append(cut_short(()))
        if _from(source) != CHECKED:
            warnings.append(NOT_ALL_CHECKED)
        return Sketch(
            fields={
                _FIELD: "\n".join(one.translation for one in done.turned),
                BACK: "\n".join(one.back for one in done.turned),
            },
            parts=tuple(_part(number, unit) for number, unit in enumerate(made, 1)),
            cut=done.cut,
            warnings=tuple(warnings),
        )


def _progress(source: Source, replies: tuple[Reply, ...]) -> _Progress:
    turned: list[Turned] = []
    forward = ""
    ways = [place for place in chunks(source.text) for _ in (FORWARD, BACK)]
    for (start, end), reply in zip(ways, replies, strict=False):
        found = read(reply, schema())
        words = found.words(_FIELD).strip()
        if forward:
            turned.append(Turned(start, source.text[start:end], forward, words))
            forward = ""
        else:
            forward = words
            if not words:
                return _Progress(tuple(turned), cut=True)
        if found.cut:
            return _Progress(tuple(turned), cut=True)
    return _Progress(tuple(turned), forward)


def _from(source: Source) -> str:
    return source.options.get("from", CHECKED)


def _purpose(way: str, number: int) -> str:
    return way if number == 0 else f"{way}.{number + 1}"


def _part(number: int, unit: Unit) -> DraftPart:
    return DraftPart(
        name=f"{_FIELD}.{number}",
        kind=PartKind.TEXT,
        text=unit.text,
        citations=(Citation(0, len(unit.text), *unit.source),),
        unsupported=unit.unsupported,
        notes=unit.notes,
    )


SKILL: Final[Skill] = Translate()
