"""Emergency protocols: what one is, how it is read, and which of them a situation names.

Owns the form, strict for what is shipped and for an organisation's own alike, and the ranking. A protocol's lines are
shown as they are written here and in no other words. Refuses a protocol of which nothing would always be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.ai.skills.mentions import Mention, Phrases, read_words
from edge_runtime.clinical.checks import Problem, Record, describe, listed, shape, text, truth, version, whole
from edge_runtime.clinical.fact_json import Json
from edge_runtime.errors import InputError

PROTOCOLS_MAX: Final = 100
"""Shipped and own together."""
LINES_MAX: Final = 24
LINE_CHARS_MAX: Final = 400
WORDS_MAX: Final = 64
"""Names, and signs, of one protocol."""
URGENCY_MAX: Final = 3
SURE_POINTS: Final = 2
"""Signs from which on a protocol that is not named is shown; one sign alone fits too much."""
NAME_WEIGHT: Final = 4
"""What a protocol's own name counts beside one of its signs."""
FIRST_MAX: Final = 8
"""Lines that are always shown: that many of a protocol beside another one still fit a draft."""
_id: Final = shape(
    r"(?=.{1,48}\Z)[a-z][a-z0-9]*(-[a-z0-9]+){0,7}", "1 to 48 small letters and digits, joined by single hyphens"
)
_phrase: Final = shape(r"(?!.*\*.)[A-Za-z0-9][A-Za-z0-9 /*-]{0,59}", "a phrase of 1 to 60 letters, digits and blanks")
_LINE: Final = Record({"id": _id, "text": text(LINE_CHARS_MAX)}, {"first": truth})
_SOURCE: Final = Record({"name": text(400), "body": text(200), "year": whole(2100, 1950)}, {})
_SCHEMA: Final = Record(
    {
        "id": _id,
        "title": text(120),
        "version": version,
        "urgency": whole(URGENCY_MAX, 1),
        "names": listed(_phrase, WORDS_MAX, items_min=1),
        "signs": listed(_phrase, WORDS_MAX),
        "source": _SOURCE,
        "lines": listed(_LINE, LINES_MAX, items_min=1),
    },
    {},
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a protocol.

    Attributes:
        id: unique in the book, and begins with the protocol's.
        text: what is shown, word for word.
        first: whether it is shown whatever else is chosen.
    """

    id: str
    text: str
    first: bool


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol.

    Attributes:
        id: names it.
        title: for people.
        version: raised with each change of it.
        urgency: 1 to 3, 1 the most urgent: decides the order among equals.
        names: phrases that name it outright.
        signs: phrases that suggest it.
        source: guideline, body and year, in one line.
        lines: in the order in which they are done.
        own: it is the organisation's, not shipped.
    """

    id: str
    title: str
    version: int
    urgency: int
    names: tuple[str, ...]
    signs: tuple[str, ...]
    source: str
    lines: tuple[Line, ...]
    own: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """A protocol that a situation speaks of.

    Attributes:
        protocol: which.
        points: by how many words; the more the likelier.
        named: it is named outright, and not denied.
        mention: the first place that speaks of it.
    """

    protocol: Protocol
    points: int
    named: bool
    mention: Mention[tuple[str, bool]]

    @property
    def sure(self) -> bool:
        """Whether the words are enough to show it without anybody's choice."""
        return self.named or self.points >= SURE_POINTS


def read_protocol(raw: object, *, own: bool = False) -> Protocol:
    """A protocol from decoded TOML or JSON.

    Raises:
        InputError: another form, an id that is not the protocol's, or no line that is always shown.
    """
    problems = (*_SCHEMA("protocol", raw), *(_wrong_lines(raw) if isinstance(raw, Mapping) else ()))
    for problem in problems:
        raise InputError(
            "invalid_protocol",
            expected=f"{problem.path}: {problem.expected}",
            got=problem.got,
            do=f"correct {problem.path}; docs/ai.md has the form of a protocol",
        )
    assert isinstance(raw, Mapping), "the schema saw to it"
    source = raw["source"]
    return Protocol(
        id=raw["id"],
        title=raw["title"],
        version=raw["version"],
        urgency=raw["urgency"],
        names=tuple(raw["names"]),
        signs=tuple(raw["signs"]),
        source=f"{source['name']}; {source['body']}, {source['year']}",
        lines=tuple(Line(line["id"], line["text"], line.get("first", False)) for line in raw["lines"]),
        own=own,
    )


def _wrong_lines(raw: Mapping[Any, Any]) -> Iterator[Problem]:
    lines = raw.get("lines")
    rows = [row for row in lines if isinstance(row, Mapping)] if isinstance(lines, list) else []
    ids = [str(row.get("id")) for row in rows]
    if len(set(ids)) < len(ids):
        yield Problem("protocol.lines", "lines of different ids", "two of one id")
    if any(not one.startswith(f"{raw.get('id')}-") for one in ids):
        yield Problem("protocol.lines", "ids that begin with the protocol's own and a hyphen", "another")
    first = sum(row.get("first") is True for row in rows)
    if rows and not 1 <= first <= FIRST_MAX:
        yield Problem("protocol.lines", f"1 to {FIRST_MAX} lines with first = true", f"{first}")


def book(shipped: Iterable[Protocol], own: Json) -> tuple[Protocol, ...]:
    """The shipped protocols, and an organisation's own; one of the same id stands in the shipped one's place.

    Args:
        shipped: of the package.
        own: a list of protocols as JSON, or nothing.

    Raises:
        InputError: as for `read_protocol`, or too many.
    """
    found = {protocol.id: protocol for protocol in shipped}
    if own is not None:
        if not isinstance(own, list) or len(own) > PROTOCOLS_MAX:
            raise InputError(
                "invalid_protocol",
                expected=f"a list of at most {PROTOCOLS_MAX} protocols",
                got=describe(own),
                do="hand in what the folder of protocols holds",
            )
        found |= {protocol.id: protocol for protocol in (read_protocol(raw, own=True) for raw in own)}
    return tuple(found.values())


def ranked(protocols: Iterable[Protocol], situation: str) -> tuple[Ranked, ...]:
    """The protocols that a situation speaks of: those that it names first, then by points, then by urgency.

    What is denied counts too, though never as named: whether "no seizure" was heard or mistyped is not ours to say.
    """
    by_id = {protocol.id: protocol for protocol in protocols}
    phrases = Phrases(
        (said, (protocol.id, name))
        for protocol in by_id.values()
        for name, listing in ((True, protocol.names), (False, protocol.signs))
        for said in listing
    )
    mentions: dict[str, list[Mention[tuple[str, bool]]]] = {}
    for mention in phrases.within(read_words(situation)):
        mentions.setdefault(mention.told[0], []).append(mention)
    found = [_ranked(by_id[name], places) for name, places in mentions.items()]
    return tuple(sorted(found, key=lambda one: (not one.named, -one.points, one.protocol.urgency, one.protocol.id)))


def _ranked(protocol: Protocol, mentions: list[Mention[tuple[str, bool]]]) -> Ranked:
    standing = [mention for mention in mentions if not mention.denied]
    named = [mention for mention in standing if mention.told[1]]
    points = NAME_WEIGHT * bool(named) + len({(mention.start, mention.end) for mention in standing})
    return Ranked(protocol, points, bool(named), (named or standing or mentions)[0])
