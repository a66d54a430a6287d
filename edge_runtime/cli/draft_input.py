"""What a person says of the parts of a draft on a command line: names, where they go, and words in their place.

Owns that reading. What a name means, and whether it is one, `drafts.choosing` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import click

from edge_runtime.cli.text_file import read_text
from edge_runtime.clinical.draft_payloads import PART_CHARS_MAX
from edge_runtime.clinical.layout import Section
from edge_runtime.errors import InputError

_STDIN: Final = "-"
_BYTES_A_CHARACTER: Final = 4


def named(given: Iterable[str]) -> tuple[str, ...]:
    """Names of parts, given one by one or with commas between them."""
    return tuple(name for words in given for part in words.split(",") if (name := part.strip()))


def sections(given: Iterable[str]) -> dict[str, Section]:
    """`PART=SECTION` each.

    Raises:
        InputError: no such section.
        UsageError: another form, or one part twice.
    """
    found: dict[str, Section] = {}
    for name, word in _pairs(given, "--into", "PART=SECTION").items():
        try:
            found[name] = Section(word)
        except ValueError:
            raise InputError(
                "section", expected=f"one of {', '.join(Section)}", got=f"{word[:32]!r}", do="name one of these"
            ) from None
    return found


def edits(given: Iterable[str]) -> dict[str, str]:
    """`PART=TEXT` each; the text of one may be `-`, for standard input, where nobody else on this system sees it.

    Raises:
        InputError: standard input is no text, or too long.
        UsageError: another form, one part twice, or standard input for two.
    """
    pairs = _pairs(given, "--edit", "PART=TEXT")
    if sum(words == _STDIN for words in pairs.values()) > 1:
        raise click.UsageError("--edit takes standard input for one part only")
    most = PART_CHARS_MAX * _BYTES_A_CHARACTER
    return {name: read_text(Path(_STDIN), most) if words == _STDIN else words for name, words in pairs.items()}


def _pairs(given: Iterable[str], option: str, form: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for words in given:
        name, equals, value = words.partition("=")
        if not equals or not name.strip() or name.strip() in found:
            raise click.UsageError(f"{option} takes {form}, each part once")
        found[name.strip()] = value
    return found
