"""The compiled table of ICD-10-CM: opened when it is first asked for, and only read.

Owns the queries. `tools/build_codes.py` makes the table when the package is built; a phone may be without it. What is
wrong with a table, that it is not there included, is a refusal that says what to do.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from edge_runtime.codes.folding import ICD10CM_FORM
from edge_runtime.errors import RefusedError

TABLE: Final = Path(__file__).resolve().parent.parent / "data" / "codes" / "icd10cm.sqlite3"
CATEGORY_CHARS: Final = 3
"""Characters of a category, before the dot."""
_UP_MAX: Final = 12
"""Steps from a code to its chapter, at most: the deepest of the release takes nine."""
_ROW: Final = """
SELECT item.rank, item.code, coalesce(item.display, base.display || ', ' || extension.text), item.billable, item.parent,
    item.block, coalesce(extension.turn, 0), extension.text, item.terms
FROM item LEFT JOIN extension ON extension.id = item.extension
    LEFT JOIN item AS base ON item.extension IS NOT NULL AND base.code = item.parent
"""


class Row(NamedTuple):
    """One category, subcategory or code.

    Attributes:
        rank: its place in the order of a search that knows nothing else.
        code: with its dot.
        display: the title of the release.
        billable: whether it is a leaf: complete, and so a code that may be used.
        parent: what it belongs to; None for a category.
        block: that a category belongs to; None for everything below.
        turn: of a seventh character, when it is met: 0 for an initial encounter and all else, 3 for sequelae.
        extension: what its seventh character says, where that is all that it adds to its parent.
        terms: what it is called, folded, the title first; none where there is an extension, which has its parent's.
    """

    rank: int
    code: str
    display: str
    billable: bool
    parent: str | None
    block: str | None
    turn: int
    extension: str | None
    terms: tuple[str, ...]


class Heading(NamedTuple):
    """A chapter or a block."""

    name: str
    title: str
    parent: str | None


class Icd10cmTable:
    """Queries on one file. Rows that are asked for often stay in memory."""

    def __init__(self, path: Path) -> None:
        with _refusing():
            if not path.is_file():
                raise _missing()
            # Immutable: nobody writes it where it is, a new one takes its place. Serialised, so threads may share it.
            self._base = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
            self.meta: Mapping[str, str] = dict(self._base.execute("SELECT key, value FROM meta"))
        if self.meta.get("form") != ICD10CM_FORM:
            raise _damaged()
        self.row = functools.lru_cache(maxsize=16_384)(self._row)

    def _row(self, code: str) -> Row | None:
        rows = self._rows("WHERE item.code = ?", (code,))
        return rows[0] if rows else None

    def below(self, code: str) -> list[Row]:
        """What directly belongs to a code, in the order of the codes."""
        return self._rows("WHERE item.parent = ? ORDER BY item.code", (code,))

    def beginning(self, prefix: str, limit: int) -> list[Row]:
        """What begins so, in the order of the codes: what is above comes before what is below."""
        end = prefix + "\x7f"  # after every character of a code
        return self._rows("WHERE item.code >= ? AND item.code < ? ORDER BY item.code LIMIT ?", (prefix, end, limit))

    def matching(self, query: str, limit: int) -> list[Row]:
        """What a query in the language of FTS5 finds, in the order of the ranks."""
        found = "WHERE item.rank IN (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid LIMIT ?)"
        return self._rows(f"{found} ORDER BY item.rank", (query, limit))

    def headings(self, row: Row) -> list[Heading]:
        """The blocks and the chapter that a row belongs to, the chapter last."""
        return list(self._headings(row.code[:CATEGORY_CHARS]))

    @functools.lru_cache(maxsize=4096)  # noqa: B019 one table lives as long as the process
    def _headings(self, category: str) -> tuple[Heading, ...]:
        row = self.row(category)
        assert row is not None, "each code has its category"
        found: list[Heading] = []
        name = row.block
        with _refusing():
            while name is not None and len(found) < _UP_MAX:
                got = self._base.execute("SELECT name, title, parent FROM heading WHERE name = ?", (name,)).fetchone()
                found.append(Heading(*got))
                name = found[-1].parent
        return tuple(found)

    def above(self, row: Row) -> list[Row]:
        """What a row belongs to, nearest first, up to its category."""
        found: list[Row] = []
        parent = row.parent
        while parent is not None:
            up = self.row(parent)
            assert up is not None, "the build writes what is above with what is below"
            found.append(up)
            parent = up.parent
        return found

    def notes(self, code: str, kind: str) -> tuple[str, ...]:
        """Notes of one kind on a code: `includes`, `inclusion_term`, `excludes1`, `excludes2`."""
        with _refusing():
            rows = self._base.execute(
                "SELECT text FROM note WHERE code = ? AND kind = ? ORDER BY position", (code, kind)
            ).fetchall()
        return tuple(text for (text,) in rows)

    def codes(self) -> Iterator[str]:
        """Every billable code, in the order of the codes."""
        with _refusing():
            yield from (code for (code,) in self._base.execute("SELECT code FROM item WHERE billable ORDER BY code"))

    def _rows(self, rest: str, values: Sequence[object]) -> list[Row]:
        with _refusing():
            found = self._base.execute(_ROW + rest, values).fetchall()
        return [_read(*one) for one in found]


def _read(  # noqa: PLR0917 the columns of the query, in their order
    rank: int,
    code: str,
    display: str,
    billable: int,
    parent: str | None,
    block: str | None,
    turn: int,
    extension: str | None,
    terms: str | None,
) -> Row:
    said = tuple((terms or "").splitlines())
    return Row(rank, code, display, bool(billable), parent, block, turn, extension, said)


@functools.cache
def table() -> Icd10cmTable:
    """The table of this installation, opened once.

    Raises:
        RefusedError: it is not there, or not ours.
    """
    return Icd10cmTable(TABLE)


def is_here() -> bool:
    """Whether this installation has the table."""
    return TABLE.is_file()


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError:
        raise _damaged() from None


def _missing() -> RefusedError:
    return RefusedError(
        "codes_missing",
        expected="the table of ICD-10-CM in this installation",
        got="an installation without it",
        do="install fieldward again from its wheel; in a working copy, 'python tools/build_codes.py'",
    )


def _damaged() -> RefusedError:
    return RefusedError(
        "codes_damaged",
        expected="the table of ICD-10-CM as this version was built with",
        got="another file in its place",
        do="install fieldward again from its wheel; in a working copy, 'python tools/build_codes.py'",
    )
