"""Authors in a few characters, and in full. Loads nothing, so that every command may use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.wording import who

if TYPE_CHECKING:
    from edge_runtime.facts import Author

__all__ = ["author_json", "who"]


def author_json(author: Author) -> dict[str, str]:
    """An author in full."""
    return {
        "user": str(author.user),
        "device": str(author.device),
        "session": str(author.session),
        "role": author.role,
    }
