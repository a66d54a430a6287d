"""One request as the handlers see it: checked against the table, its fields by name and type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync_protocol.encoding import Value


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """The body of a `req` frame. Without a repr: it may hold a passphrase."""

    fields: Mapping[str, Value]

    def text(self, name: str) -> str:
        """A required text."""
        value = self.fields[name]
        assert isinstance(value, str), "the table says that it is text"
        return value

    def text_or_none(self, name: str) -> str | None:
        """A text that may be absent."""
        return self.text(name) if name in self.fields else None

    def items(self, name: str) -> list[Value] | None:
        """A list that may be absent."""
        value = self.fields.get(name)
        assert value is None or isinstance(value, list), "the table says that it is a list"
        return value

    def number(self, name: str) -> int | None:
        """A whole number that may be absent."""
        value = self.fields.get(name)
        assert value is None or isinstance(value, int), "the table says that it is a number"
        return value

    def flag(self, name: str) -> bool:
        """A boolean that may be absent, which is no."""
        return self.fields.get(name) is True
