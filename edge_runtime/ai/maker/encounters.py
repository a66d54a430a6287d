"""Made-up encounters: a dictation or a talk of two people, and the note that belongs to it.

Owns how statements become an encounter: their order, small talk, interruptions, corrections of oneself. The order of a
dictation is often, not always, that of a note, so that a statement's place is learnt from its words.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from edge_runtime.ai.maker import frames, loose, said, words
from edge_runtime.ai.maker.statement import SECTIONS, Said, Section, Topic, Turn
from edge_runtime.ai.skills.wording import NOT_DOCUMENTED

ASKERS: Final = ("Doctor", "Doctor", "Nurse", "Clinician", "Midwife", "Paramedic")
TELLERS: Final = ("Patient", "Patient", "Mother", "Father", "Daughter", "Interpreter", "Carer")
_HISTORIES: Final = (*said.HISTORIES, *(loose.told, frames.told, frames.told, frames.told) * 2)
_EXAMINATIONS: Final = (*said.EXAMINATIONS, loose.seen, *(frames.seen,) * 6)
_PLANS: Final = (*said.PLANS, loose.to_do, *(frames.done,) * 6)
_FILLERS: Final = ("Um, ", "So, ", "Okay, ", "Right, ", "Well, ")


class Encounter(NamedTuple):
    """What was said.

    Attributes:
        source: all of it, as a dictation or a talk.
        statements: what it is made of, in its order.
        spoken: two people talk.
    """

    source: str
    statements: tuple[Said, ...]
    spoken: bool

    def of(self, *topics: Topic) -> str:
        """What a note holds about some topics; the words for nothing where there is none."""
        own = [one.written(spoken=self.spoken) for one in self.statements if one.topic in topics]
        return " ".join(own) or NOT_DOCUMENTED

    def sections(self) -> dict[str, str]:
        """The note by the names of its sections."""
        return {
            section.value: self.of(*(topic for topic in Topic if SECTIONS[topic] is section)) for section in Section
        }


def encounter(draw: random.Random, *, longest: int = 12, talks: float = 0.5) -> Encounter:
    """One encounter.

    Args:
        draw: what it is drawn with.
        longest: it has between three and so many statements.
        talks: the share of talks of two people, the rest being dictations.
    """
    statements = _statements(draw, draw.randint(3, max(3, longest)))
    spoken = draw.random() < talks
    source = _talk(draw, statements) if spoken else _dictation(draw, statements)
    return Encounter(source, tuple(statements), spoken)


def headed(one: Encounter) -> str:
    """The note as text with a heading for each section, as charts show it."""
    return "\n".join(f"{name.capitalize()}: {text}" for name, text in one.sections().items() if text != NOT_DOCUMENTED)


def _statements(draw: random.Random, many: int) -> list[Said]:
    chosen = [said.complaint(draw)]
    shares = draw.choices((_HISTORIES, _EXAMINATIONS, _PLANS), weights=(5, 3, 4), k=many)
    for makers in (_HISTORIES, _EXAMINATIONS):
        chosen += [draw.choice(makers)(draw) for share in shares if share is makers]
    if draw.random() < 0.9:  # noqa: PLR2004 nearly always
        chosen.append(draw.choice((said.opinion, frames.thought))(draw))
    chosen += [draw.choice(_PLANS)(draw) for share in shares if share is _PLANS]
    if draw.random() < 0.25:  # noqa: PLR2004 somebody remembers something late
        late = draw.randrange(1, len(chosen))
        chosen.append(chosen.pop(late))
    return chosen


def _dictation(draw: random.Random, statements: list[Said]) -> str:
    parts: list[str] = []
    for one in statements:
        text = one.dictated
        if draw.random() < 0.06:  # noqa: PLR2004 a share, used once
            text = _corrected(draw, text)
        parts += [text, draw.choice((" ", " ", " ", "\n"))]
    return "".join(parts).strip()


def _corrected(draw: random.Random, text: str) -> str:
    """A false start that is taken back before the sentence itself."""
    begin = " ".join(text.split(" ")[: draw.randint(1, 3)]).rstrip(".,:")
    return f"{begin} {words.number(draw)}, no, sorry: {text}"


def _talk(draw: random.Random, statements: list[Said]) -> str:
    asker, teller = draw.choice(ASKERS), draw.choice(TELLERS)
    lines: list[str] = []
    open_turn: Turn | None = None
    for one in statements:
        if draw.random() < 0.1:  # noqa: PLR2004 a share, used once
            first, second = draw.choice(words.SMALL_TALK)
            lines += [f"{asker}: {first}", f"{teller}: {second}"]
            open_turn = None
        for turn in one.turns:
            filler = draw.choice(_FILLERS) if draw.random() < 0.08 else ""  # noqa: PLR2004 a share, used once
            if open_turn is not None and open_turn.asker == turn.asker and draw.random() < 0.6:  # noqa: PLR2004 a share
                lines[-1] += f" {turn.text}"
            else:
                lines.append(f"{asker if turn.asker else teller}: {filler}{turn.text}")
            open_turn = turn
    return "\n".join(lines)
