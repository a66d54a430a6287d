"""ICD-10-CM: whether a code exists and is complete, what it stands for, what belongs to it, and why it is refused.

Owns the reading of a code: capitals and the dot may be missing, and it says so. The table is another's
(`icd10cm_table`), the search too (`icd10cm_search`). A category is no code: only a leaf may be used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from edge_runtime.codes.icd10cm_table import CATEGORY_CHARS, Heading, Icd10cmTable, Row, table
from edge_runtime.codes.system import Judgement

SHAPE: Final = re.compile(r"[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?")
"""Source: ICD-10-CM Official Guidelines for Coding and Reporting, section I.A.2: three to seven characters."""
_LOOSE: Final = re.compile(r"[A-Za-z][0-9A-Za-z]{2}\.?[0-9A-Za-z]{0,4}")
_LENGTH: Final = 7
"""Characters of a complete code that has a seventh, the dot not counted."""
_NAMED_MAX: Final = 16
"""Codes that a reason names; all the seventh characters of a fracture."""


class Entry(NamedTuple):
    """A category, subcategory or code with all that the release says of it.

    Attributes:
        code: with its dot.
        display: its title.
        billable: whether it is complete.
        chapter: that it belongs to.
        blocks: that it belongs to, the nearest first.
        above: what it belongs to within its category, the nearest first.
        below: what belongs to it, in order.
        includes: what its category or subcategory takes in.
        inclusion_terms: what else is coded so.
        excludes1: what must not be coded together with it.
        excludes2: what is coded elsewhere and may be coded together with it.
    """

    code: str
    display: str
    billable: bool
    chapter: Heading
    blocks: tuple[Heading, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]
    includes: tuple[str, ...]
    inclusion_terms: tuple[str, ...]
    excludes1: tuple[str, ...]
    excludes2: tuple[str, ...]


def written(code: str) -> str | None:
    """A code in capitals and with its dot, as the release writes it; None where it has not the shape of one."""
    if _LOOSE.fullmatch(code) is None:
        return None
    whole = code.upper()
    if len(whole) > CATEGORY_CHARS and whole[CATEGORY_CHARS] != ".":
        whole = f"{whole[:CATEGORY_CHARS]}.{whole[CATEGORY_CHARS:]}"
    return whole if SHAPE.fullmatch(whole) else None


class Icd10cm:
    """The code system, on the table that it is given."""

    name: Final = "icd10cm"
    title: Final = "ICD-10-CM"
    uri: Final = "http://hl7.org/fhir/sid/icd-10-cm"

    def __init__(self, held: Callable[[], Icd10cmTable] = table) -> None:
        self._table = held

    @property
    def release(self) -> str:
        """Which release the table was compiled from.

        Raises:
            RefusedError: there is no table on this device.
        """
        return self._table().meta["release"]

    def check(self, code: str) -> Judgement:
        """Judge a code; a form without dot or in small letters is read, and said.

        Raises:
            RefusedError: there is no table on this device.
        """
        form = written(code)
        if form is None:
            shape = "a letter, two letters or digits, then, if more, a dot and one to four letters or digits"
            return Judgement(valid=False, display=None, reason=f"not the shape of an ICD-10-CM code: {shape}")
        held = self._table()
        row, read_as = held.row(form), form if form != code else None
        if row is None:
            return Judgement(valid=False, display=None, reason=_unknown(held, form), read_as=read_as)
        if not row.billable:
            return Judgement(valid=False, display=row.display, reason=_too_general(held, row), read_as=read_as)
        reason = "billable code of the release of " + held.meta["release"]
        if read_as is not None:
            reason += f"; read as {form}, which is how it is written"
        return Judgement(valid=True, display=row.display, reason=reason, read_as=read_as)

    def entry(self, code: str) -> Entry | None:
        """All that the release says of a category, subcategory or code; None where there is none.

        Raises:
            RefusedError: there is no table on this device.
        """
        form, held = written(code), self._table()
        row = held.row(form) if form is not None else None
        if row is None:
            return None
        *blocks, chapter = held.headings(row)
        source = (row.extension and row.parent) or row.code
        return Entry(
            code=row.code,
            display=row.display,
            billable=row.billable,
            chapter=chapter,
            blocks=tuple(blocks),
            above=tuple(up.code for up in held.above(row)),
            below=tuple(one.code for one in held.below(row.code)),
            includes=held.notes(source, "includes"),
            inclusion_terms=held.notes(source, "inclusion_term"),
            excludes1=held.notes(source, "excludes1"),
            excludes2=held.notes(source, "excludes2"),
        )


def _too_general(held: Icd10cmTable, row: Row) -> str:
    below = held.below(row.code)
    if below[0].extension:
        return f"not complete: a seventh character is needed: {_named(below)}"
    return f"not valid by itself: it has subdivisions, add a character: {_named(below)}"


def _unknown(held: Icd10cmTable, form: str) -> str:
    """Why a code of the right shape is none, by what is nearest to it."""
    moved = _with_placeholders(form)
    if moved is not None and held.row(moved) is not None:
        return f"its last character has to stand seventh, with X in the empty places before it: {moved}"
    up = next(
        (row for end in range(len(form) - 1, 2, -1) if (row := held.row(form[:end].rstrip("."))) is not None), None
    )
    if up is None:
        return "no category of ICD-10-CM begins so"
    if up.billable:
        return f"{up.code} is complete and takes no further character"
    return f"not in the release of {held.meta['release']}: below {up.code} there is only {_named(held.below(up.code))}"


def _with_placeholders(form: str) -> str | None:
    """The same code with its last character in the seventh place; None where it stands there."""
    bare = form.replace(".", "")
    if not CATEGORY_CHARS < len(bare) < _LENGTH:
        return None
    filled = bare[:-1].ljust(_LENGTH - 1, "X") + bare[-1]
    return f"{filled[:CATEGORY_CHARS]}.{filled[CATEGORY_CHARS:]}"


def _named(rows: Sequence[Row]) -> str:
    more = len(rows) - _NAMED_MAX
    names = ", ".join(row.code for row in rows[:_NAMED_MAX])
    return f"{names} and {more} more" if more > 0 else names


SYSTEM: Final = Icd10cm()
