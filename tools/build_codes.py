"""Compiles ICD-10-CM into `edge_runtime/data/codes/icd10cm.sqlite3`: part of every build of the package, and a script.

Reads the release that the package `simple-icd-10-cm` carries, through its public functions; importing that package
takes seconds, which a device never pays. Owns the form of the table and the order in which a search meets what it
finds; `edge_runtime.codes.icd10cm_table` reads it. The same release gives the same rows. Refuses a source that it does
not know.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a build runs this file alone, before the package is installed

from edge_runtime.codes.folding import ICD10CM_FORM, is_plain, term, weight, words  # noqa: E402 found by the line above

SOURCE = "simple-icd-10-cm"
TABLE = Path("edge_runtime", "data", "codes", "icd10cm.sqlite3")

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE heading (name TEXT PRIMARY KEY, title TEXT NOT NULL, parent TEXT) WITHOUT ROWID;
CREATE TABLE extension (id INTEGER PRIMARY KEY, text TEXT NOT NULL, turn INTEGER NOT NULL);
CREATE TABLE item (
    rank INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, display TEXT, billable INTEGER NOT NULL, parent TEXT,
    block TEXT, extension INTEGER REFERENCES extension (id), terms TEXT);
CREATE INDEX item_parent ON item (parent);
CREATE TABLE note (code TEXT, kind TEXT, position INTEGER, text TEXT NOT NULL, PRIMARY KEY (code, kind, position))
    WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', detail = none, prefix = '1 2 3', columnsize = 0);
"""
"""`heading`: chapters and blocks. `item`: categories, subcategories and codes; a category has a `block` and no
parent, because blocks of one category bear its name; a code that only adds a seventh character to its parent has an
`extension` and no display or terms of its own. `terms`: what it is called, as folded
words, the display first, one a line. `words`: all of that of an item and of those above it, for a search."""

NOTES = ("includes", "inclusion_term", "excludes1", "excludes2")


class Item(NamedTuple):
    """One category, subcategory or code."""

    code: str
    display: str
    billable: bool
    parent: str | None
    block: str | None
    extension: str | None
    terms: tuple[str, ...]
    above: tuple[str, ...]
    """Terms of what it belongs to, the nearest first."""
    words: frozenset[str]
    """By which it is found: of all these terms, and those in parentheses."""


def turn(extension: str) -> int:
    """When a seventh character is met in a search: what is treated now before what was, and sequelae last."""
    if extension.startswith("subsequent"):
        return 2
    if extension.startswith("sequela"):
        return 3
    return int(extension.startswith("initial encounter for open"))


def read_items(source: Any) -> Iterator[Item]:  # noqa: ANN401 a module that knows no types
    """Every category, subcategory and code, what is above before what is below."""
    found: dict[str, Item] = {}
    # A block of one category is listed by the same name; the functions mean the category then.
    for code in dict.fromkeys(source.get_all_codes()):
        if not source.is_category_or_subcategory(code):
            continue
        parent = source.get_parent(code)
        extension = None
        display = clean(source.get_description(code))
        if source.is_extended_subcategory(code):
            # The package joins an extension and its notes by a stroke; the notes are no part of the title.
            extension = clean(source.get_seven_chr_def(parent, search_in_ancestors=True)[code[-1]].partition("/")[0])
            display = f"{found[parent].display}, {extension}"
            told = [display]
            terms: tuple[str, ...] = ()
        else:
            told = [display, *source.get_inclusion_term(code), *source.get_includes(code)]
            terms = tuple(dict.fromkeys(folded for one in told if (folded := term(one))))
        up = None if source.is_category(code) else found[parent]
        own = frozenset(word for one in told for word in words(one))
        item = Item(
            code,
            display,
            billable=source.is_leaf(code),
            parent=parent if up else None,
            block=None if up else parent,
            extension=extension,
            terms=terms,
            above=(*up.terms, *up.above) if up else (),
            words=own | up.words if up else own,
        )
        found[code] = item
        yield item


def clean(text: str) -> str:
    """A text of the release on one line."""
    return " ".join(text.split())


