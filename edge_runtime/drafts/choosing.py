"""Which parts of a draft a person takes over, and what becomes of each: text in a section, or a fact of their own.

Owns that choice, before anything is written. Refuses to take over what the source does not bear out, unless the person
names the part and says why; and to guess where something belongs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.clinical.draft_payloads import DraftPartKind
from edge_runtime.clinical.draft_reading import DraftText, Part
from edge_runtime.clinical.layout import Section
from edge_runtime.clinical.subjects import normalised
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact

_NAMES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants of a draft. A name is a part's, or a field's, for all of its parts: `plan` for `plan.1`.

    Attributes:
        only: these parts; None for all text that can be taken over and has its place in the source.
        facts: without `only`, state the facts that are proposed, too.
        include: parts, by their full names, that are marked unsupported and wanted all the same.
        into: the section that parts go to.
        edited: by full name, what the person wrote in place of a part.
        reason: why what is marked is taken over.
    """

    only: Collection[str] | None = None
    facts: bool = False
    include: Collection[str] = ()
    into: Mapping[str, Section] = field(default_factory=dict)
    edited: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a person takes over.

    Attributes:
        texts: lines by section, in the order of the draft.
        facts: what they state.
        accepted, rejected, included, edited: names of parts; advice that was only read is in none of them.
    """

    texts: Mapping[Section, tuple[str, ...]] = field(repr=False)
    facts: tuple[Fact, ...] = field(repr=False)
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    included: tuple[str, ...]
    edited: tuple[str, ...]


def choose(draft: DraftText, wish: Wish) -> Taken:
    """Decide what becomes of each part.

    Raises:
        InputError: a name that is none, an edit that is blank, no reason for what is marked.
        RefusedError: a part is not supported, belongs nowhere, or is only to be read; or nothing is left.
    """
    _check(draft, wish)
    into = {part.name: section for part in draft.parts if (section := _section(part, wish.into))}
    texts: dict[Section, tuple[str, ...]] = {}
    facts: list[Fact] = []
    accepted = []
    for part in _wanted(draft, wish, into):
        if _is_unplaced(part, wish, into):
            continue
        if not _is_borne_out(part, wish) and part.name not in wish.include:
            if wish.only is None and part.name not in wish.edited:  # what a person wrote is not left out unsaid
                continue
            raise _unsupported(part)
        if part.proposes is not None:
            facts.append(part.proposes)
        else:
            section = into.get(part.name, part.section)
            if section is None:
                raise _homeless(part)
            texts[section] = (*texts.get(section, ()), wish.edited.get(part.name, part.text))
        accepted.append(part.name)
    if not accepted:
        raise RefusedError(
            "nothing_to_accept",
            expected="a part that can be taken over",
            got=f"a draft of {len(draft.parts)} parts, none of which is supported and belongs anywhere",
            do="--facts states facts, --include with --reason takes marked parts, --into says where; or dismiss it",
        )
    taken = frozenset(accepted)
    _check_edits(wish.edited.keys() - taken)
    return Taken(
        texts=texts,
        facts=tuple(facts),
        accepted=tuple(accepted),
        rejected=tuple(
            part.name for part in draft.parts if part.kind is not DraftPartKind.ADVICE and part.name not in taken
        ),
        included=tuple(part.name for part in draft.parts if part.name in taken.intersection(wish.include)),
        edited=tuple(part.name for part in draft.parts if part.name in taken.intersection(wish.edited)),
    )


def _wanted(draft: DraftText, wish: Wish, into: Collection[str]) -> Iterable[Part]:
    """The parts that are asked for, in the order of the draft."""
    for part in draft.parts:
        named = wish.only is not None and any(_is_named(part, name) for name in wish.only)
        if part.kind is DraftPartKind.ADVICE and part.name not in into:
            if named or part.name in wish.include:
                raise RefusedError(
                    "part_is_advice",
                    expected="a part that goes somewhere",
                    got=f"{part.name}, which is to be read",
                    do="say where it is to be written: --into PART=SECTION",
                )
        elif named or part.name in wish.include:
            yield part
        elif wish.only is None and (wish.facts or part.kind is not DraftPartKind.FACT):
            yield part  # a fact is stated because somebody wants it, never because nobody left it out


def _is_unplaced(part: Part, wish: Wish, into: Collection[str]) -> bool:
    """Whether no place of the source was found for a text, and nobody asked for it by name."""
    named = wish.only is not None or part.name in {*wish.include, *wish.edited, *into}
    return not named and part.section is not None and not part.citations and part.proposes is None


def _is_borne_out(part: Part, wish: Wish) -> bool:
    """Whether nothing of it is marked, or nothing that is marked is left in what the person made of it."""
    written = wish.edited.get(part.name)
    if written is None or part.supported:
        return part.supported
    now = normalised(written)
    return not any(normalised(words) in now for _, words in part.doubted())


def _check(draft: DraftText, wish: Wish) -> None:
    known = {part.name: part for part in draft.parts}
    fields = {part.field for part in draft.parts}
    _check_names((*(wish.only or ()), *wish.into), known.keys() | fields)
    _check_names((*wish.include, *wish.edited), known.keys())
    for name in wish.include:
        if known[name].supported:
            raise InputError(
                "part_supported",
                expected="a part that is marked as not supported",
                got=f"{name}, which is not",
                do="leave it out of --include: what is supported is taken over without that",
            )
    if wish.include and not (wish.reason or "").strip():
        raise InputError(
            "reason",
            expected="why parts that the source does not bear out are taken over",
            got="nothing",
            do="give --reason",
        )
    for name, written in wish.edited.items():
        if known[name].kind is DraftPartKind.FACT or not written.strip():
            raise InputError(
                "part_edit",
                expected="text in place of a part that is text",
                got=f"a part of kind {known[name].kind}" if written.strip() else "nothing",
                do="state a fact yourself with 'fieldward chart edit'; leave out a part with --only",
            )
    for part in draft.parts:
        if part.kind is DraftPartKind.FACT and part.name in wish.into:
            raise InputError(
                "part_into",
                expected="a part that is text",
                got=f"{part.name}, which is stated as a fact",
                do="leave it out of --into",
            )


def _check_edits(left_out: Collection[str]) -> None:
    if left_out:
        raise InputError(
            "part_edit",
            expected="edits of parts that are taken over",
            got=f"one of {min(left_out)}, which is not",
            do="name it in --only as well, or say with --into where it goes",
        )


def _check_names(names: Iterable[str], known: Collection[str]) -> None:
    if any(name not in known for name in names):
        shown = ", ".join(sorted(known)[:_NAMES_SHOWN])
        raise InputError(
            "no_such_part", expected=f"parts of the draft, such as {shown}", got="another name", do="see 'draft show'"
        )


def _section(part: Part, into: Mapping[str, Section]) -> Section | None:
    """Where the person wants a part: what names it in full comes before what names its field."""
    if part.kind is DraftPartKind.FACT:
        return None
    return into.get(part.name, into.get(part.field))


def _is_named(part: Part, name: str) -> bool:
    return name in {part.name, part.field}


def _unsupported(part: Part) -> RefusedError:
    kinds = ", ".join(dict.fromkeys(doubt.kind for doubt in part.unsupported))
    return RefusedError(
        "part_unsupported",
        expected="a part that its source bears out",
        got=f"{part.name}, marked for: {kinds}",
        do=f"correct it with --edit {part.name}=TEXT, or take it over knowingly: --include {part.name} --reason WHY",
    )


def _homeless(part: Part) -> RefusedError:
    return RefusedError(
        "part_without_section",
        expected="a section where the text belongs",
        got=f"{part.name}, which names none",
        do=f"say where: --into {part.field}=SECTION",
    )
