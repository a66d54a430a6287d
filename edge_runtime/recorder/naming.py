"""Which of the things at hand a person means by the beginning of an id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from edge_runtime.errors import RefusedError
from sync_protocol.ids import FixedBytes

PREFIX_MIN: Final = 4
_SHOWN_MAX: Final = 32
F = TypeVar("F", bound=FixedBytes)


def one_named(text: str, known: Iterable[F], what: str, do: str) -> F:
    """The one id that begins with `text`.

    Args:
        text: hexadecimal digits, PREFIX_MIN at least.
        known: the ids to choose from.
        what: the kind of thing, for the refusal.
        do: where to find the ids.

    Raises:
        RefusedError: none, or several.
    """
    wanted = text.lower()
    found = [name for name in known if len(wanted) >= PREFIX_MIN and str(name).startswith(wanted)]
    if len(found) != 1:
        raise RefusedError(
            f"no_such_{what}" if not found else f"ambiguous_{what}",
            expected=f"the id of one {what}, or at least its first {PREFIX_MIN} digits",
            got=f"{text[:_SHOWN_MAX]!r}, which fits {len(found)}",
            do=do,
        )
    return found[0]
