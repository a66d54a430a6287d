"""The tables of `docs/bridge.md`, made from the code. `python -m tests.unit.mobile_bridge.tables` writes them anew."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from mobile_bridge import limits
from mobile_bridge.errors import CONNECTION_ERRORS, REQUEST_ERRORS, RETRYABLE, ErrorCode
from mobile_bridge.frames import FORMS, FROM_HOST, OPTIONAL_FIELDS, Frame, Kind
from mobile_bridge.schema.contract import CONTRACT, ERROR
from mobile_bridge.schema.types import Anything, Bytes, Field, Flag, Listed, Octets, Record, Text, Type, Uint, named

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "bridge.md"
_BLOCK: Final = "<!-- table: {name} -->\n{rows}\n<!-- end -->"
_FORMS: Final = {"[0-9a-f]{32}": "id", "[0-9a-f]{64}": "hash"}
_LIMITS: Final = (
    "FRAME_BYTES_MAX",
    "RESULT_BYTES_MAX",
    "RESULT_DEPTH_MAX",
    "REQUESTS_MAX",
    "CREDIT_MAX",
    "CHARTS_IN_ITEM_MAX",
    "CONNECTIONS_MAX",
    "DEADLINE_MS_MAX",
    "ID_MAX",
)


def rows(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    top = [*head]
    return "\n".join(f"| {' | '.join(line)} |" for line in (top, ["---"] * len(top), *lines))


def words_of(type_: Type) -> str:  # noqa: C901, PLR0911, PLR0912 one short case a type
    """A type in a few characters."""
    match type_:
        case Text(words=tuple() as words):
            return "one of " + ", ".join(f"`{word}`" for word in words)
        case Text(form=str() as form) if form in _FORMS:
            return _FORMS[form]
        case Text(form=str() as form):
            return f"text `{form}`"
        case Text(bytes_max=int() as most):
            return f"text, at most {most} bytes"
        case Text():
            return "text"
        case Uint():
            return "number"
        case Flag():
            return "boolean"
        case Octets(size=size):
            return f"{size} bytes"
        case Bytes():
            return "bytes"
        case Anything(where=where):
            return f"map: {where.rpartition(', ')[2]}"
        case Record(name=name):
            return f"`{name}`"
        case Listed(item=item, items_max=most):
            return f"list of {words_of(item)}" + ("" if most is None else f", at most {most}")
        case _:
            raise AssertionError(type_)


def fields_of(body: Record) -> str:
    """The fields of a body in one cell."""
    return (
        "<br>".join(f"`{field.name}`{'' if field.required else '?'}: {_cell(field)}" for field in body.fields) or "none"
    )


def _cell(field: Field) -> str:
    return words_of(field.type).replace("|", "\\|")


def frame_table() -> str:
    """The fields of a frame."""
    kinds = {
        name: ", ".join(
            f"`{kind}`" + ("?" if name in form.allowed else "")
            for kind, form in FORMS.items()
            if name in form.required | form.allowed
        )
        for name in OPTIONAL_FIELDS
    }
    found = dataclasses.fields(Frame)
    return rows(
        ("key", "field", "in"),
        ((str(one.metadata["key"]), f"`{one.name}`", kinds.get(one.name, "every kind")) for one in found),
    )


def kind_table() -> str:
    """The kinds of frames."""
    return rows(("kind", "from"), ((f"`{kind}`", "host" if kind in FROM_HOST else "runtime") for kind in Kind))


def error_table() -> str:
    """The error codes."""

    def scope(code: ErrorCode) -> str:
        if code in CONNECTION_ERRORS:
            return "the connection, and ends it"
        if code in REQUEST_ERRORS:
            return "any request"
        return ", ".join(f"`{op}`" for op, command in CONTRACT.commands.items() if code in command.errors) or (
            "`code` of `sync.status`"
        )

    return rows(
        ("code", "concerns", "retryable"),
        ((f"`{code}`", scope(code), "yes" if code in RETRYABLE else "no") for code in ErrorCode),
    )


def command_table() -> str:
    """The commands."""
    return rows(
        ("command", "since", "request", "item", "result"),
        (
            (
                f"`{op}`",
                f"1.{command.since}",
                fields_of(command.request),
                "" if command.item is None else fields_of(command.item),
                fields_of(command.result),
            )
            for op, command in CONTRACT.commands.items()
        ),
    )


def record_table() -> str:
    """The records that stand in fields."""
    found = {
        record.name: record
        for command in CONTRACT.commands.values()
        for body in (command.request, command.result, command.item or Record(()))
        for record in named(body)
    }
    return rows(("record", "fields"), ((f"`{name}`", fields_of(body)) for name, body in sorted(found.items())))


def event_table() -> str:
    """The events."""
    return rows(
        ("event", "since", "body", "meaning"),
        (
            (f"`{op}`", f"1.{event.since}", fields_of(event.body), event.meaning)
            for op, event in CONTRACT.events.items()
        ),
    )


def meaning_table() -> str:
    """What each command does."""
    return rows(("command", "does"), ((f"`{op}`", command.meaning) for op, command in CONTRACT.commands.items()))


def limit_table() -> str:
    """The limits that hosts meet."""
    return rows(("limit", "value"), ((f"`{name}`", f"{vars(limits)[name]:,}") for name in _LIMITS))


def error_body_table() -> str:
    """The body of `err`."""
    return rows(
        ("field", "holds"), ((f"`{one.name}`{'' if one.required else '?'}", _short(one)) for one in ERROR.fields)
    )


def _short(field: Field) -> str:
    return "a code of the table below" if field.name == "code" else _cell(field)


def digest_table() -> str:
    """The version and its digest."""
    return rows(("version", "digest"), [(f"1.{CONTRACT.minor}", f"`{CONTRACT.digest().hex()}`")])


TABLES: Final[dict[str, Callable[[], str]]] = {
    "digest": digest_table,
    "frame": frame_table,
    "kinds": kind_table,
    "meanings": meaning_table,
    "commands": command_table,
    "records": record_table,
    "events": event_table,
    "error body": error_body_table,
    "errors": error_table,
    "limits": limit_table,
}


def block(name: str) -> str:
    """A table with its marks."""
    return _BLOCK.format(name=name, rows=TABLES[name]())


def written(text: str) -> str:
    """A document with its tables made anew."""
    for name in TABLES:
        pattern = re.escape(f"<!-- table: {name} -->\n") + ".*?" + re.escape("<!-- end -->")
        text = re.sub(pattern, block(name).replace("\\", "\\\\"), text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
