"""Why a text update is refused, and what else can stop a draft.

Owns the closed list of reasons and the errors of the room. A refusal is the peer's fault and the same on every device;
the other errors are local states and never refusals. Refuses patient data: a message holds counts, sizes, clocks and
client ids, never text, never the name of a root that a stranger chose.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from edge_runtime.errors import EdgeError

_DO: Final = "leave its text out and keep its header; its author's device runs other software than ours or was altered"


class Reason(StrEnum):
    """Why an update is refused. Closed: every device knows every reason, so that refusals compare."""

    BYTES = "bytes"
    """More bytes than one update may have."""
    COUNT = "count"
    """More structs, delete ranges or inserted units than one update may have."""
    MALFORMED = "malformed"
    """Not the strict encoding: cut short, trailing bytes, a padded or large number, not UTF-8, disordered ranges."""
    CONTENT = "content"
    """What no text edit makes: GC, skip, format, embed, JSON, binary, any, nested type, subdocument, map key."""
    EMPTY = "empty"
    """Carries nothing, or a struct, range or string of no length."""
    CLIENT = "client"
    """Structs of another client than the author's session, or of several."""
    CLIENT_TAKEN = "client_taken"
    """The causal past holds entries of another session that has the same client id."""
    CLOCK = "clock"
    """The first clock does not follow the session's previous text there, or clocks run over the bound."""
    PARENT = "parent"
    """Placed elsewhere than in the declared root."""
    REFERENCE = "reference"
    """An origin or delete range outside the causal past and the update's own earlier items."""
    NEIGHBOURS = "neighbours"
    """The right origin is not what follows the origin in the causal past: crossed, or items skipped."""
    SURROGATE = "surrogate"
    """A boundary between the two halves of one character."""


class UpdateRefusedError(EdgeError, ValueError):
    """An update that must not reach a Doc; every device refuses it for the same reason.

    Attributes:
        reason: which rule it breaks.
        expected: what the rule asks for.
        got: what came instead; counts, clocks and ids only.
    """

    def __init__(self, reason: Reason, *, expected: str, got: str) -> None:
        """Keep the reason beside the explanation."""
        super().__init__(f"text_update_{reason}", expected=expected, got=got, do=_DO)
        self.reason = reason


class ReplicaFailedError(EdgeError):
    """The CRDT engine failed on an update that the screen admitted; that replica is dead. A local state."""


class DraftUnavailableError(EdgeError):
    """The draft cannot be edited now: it is incomplete here, or its history forks. A local state."""


class HeldLimitError(EdgeError):
    """Too much waits for parents that have not come; the entry was not kept. A local state."""


def unavailable(got: str, do: str) -> DraftUnavailableError:
    """The error of a text that cannot be edited now."""
    return DraftUnavailableError("text_draft_unavailable", expected="a complete draft without forks", got=got, do=do)