def standing(item: Item) -> tuple[bool, int, int, int, bool, str]:
    """Where an item stands when nothing but its own words is known: what can be billed and is said shortly first."""
    lightest = min(weight(one) for one in (*item.terms, *item.above))
    own = item.terms[0] if item.terms else item.above[0]
    return (not item.billable, turn(item.extension or ""), lightest, weight(own), not is_plain(own), item.code)


def read_headings(source: Any) -> Iterator[tuple[str, str, str | None]]:  # noqa: ANN401 as above
    """Every chapter and block: its name, its title, what it belongs to."""
    for name in dict.fromkeys(source.get_all_codes()):
        if source.is_chapter_or_block(name):
            parent = source.get_parent(name, prioritize_blocks=True)
            yield name, clean(source.get_description(name, prioritize_blocks=True)), parent or None


def notes_of(source: Any, item: Item) -> Iterator[tuple[str, str, int, str]]:  # noqa: ANN401 as above
    """What the release says of an item beside its title."""
    if item.extension is not None:
        return
    for kind in NOTES:
        for position, text in enumerate(getattr(source, f"get_{kind}")(item.code)):
            yield item.code, kind, position, clean(text)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256, in hex, of the release's own files, by name."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".xml", ".txt"})
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def release_of(files: dict[str, str]) -> str:
    """The release, as the name of its tabular list says it.

    Raises:
        ValueError: there is no such file, or more than one.
    """
    names = [found[1] for name in files if (found := re.fullmatch(r"icd10c-tabular-(.+)\.xml", name))]
    if len(names) != 1:
        raise ValueError(f"expected one tabular list in {SOURCE}, got {len(names)}; look what its new release holds")
    return names[0].replace("-", " ")


def compile_table(target: Path) -> dict[str, str]:
    """Write the table, in one step.

    Returns:
        What its `meta` says.
    """
    spec = importlib.util.find_spec("simple_icd_10_cm")
    assert spec is not None, "it is required for a build"
    assert spec.submodule_search_locations is not None, "it is a package"
    files = digests(Path(spec.submodule_search_locations[0]) / "data")
    source = importlib.import_module("simple_icd_10_cm")
    items = sorted(read_items(source), key=standing)
    meta = {
        "form": ICD10CM_FORM,
        "release": release_of(files),
        "source": f"{SOURCE} {importlib.metadata.version(SOURCE)}",
        "items": str(len(items)),
        "billable": str(sum(item.billable for item in items)),
        **{f"sha256 {name}": digest for name, digest in files.items()},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as table:
        table.executescript(SCHEMA)
        table.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
        table.executemany("INSERT INTO heading VALUES (?, ?, ?)", read_headings(source))
        write_items(table, items)
        table.executemany(
            "INSERT INTO note VALUES (?, ?, ?, ?)", (note for item in items for note in notes_of(source, item))
        )
        table.execute("INSERT INTO words (words) VALUES ('optimize')")
        table.commit()
        table.execute("VACUUM")
    draft.replace(target)
    return meta


def write_items(table: sqlite3.Connection, items: list[Item]) -> None:
    """Write the items in their order, each with the words that find it."""
    extensions = {text: number for number, text in enumerate(sorted({item.extension or "" for item in items} - {""}))}
    table.executemany(
        "INSERT INTO extension VALUES (?, ?, ?)", ((n, text, turn(text)) for text, n in extensions.items())
    )
    for rank, item in enumerate(items):
        extension = extensions[item.extension] if item.extension is not None else None
        own = item.display if extension is None else None
        terms = "\n".join(item.terms) or None
        row = (rank, item.code, own, item.billable, item.parent, item.block, extension, terms)
        table.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        table.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (rank, " ".join(sorted(item.words))))


class CodesHook(BuildHookInterface):  # type: ignore[type-arg]  # generic over its configuration, of which there is none
    """Compiles the table before a wheel, or an editable install, is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the table. Its place is named among the artifacts in pyproject.toml, because git ignores it."""
        del version, build_data
        compile_table(Path(self.root) / TABLE)


def main() -> int:
    """Make the table of this working tree and say what is in it."""
    for key, value in compile_table(ROOT / TABLE).items():
        print(f"{key}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
