"""Secret bytes that do not leak by accident.

Owns the shape of every key that must stay secret: no repr, no text form, no pickle, no copy into a log line. Refuses to
hand out the bytes but by `reveal()`, which only a vault and the primitives of this room call. CPython cannot erase
memory, so a revealed secret lives until the interpreter reuses it; `docs/threat_model.md` says so.
"""

from __future__ import annotations

from typing import ClassVar, NoReturn

from sync_protocol.errors import MisuseError, malformed


class Secret:
    """Secret bytes of one length, fixed by the subclass."""

    __slots__ = ("_secret",)
    SIZE: ClassVar[int] = 32

    def __init__(self, secret: bytes) -> None:
        """Keep `secret`, of exactly `SIZE` bytes.

        Raises:
            MalformedError: another length.
        """
        if len(secret) != self.SIZE:
            raise malformed(f"{type(self).__name__} of {self.SIZE} bytes", f"{len(secret)} bytes")
        self._secret = bytes(secret)

    def reveal(self) -> bytes:
        """The bytes themselves, to be wrapped or put in a vault and nowhere else."""
        return self._secret

    def __repr__(self) -> str:
        """Show the type only."""
        return f"{type(self).__name__}(secret)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickling and copying.

        Raises:
            MisuseError: always.
        """
        del protocol
        raise MisuseError(
            "secret_copied",
            expected="a secret stored by reveal() into a vault",
            got=f"an attempt to pickle or copy a {type(self).__name__}",
            do="report this as a bug",
        )
