"""What every skill refuses of a source before anything is begun: none, too much, choices that it does not have.

A refusal names kinds and sizes, never the words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from edge_runtime.ai.skills.neutral import neutral
from edge_runtime.ai.skills.skill import SOURCE_CHARS_MAX, Source
from edge_runtime.errors import InputError

_NO_OPTIONS: Final[Mapping[str, Collection[str]]] = {}


def check_source(
    source: Source,
    *,
    longest: int = SOURCE_CHARS_MAX,
    options: Mapping[str, Collection[str]] = _NO_OPTIONS,
    required: Collection[str] = (),
) -> None:
    """Refuse what a skill cannot work on.

    Args:
        source: what came.
        longest: characters of its text.
        options: the values that each option may have; a name that is not here is refused.
        required: options that must be there.

    Raises:
        InputError: as the module says.
    """
    if not neutral(source.text):
        raise InputError(
            "source_empty", expected="text to draft from", got="no readable character", do="hand in what was said"
        )
    if len(source.text) > longest:
        raise InputError(
            "source_too_long",
            expected=f"at most {longest} characters",
            got=f"{len(source.text)} characters",
            do="draft from one part of it after the other",
        )
    if source.media:
        raise InputError(
            "source_media",
            expected="text alone",
            got=f"{len(source.media)} photos or recordings",
            do="leave them out; this skill reads words",
        )
    _check_options(source.options, options, required)


def _check_options(given: Mapping[str, str], options: Mapping[str, Collection[str]], required: Collection[str]) -> None:
    for name in required:
        if name not in given:
            raise InputError(
                "option_missing", expected=f"the option {name}", got="none", do=f"say {name}: {_list(options[name])}"
            )
    for name, value in given.items():
        if name not in options:
            raise InputError(
                "option_unknown",
                expected=f"options of this skill: {_list(options)}",
                got="another one",
                do="leave it out",
            )
        if value not in options[name]:
            raise InputError(
                "option_value",
                expected=f"{name} of {_list(options[name])}",
                got=f"a value of {len(value)} characters that is none of them",
                do=f"choose {name} from the list",
            )


def _list(words: Collection[str]) -> str:
    return " | ".join(words) or "none"
