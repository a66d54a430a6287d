"""Emergency protocols for a situation, quoted: every word that is shown is the protocol's own.

Owns what is chosen and by whom. Rules find the protocols that the situation names; a model may choose one of them and
which of its lines to show; the lines that come first are shown whatever it chose, and so are those of every protocol
that the situation names outright. There is no field in which a model could say anything, or lower how urgent it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills import forms
from edge_runtime.ai.skills.asking import make_ask
from edge_runtime.ai.skills.protocol_book import Protocol, Ranked, book, ranked
from edge_runtime.ai.skills.protocol_files import shipped
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.wording import NO_MODEL, cut_short
from edge_runtime.clinical.fact_json import Json

VERSION: Final = 1
OFFERED_MAX: Final = 12
"""Protocols from which a model chooses."""
_OFFERED_SMALL: Final = 3
_SMALL_CONTEXT_TOKENS: Final = 4096
BESIDE_MAX: Final = 3
"""Protocols that are shown beside the first one."""
_STEPS_MAX: Final = 24
_TOKENS: Final = 320
_NEAR_MAX: Final = 6
_TITLES_MAX: Final = 30
_TITLES_CHARS_MAX: Final = 700
LOCAL_FIRST: Final = "Your local protocol comes first. What is quoted here is a general guideline, and no order."
_QUOTED: Final = "word for word from this program's own protocol, which no clinician checked yet; written after"
_QUOTED_OWN: Final = "word for word from your organisation's protocol; its source"
_OWN: Final = "your organisation's own protocol"
_NOTHING: Final = "No protocol here is named by these words. In an emergency call for help first. There are: "
_ONE_SIGN: Final = (
    "One sign alone, or one that is denied, names no protocol. In an emergency call for help. It may be: "
)
_PERHAPS: Final = "one sign alone suggests it: see for yourself whether it is that"
_CHOSEN_BLIND: Final = "These words name no protocol here; the model chose one. See for yourself whether it fits."


class ProtocolSkill:
    """The skill."""

    name: Final = SkillName.PROTOCOL
    template: Final = f"protocol/{VERSION}"
    title: Final = "Emergency protocols for a situation, quoted"

    def check(self, source: Source) -> None:
        """Refuse what is no situation, and protocols of another form."""
        check_source(source)
        _book(source)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """Which protocol and which of its lines."""
        protocols = _book(source)
        sure = any(one.sure for one in ranked(protocols, source.text))
        if replies or (facts.demonstration and not sure):  # our toy understands nothing that rules do not
            return None
        most = _OFFERED_SMALL if facts.context_tokens < _SMALL_CONTEXT_TOKENS else OFFERED_MAX
        offered = _offered(protocols, source.text)[:most]
        return make_ask(
            skill=self.name,
            version=VERSION,
            facts=facts,
            values={"protocols": "\n".join(_listing(offered)), "source": source.text},
            schema=_schema(offered),
            tokens=_TOKENS,
        )

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """The lines of what was chosen, and the first lines of what is named besides."""
        protocols = _book(source)
        every = ranked(protocols, source.text)
        found = [one for one in every if one.sure]
        warnings = [LOCAL_FIRST]
        chosen: Protocol | None = found[0].protocol if found else None
        steps: Collection[str] | None = None
        if replies:
            answer = forms.read(replies[0], _schema(protocols))
            named, steps = answer.values.get("protocol"), _ids(answer.values.get("steps"))
            chosen = next((one for one in protocols if one.id == named), chosen)
            warnings += [cut_short(answer.missing)] if replies[0].cut else []
            warnings += [] if found or chosen is None else [_CHOSEN_BLIND]
        else:
            warnings.append(NO_MODEL)
        if chosen is None:
            near = [one.protocol for one in every]
            told = _near(near) if near else _nothing(protocols)
            first = _first_lines(every[:BESIDE_MAX])
            return Sketch(fields=_fields(None, ()), parts=first, warnings=(*warnings, told))
        parts, left_out = _parts(chosen, steps, found)
        warnings += [_shortened(chosen, left_out)] if left_out else []
        return Sketch(
            fields=_fields(chosen, parts),
            parts=parts,
            cut=any(reply.cut for reply in replies),
            warnings=tuple(warnings),
        )


def _book(source: Source) -> tuple[Protocol, ...]:
    return book(shipped(), source.facts.get("protocols"))


def _offered(protocols: Sequence[Protocol], situation: str) -> list[Protocol]:
    """What a situation speaks of, or everything where it speaks of nothing here, the most urgent first."""
    found = [one.protocol for one in ranked(protocols, situation)]
    return found or sorted(protocols, key=lambda one: (one.urgency, one.id))


def _listing(offered: Sequence[Protocol]) -> Iterator[str]:
    for protocol in offered:
        yield f"{protocol.id} {protocol.title}"
        yield from (f"  {line.id} {line.text}" for line in protocol.lines)


def _schema(offered: Sequence[Protocol]) -> forms.Schema:
    return forms.whole(
        {
            "protocol": forms.one_of(one.id for one in offered),
            "steps": forms.many(forms.one_of(line.id for one in offered for line in one.lines), most=_STEPS_MAX),
        }
    )


def _ids(steps: Json) -> frozenset[str]:
    return frozenset(step for step in steps if isinstance(step, str)) if isinstance(steps, list) else frozenset()


def _parts(
    chosen: Protocol, steps: Collection[str] | None, found: Sequence[Ranked]
) -> tuple[tuple[DraftPart, ...], int]:
    """What is shown, and how many lines of the chosen protocol are not."""
    by_id = {one.protocol.id: one for one in found}
    named = [one.protocol for one in found if one.named and one.protocol.id != chosen.id][:BESIDE_MAX]
    # A protocol that is named outright and is more urgent stands before what the model chose.
    before = [one for one in named if one.urgency < chosen.urgency]
    after = [one for one in named if one.urgency >= chosen.urgency]
    shown = {line.id for line in chosen.lines if steps is None or line.first or line.id in steps}
    parts: list[DraftPart] = []
    for protocol in (*before, chosen, *after):
        parts.append(_head(protocol, by_id.get(protocol.id)))
        parts += [
            _quoted(protocol, line.id, line.text)
            for line in protocol.lines
            if line.id in shown or (protocol is not chosen and line.first)
        ]
    return tuple(parts), len(chosen.lines) - len(shown)


def _first_lines(found: Sequence[Ranked]) -> tuple[DraftPart, ...]:
    """Of protocols that one sign suggests: what is done first, for a person who judges whether it is that."""
    parts: list[DraftPart] = []
    for one in found:
        lines = [_head(one.protocol, one)]
        lines += [_quoted(one.protocol, line.id, line.text) for line in one.protocol.lines if line.first]
        parts += [replace(part, notes=(_PERHAPS, *part.notes)) for part in lines]
    return tuple(parts)


def _head(protocol: Protocol, found: Ranked | None) -> DraftPart:
    """The title, with the words that led to it."""
    places = (Citation(0, len(protocol.title), found.mention.start, found.mention.end),) if found else ()
    return _quoted(protocol, protocol.id, protocol.title, places)


def _quoted(protocol: Protocol, name: str, text: str, places: tuple[Citation, ...] = ()) -> DraftPart:
    whose = [_OWN] if protocol.own else []
    quoted = _QUOTED_OWN if protocol.own else _QUOTED
    return DraftPart(
        name=name,
        kind=PartKind.ADVICE,
        text=text,
        citations=places,
        notes=(*whose, f"{quoted}: {protocol.source}; protocol {protocol.id}, version {protocol.version}"),
    )


def _near(protocols: Sequence[Protocol]) -> str:
    """That one sign is too little, with what it may concern."""
    return f"{_ONE_SIGN}{', '.join(one.title for one in protocols[:_NEAR_MAX])}."


def _nothing(protocols: Sequence[Protocol]) -> str:
    """That nothing fits, with what there is."""
    titles = ", ".join(one.title for one in protocols[:_TITLES_MAX])
    more = len(protocols) - _TITLES_MAX
    return f"{_NOTHING}{titles[:_TITLES_CHARS_MAX]}{f' and {more} more' if more > 0 else ''}."


def _shortened(chosen: Protocol, left_out: int) -> str:
    lines = "line" if left_out == 1 else "lines"
    return f"{left_out} {lines} of {chosen.title} are not shown here: the model left them out."


def _fields(chosen: Protocol | None, parts: Sequence[DraftPart]) -> dict[str, Json]:
    ids = {line.id for line in chosen.lines} if chosen else set()
    return {"protocol": chosen.id if chosen else None, "steps": [part.name for part in parts if part.name in ids]}


SKILL: Final = ProtocolSkill()
