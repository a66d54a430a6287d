"""The errors of the protocol room.

Owns the shape that every error of the project has: a code, what was expected, what came, what to do. Refuses secrets
and patient data in any of the four; callers pass kinds, sizes and shortened ids.
"""

from __future__ import annotations


class ExplainedError(Exception):
    """An error that a tired person can act on.

    Attributes:
        code: a stable word for machines, lower case with underscores.
        expected: what would have been right.
        got: what came instead.
        do: the way out.
    """

    def __init__(self, code: str, *, expected: str, got: str, do: str) -> None:
        """Keep the four parts; the message is made from them."""
        super().__init__(f"expected {expected}; got {got}; {do}")
        self.code = code
        self.expected = expected
        self.got = got
        self.do = do


class ProtocolError(ExplainedError):
    """Base of the room."""


class MisuseError(ProtocolError):
    """This program called the protocol wrongly: a bug here, never a peer's fault."""


class PeerError(ProtocolError):
    """Bytes or acts of somebody else were refused."""


class MalformedError(PeerError):
    """Bytes that are not the strict encoding of what was expected."""


class LimitError(PeerError):
    """A limit was reached; the error names it."""


class ForgedError(PeerError):
    """A signature, hash, commitment or authentication tag does not hold."""


class UntrustedError(PeerError):
    """Well signed, but by somebody who does not chain to the organisation's root, or not for this purpose."""


class BrokenChainError(PeerError):
    """An entry or seal that does not continue what is known of its chain."""


def malformed(expected: str, got: str) -> MalformedError:
    """Make a MalformedError with the usual advice."""
    return MalformedError(
        "malformed", expected=expected, got=got, do="ask the sender for the original bytes; nothing was stored"
    )


def forged(expected: str, got: str) -> ForgedError:
    """Make a ForgedError with the usual advice."""
    return ForgedError(
        "forged", expected=expected, got=got, do="do not use the data; tell the organisation's administrator"
    )


def too_often(name: str, limit: int, got: int) -> LimitError:
    """Make a LimitError for what one side may do only so many times on one connection."""
    return LimitError(
        "too_often",
        expected=f"at most {limit} {name} on one connection",
        got=f"{got}",
        do="connect again; what was stored stays",
    )


def over_limit(name: str, limit: int, got: int, unit: str) -> LimitError:
    """Make a LimitError that names the limit, its value and the unit."""
    return LimitError(
        "limit", expected=f"{name} of at most {limit} {unit}", got=f"{got} {unit}", do="split it and try again"
    )
