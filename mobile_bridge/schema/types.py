"""The types of fields: each describes itself in the schema, and checks one value.

Owns a small algebra that TypeScript, Kotlin and Swift can express. A check says the path, what was expected, and type
and length of what came: a value may be a passphrase or a patient's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from edge_runtime.clinical.checks import describe
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.limits import ID_MAX
from sync_protocol.encoding import Value


class Type(Protocol):
    """What a field may hold."""

    def describe(self) -> Value:
        """The type as it stands in the schema."""
        ...

    def check(self, path: str, value: Value) -> None:
        """Judge a value.

        Raises:
            BridgeError: INVALID_REQUEST, naming the path.
        """
        ...


def invalid(path: str, expected: str, got: str) -> BridgeError:
    """Make the error for a field that is wrong."""
    return BridgeError(
        ErrorCode.INVALID_REQUEST, expected=f"{path}: {expected}", got=got, do=f"correct {path}; nothing was done"
    )


@dataclass(frozen=True, slots=True)
class Text:
    """Text; what a host sends is bounded, what the runtime shows may be of any length.

    Attributes:
        bytes_max: of its UTF-8.
        form: a regular expression that the whole must match.
        words: a closed list that it must be one of.
    """

    bytes_max: int | None = None
    form: str | None = None
    words: tuple[str, ...] | None = None

    def describe(self) -> Value:
        """See Type."""
        parts: dict[int | str, Value] = {"type": "text"}
        if self.bytes_max is not None:
            parts["bytes_max"] = self.bytes_max
        if self.form is not None:
            parts["form"] = self.form
        if self.words is not None:
            parts["words"] = [*self.words]
        return parts

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, str):
            raise invalid(path, "text", describe(value))
        if self.bytes_max is not None and len(value.encode()) > self.bytes_max:
            raise invalid(path, f"text of at most {self.bytes_max} bytes", describe(value))
        if self.form is not None and re.fullmatch(self.form, value, re.ASCII) is None:
            raise invalid(path, f"text of the form {self.form}", describe(value))
        if self.words is not None and value not in self.words:
            raise invalid(path, f"one of {', '.join(self.words)}", describe(value))


@dataclass(frozen=True, slots=True)
class Uint:
    """A whole number from 0 on."""

    maximum: int = ID_MAX

    def describe(self) -> Value:
        """See Type."""
        return {"type": "uint", "maximum": self.maximum}

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= self.maximum:
            raise invalid(path, f"a whole number from 0 to {self.maximum}", describe(value))


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    def describe(self) -> Value:
        """See Type."""
        return {"type": "flag"}

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, bool):
            raise invalid(path, "a boolean", describe(value))


@dataclass(frozen=True, slots=True)
class Octets:
    """A byte string of one length."""

    size: int

    def describe(self) -> Value:
        """See Type."""
        return {"type": "octets", "size": self.size}

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, bytes) or len(value) != self.size:
            raise invalid(path, f"{self.size} bytes", describe(value))


@dataclass(frozen=True, slots=True)
class Bytes:
    """A byte string of any length, which the runtime alone sends."""

    def describe(self) -> Value:
        """See Type."""
        return {"type": "bytes"}

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, bytes):
            raise invalid(path, "bytes", describe(value))


@dataclass(frozen=True, slots=True)
class Anything:
    """A map with text keys that another document describes."""

    where: str

    def describe(self) -> Value:
        """See Type."""
        return {"type": "map", "where": self.where}

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise invalid(path, "a map with text keys", describe(value))


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of one type."""

    item: Type
    items_max: int | None = None

    def describe(self) -> Value:
        """See Type."""
        parts: dict[int | str, Value] = {"type": "list", "item": self.item.describe()}
        return parts if self.items_max is None else parts | {"items_max": self.items_max}

    def check(self, path: str, value: Value) -> None:
        """See Type."""
        if not isinstance(value, list):
            raise invalid(path, "a list", describe(value))
        if self.items_max is not None and len(value) > self.items_max:
            raise invalid(path, f"at most {self.items_max} items", describe(value))
        for number, item in enumerate(value):
            self.item.check(f"{path}[{number}]", item)


@dataclass(frozen=True, slots=True)
class Field:
    """One named field of a body.

    Attributes:
        since: the minor version that brought it.
    """

    name: str
    type: Type
    required: bool = True
    since: int = 0

    def describe(self) -> Value:
        """The field as it stands in the schema."""
        return {"name": self.name, "required": self.required, "since": self.since, "type": self.type.describe()}


@dataclass(frozen=True, slots=True)
class Record:
    """A map with these fields, each at most once, and no others.

    Attributes:
        name: what the schema and the clients call it; a body is called by its command.
    """

    fields: tuple[Field, ...]
    name: str = ""

    def describe(self) -> Value:
        """See Type; what the fields are stands once in the schema, under the name."""
        return {"type": "record", "name": self.name}

    def check(self, path: str, value: Value | Mapping[str, Value]) -> None:
        """See Type; a body, too."""
        if not isinstance(value, Mapping):
            raise invalid(path, "a map", describe(value))
        known = {field.name: field for field in self.fields}
        for name in value:
            if name not in known:
                got = f"another name, of {len(str(name))} characters"  # a name may be a value put in the wrong place
                raise invalid(path, f"the fields {', '.join(known) or '(none)'}", got)
        for name, field in known.items():
            if name in value:
                field.type.check(f"{path}.{name}", value[name])
            elif field.required:
                raise invalid(f"{path}.{name}", "a value", "none")


NONE: Final = Record(())
"""A body without fields."""


def record(*fields: Field, name: str = "") -> Record:
    """A record of these fields."""
    return Record(fields, name)


def named(body: Record) -> Iterator[Record]:
    """The records that stand in the fields of a body, however deep."""
    for field in body.fields:
        inner = field.type
        while isinstance(inner, Listed):
            inner = inner.item
        if isinstance(inner, Record):
            yield inner
            yield from named(inner)


def project(shape: Record, values: Mapping[str, Value]) -> dict[str, Value]:
    """Only what `shape` declares, so that nothing leaves that the table does not name; absent values are left out."""
    return {
        field.name: values[field.name]
        for field in shape.fields
        if field.name in values and values[field.name] is not None
    }


def at(shape: Record, minor: int) -> Record:
    """The record as it is in a minor version."""
    return replace(shape, fields=tuple(field for field in shape.fields if field.since <= minor))
