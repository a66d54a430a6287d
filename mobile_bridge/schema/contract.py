"""The contract of one version: the table of commands, its canonical value, and the digest that travels in `hello`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from mobile_bridge.errors import CONNECTION_ERRORS, REQUEST_ERRORS, RETRYABLE, ErrorCode
from mobile_bridge.frames import FORMS, FROM_HOST, MAJOR, OPTIONAL_FIELDS, Frame
from mobile_bridge.schema.command import Command, Event
from mobile_bridge.schema.commands import COMMANDS, EVENTS
from mobile_bridge.schema.types import NONE, Field, Flag, Record, Text, Uint, at, named, record
from sync_protocol.encoding import Value, encode

MINOR: Final = 2
"""Rises by one with each release that adds commands, events or fields."""
HELLO: Final = "hello"

ERROR: Final = record(
    Field("code", Text(words=tuple(code.value for code in ErrorCode))),
    Field("retryable", Flag()),
    Field("retry_after_ms", Uint(), required=False),
    Field("correlation_id", Text(form="[0-9a-f]{16}")),
    Field("detail", Record(tuple(Field(name, Text()) for name in ("reason", "expected", "got", "do")), "detail")),
)
"""The body of every `err` frame."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What two sides may say to each other."""

    minor: int
    commands: Mapping[str, Command]
    events: Mapping[str, Event]

    @classmethod
    def of(cls, minor: int, commands: tuple[Command, ...], events: tuple[Event, ...]) -> Contract:
        """The contract of a table."""
        return cls(
            minor,
            MappingProxyType({command.op: command for command in commands}),
            MappingProxyType({event.op: event for event in events}),
        )

    def at(self, minor: int) -> Contract:
        """What is left of it with a side that speaks `minor`: the older one's commands, events and fields."""
        agreed = min(minor, self.minor)
        commands = (
            replace(
                command,
                request=at(command.request, agreed),
                result=at(command.result, agreed),
                item=None if command.item is None else at(command.item, agreed),
            )
            for command in self.commands.values()
            if command.since <= agreed
        )
        events = (
            replace(event, body=at(event.body, agreed)) for event in self.events.values() if event.since <= agreed
        )
        return Contract.of(agreed, tuple(commands), tuple(events))

    def value(self) -> Value:
        """The whole contract as one value: the same bytes wherever it is the same contract."""
        return {
            "major": MAJOR,
            "minor": self.minor,
            "frame": {field.name: field.metadata["key"] for field in dataclasses.fields(Frame)},
            "kinds": {
                kind.value: {
                    "from": "host" if kind in FROM_HOST else "runtime",
                    "required": [name for name in OPTIONAL_FIELDS if name in form.required],
                    "allowed": [name for name in OPTIONAL_FIELDS if name in form.allowed],
                }
                for kind, form in FORMS.items()
            },
            "error": _fields(ERROR),
            "records": {body.name: _fields(body) for body in self._records()},
            "codes": {code.value: {"retryable": code in RETRYABLE, "scope": _scope(code)} for code in ErrorCode},
            "commands": {op: _command(command) for op, command in self.commands.items()},
            "events": {op: {"since": event.since, "body": _fields(event.body)} for op, event in self.events.items()},
        }

    def _records(self) -> Iterator[Record]:
        yield from named(ERROR)
        for command in self.commands.values():
            for body in (command.request, command.result, command.item or NONE):
                yield from named(body)
        for event in self.events.values():
            yield from named(event.body)

    def digest(self) -> bytes:
        """SHA-256 of the canonical value's bytes."""
        return hashlib.sha256(encode(self.value())).digest()


def _scope(code: ErrorCode) -> str:
    if code in CONNECTION_ERRORS:
        return "connection"
    return "any" if code in REQUEST_ERRORS else "command"


def _fields(body: Record) -> Value:
    return [field.describe() for field in body.fields]


def _command(command: Command) -> Value:
    errors: list[Value] = [code.value for code in sorted(command.errors)]
    return {
        "since": command.since,
        "request": _fields(command.request),
        "result": _fields(command.result),
        "item": None if command.item is None else _fields(command.item),
        "errors": errors,
    }


CONTRACT: Final = Contract.of(MINOR, COMMANDS, EVENTS)
"""The contract that this runtime speaks."""
