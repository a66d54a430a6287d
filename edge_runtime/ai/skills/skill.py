"""What a skill is: what it takes, how a model is asked, what the answer must look like, and what is made of it.

Owns the values that every skill shares. A skill never writes: it makes a `Sketch` of parts that a person may take over
one by one. Where there is no model, `fallback` does what templates and rules can, and says that it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from edge_runtime.ai.checking.findings import Citation, Unsupported
from edge_runtime.ai.engine.port import EngineFacts, Form, Media
from edge_runtime.clinical.fact_json import Json

SOURCE_CHARS_MAX: Final = 32_000
"""Characters of what a draft is made from: it is kept beside the draft, so that every citation can be followed."""
PARTS_MAX: Final = 64


class SkillName(StrEnum):
    """The skills; the word is what the command line, the audit and the bridge say."""

    SOAP = "soap"
    CODES = "codes"
    DOCUMENTATION = "documentation"
    TRANSLATE = "translate"
    HANDOVER = "handover"
    INSTRUCTIONS = "instructions"
    DIFFERENTIAL = "differential"
    RISK = "risk"
    QUALITY = "quality"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a skill is given.

    Attributes:
        text: the transcript, note or chart as text; citations point into it.
        options: choices of the skill by name, such as `language` of a translation.
        facts: structured input by name where a skill takes any, such as the results of scores; plain JSON.
        media: photos or recordings; no skill of this version takes any.
    """

    text: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict, repr=False)
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to a model.

    Attributes:
        prompt: all its text.
        form: of the answer.
        tokens_max: the longest answer.
        purpose: a word by which the skill knows the answer again, such as "back" of a back-translation.
    """

    prompt: str = field(repr=False)
    form: Form
    tokens_max: int
    purpose: str = "main"


class PartKind(StrEnum):
    """What a person can do with a part."""

    TEXT = "text"
    """Take it over into a text section."""
    FACT = "fact"
    """State it as their own, such as a diagnosis with its code."""
    ADVICE = "advice"
    """Read it. It changes nothing; a person may still copy it into a section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPart:
    """One statement of a draft, small enough to be accepted or rejected by itself: a sentence, a code, a question.

    Attributes:
        name: unique in the draft: field and number, such as `plan.2`.
        kind: what can be done with it.
        text: what it says, as it would be written.
        section: the text section where it belongs (`edge_runtime.clinical.layout.Section` value); empty: none.
        proposes: for FACT: `{"kind": ..., "payload": {...}}`.
        citations: where it comes from; positions in `text` and in the source.
        unsupported: what of it the source does not bear out; positions in `text`.
        notes: what else a reader must know, in words, such as "not found in the back-translation".
    """

    name: str
    kind: PartKind
    text: str = field(repr=False)
    section: str = ""
    proposes: Mapping[str, Json] | None = field(default=None, repr=False)
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    notes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What a skill made of a source, checked, before anybody saw it.

    Attributes:
        fields: the answer as the skill's schema has it, such as {"subjective": ..., "plan": ...}.
        parts: the same, statement by statement.
        cut: the answer ended early; only whole fields are here.
        warnings: about all of it, in words.
    """

    fields: Mapping[str, Json] = field(repr=False)
    parts: tuple[DraftPart, ...]
    cut: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said to an `Ask`.

    Attributes:
        purpose: of the ask.
        text: what came; with a JSON form that was not cut, one value of its schema.
        cut: it ended early.
    """

    purpose: str
    text: str = field(repr=False)
    cut: bool


class Skill(Protocol):
    """One skill. Pure: no clock, no file but what the package ships, no engine."""

    @property
    def name(self) -> SkillName:
        """Which."""

    @property
    def template(self) -> str:
        """Version of prompt, schema and checks together, such as "soap/1": any change of them raises the number."""

    @property
    def title(self) -> str:
        """For people, such as "SOAP note from a transcript"."""

    def check(self, source: Source) -> None:
        """Refuse what this skill cannot work on.

        Raises:
            InputError: empty, too long, an option that is missing or unknown.
        """

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """The next question; None once the replies are enough. Most skills ask once, some not at all."""

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """What the replies come to, with citations and checks. `replies` is empty where no model was there.

        Raises:
            EngineError: a reply that is no value of its schema (`answer_malformed`): the engine did not keep the form.
        """
