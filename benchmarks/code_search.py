"""Searching ICD-10-CM by words, and checking codes, on a table that was read before."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from benchmarks.measuring import Case, Options, Report, Series, UnavailableError, interleaved
from edge_runtime.codes.folding import words
from edge_runtime.codes.icd10cm import SYSTEM
from edge_runtime.codes.icd10cm_search import search
from edge_runtime.codes.icd10cm_table import TABLE, Icd10cmTable, is_here, table

_SEED: Final = 7
_QUERIES: Final = 300
_CODES: Final = 5_000
_SHOWN: Final = 20
_CUTS: Final = (1, 2, 3, 5, 30)
"""Letters of a word that a person has typed when the search is asked."""


def _queries(rng: random.Random, codes: list[str], count: int) -> list[str]:
    """One to five words of a title, in any order, finished or not."""
    made: list[str] = []
    while len(made) < count:
        row = table().row(rng.choice(codes))
        assert row is not None, "a code of the table"
        title = words(row.display)
        picked = rng.sample(title, min(rng.randint(1, 5), len(title)))
        made.append(" ".join(word[: rng.choice(_CUTS)] for word in picked))
    return made


def _each(work: Callable[[str], object], texts: list[str], scale: float) -> list[float]:
    taken: list[float] = []
    for text in texts:
        began = time.perf_counter()
        work(text)
        taken.append((time.perf_counter() - began) * scale)
    return taken


def _scan(titles: sqlite3.Connection, text: str) -> object:
    """What it costs without an index of words: every title compared with every word, in memory, and nothing ranked."""
    asked = words(text)
    every = " AND ".join("text LIKE ?" for _ in asked)
    query = f"SELECT text FROM title WHERE {every}"  # noqa: S608 nothing of a text is in it
    return titles.execute(query, [f"%{word}%" for word in asked]).fetchall()


def run(options: Options) -> Report:
    """Measure.

    Raises:
        UnavailableError: this installation has no table of ICD-10-CM.
    """
    if not is_here():
        raise UnavailableError("the table of ICD-10-CM is not compiled: make set-up")
    rng = random.Random(_SEED)
    codes = list(table().codes())
    queries = _queries(rng, codes, options.size(_QUERIES, 20))
    checked = rng.sample(codes, options.size(_CODES, 50))
    with closing(sqlite3.connect(":memory:")) as titles:
        titles.execute("CREATE TABLE title (text TEXT)")
        titles.executemany("INSERT INTO title VALUES (?)", ((SYSTEM.check(code).display,) for code in codes))
        found = interleaved(
            {
                "search": lambda: _each(lambda text: search(table(), text, limit=_SHOWN), queries, 1e3),
                "scan": lambda: _each(lambda text: _scan(titles, text), queries[: options.size(30, 3)], 1e3),
                "check": lambda: _each(SYSTEM.check, checked, 1e6),
            },
            rounds=options.rounds,
        )
    first = time.perf_counter()
    search(Icd10cmTable(TABLE), "hip fract", limit=_SHOWN)
    cold_ms = round((time.perf_counter() - first) * 1e3, 1)
    series = Series("ms", found["search"])
    return Report(
        cases=[
            Case(
                name="a search of one to five words, finished or not",
                series=series,
                baseline="LIKE over every title in memory",
                against=Series("ms", found["scan"]),
            ),
            Case(name="a check of one billable code", series=Series("µs", found["check"])),
        ],
        facts={
            "codes": len(codes),
            "table MB": round(TABLE.stat().st_size / 1e6, 1),
            "slowest search ms": round(max(series.samples), 1),
            "first search ms": cold_ms,
        },
    )
