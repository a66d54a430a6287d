"""Codes on a terminal: what was asked, what is said of it, and a list of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from edge_runtime.cli.safe_text import safe
from edge_runtime.codes.icd10cm_search import Found
from edge_runtime.codes.system import Judgement

_CODE_COLUMNS = 10


def check_rows(code: str, judgement: Judgement) -> Iterator[str]:
    """One code, and under it why."""
    verdict = click.style("valid", fg="green") if judgement.valid else click.style("not valid", fg="red", bold=True)
    display = f"  {judgement.display}" if judgement.display else ""
    yield f"{safe(code):<{_CODE_COLUMNS}}{verdict}{display}"
    yield f"{'':<{_CODE_COLUMNS}}{judgement.reason}"


def found_rows(found: Sequence[Found], *, release: str) -> Iterator[str]:
    """A list of codes, with a mark at what is too general to be used."""
    if not found:
        yield "Nothing found. Titles are in English; right spelling, fewer words or the beginning of one find more."
        return
    for one in found:
        mark = "" if one.billable else click.style("  not billable: has subdivisions", fg="yellow")
        yield f"{one.code:<{_CODE_COLUMNS}}{one.display}{mark}"
        yield click.style(f"{'':<{_CODE_COLUMNS}}{one.chapter_title}", dim=True)
    yield f"ICD-10-CM, release of {release}. {len(found)} shown."
