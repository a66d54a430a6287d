"""Skills whose answer is a few texts: one description of them, from the schema to the checked parts.

Owns how long each text may be for each style of model, so that a whole answer always fits its tokens, and what is done
with an answer that fails to. Owns no medicine: that is in the prompts and in the rules that work without a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.asking import make_ask, style_of
from edge_runtime.ai.skills.cleaning import cleaned, example_sentences
from edge_runtime.ai.skills.forms import Schema, read, text, whole
from edge_runtime.ai.skills.parting import parted, statements
from edge_runtime.ai.skills.prompts import DEFAULT_STYLE
from edge_runtime.ai.skills.skill import PARTS_MAX, Ask, Reply, Sketch, SkillName, Source
from edge_runtime.ai.skills.wording import NO_WORDS, cleaned_up, cut_short, stopped_at


class Lengths(NamedTuple):
    """How long an answer may be.

    Attributes:
        chars: of one text.
        tokens: of the whole answer.
    """

    chars: int
    tokens: int


LENGTHS: Final[Mapping[str, Lengths]] = MappingProxyType(
    {"chat": Lengths(1500, 1800), "completion": Lengths(320, 512), "demonstration": Lengths(400, 1400)}
)
"""By style. Four texts of `chars` at 3 or more characters a token are less than `tokens` for the first two; our toy's
1,024 pieces hold 2, and one character each at worst where it rambles in figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """An answer of a few texts.

    Attributes:
        skill: whose answer.
        version: of prompt, schema and checks together.
        fields: the texts' names, in order.
        sections: where a field's parts belong, for those that belong somewhere.
    """

    skill: SkillName
    version: int
    fields: tuple[str, ...]
    sections: Mapping[str, str] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """As `Skill.template`."""
        return f"{self.skill}/{self.version}"

    def schema(self, style: str = DEFAULT_STYLE) -> Schema:
        """What an answer is; every style's is a value of the default's too."""
        return whole({name: text(LENGTHS[style].chars) for name in self.fields})

    def ask(self, source: Source, facts: EngineFacts) -> Ask:
        """The one question."""
        style = style_of(facts)
        return make_ask(
            skill=self.skill,
            version=self.version,
            facts=facts,
            values={"source": source.text},
            schema=self.schema(style),
            tokens=LENGTHS[style].tokens,
        )

    def sketch(self, source: Source, reply: Reply, *, revised: Callable[[str], str] = str) -> Sketch:
        """An answer as parts.

        Args:
            source: what it was drafted from.
            reply: the answer.
            revised: what rules do with each text before it is checked.

        Raises:
            EngineError: the answer is out of form (`answer_malformed`).
        """
        found = read(reply, self.schema())
        said = {name: found.words(name) for name in self.fields if name in found.values}
        whole_said = {name: finished(words) for name, words in said.items()}
        stopped = [name for name, words in whole_said.items() if words != said[name]]
        examples = example_sentences(self.skill, self.version)
        clean = {name: cleaned(source.text, words, examples) for name, words in whole_said.items()}
        fields = {name: revised(one.words) for name, one in clean.items()}
        parts = tuple(
            part
            for name, words in fields.items()
            for part in parted(
                source.text, name, words, section=self.sections.get(name, ""), most=PARTS_MAX // len(self.fields)
            )
        )
        repeated, copied = sum(one.repeated for one in clean.values()), sum(one.copied for one in clean.values())
        warnings = [cut_short(found.missing)] if found.cut else []
        warnings += [stopped_at(stopped)] if stopped else []
        warnings += [cleaned_up(repeated, copied)] if repeated + copied else []
        return Sketch(fields=dict(fields), parts=parts, cut=found.cut, warnings=tuple(warnings))


def finished(words: str) -> str:
    """A text without the sentence that the form's longest length ended in the middle; most texts are as they were."""
    if len(words) not in _LIMITS or words.endswith((".", "!", "?", "\u3002")):
        return words
    spans = statements(words, most=len(words))
    return words[: spans[-2][1]] if len(spans) > 1 else NO_WORDS


_LIMITS: Final = frozenset(lengths.chars for lengths in LENGTHS.values())
