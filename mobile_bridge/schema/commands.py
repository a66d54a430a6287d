"""The one table of commands and events: names, fields, errors, and the version that brought each.

From it come the digest in `hello`, the checks of every request, the tables in `docs/bridge.md`, and clients in other
languages. A name is never used again for something else; a field that is added is not required.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import Section
from mobile_bridge.errors import ErrorCode
from mobile_bridge.limits import (
    CHANGE_FACTS_MAX,
    CHARTS_IN_ITEM_MAX,
    HOME_CHARS_MAX,
    PASSPHRASE_BYTES_MAX,
    RELAY_BYTES_MAX,
    TEXT_BYTES_MAX,
)
from mobile_bridge.schema.types import NONE, Anything, Field, Flag, Listed, Octets, Record, Text, Uint, record

DIGEST_BYTES: Final = 32
_ID: Final = Text(form="[0-9a-f]{32}")
_HASH: Final = Text(form="[0-9a-f]{64}")
_TEXT: Final = Text()
_HOME: Final = Text(form=f"[A-Za-z0-9][A-Za-z0-9._-]{{0,{HOME_CHARS_MAX - 1}}}")
_SYNC_STATE: Final = Text(words=("off", "connecting", "online", "waiting", "failed"))
_STATE: Final = Anything("docs/bridge.md, Clinical state")
_SESSION: Final = (ErrorCode.LOCKED, ErrorCode.STORAGE, ErrorCode.DAMAGED)
_CHARTS: Final = (*_SESSION, ErrorCode.NOT_ENROLLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        op: its name.
        meaning: one line for people.
        request: the body of `req`.
        result: the body of `res`; of a stream, that of `end`.
        item: the body of each `item`; None for a command that is no stream.
        errors: codes beside the ones that may answer any request.
        since: the minor version that brought it.
    """

    op: str
    meaning: str
    request: Record = NONE
    result: Record = NONE
    item: Record | None = None
    errors: tuple[ErrorCode, ...] = ()
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a host hears without having asked, as a frame of kind `event`."""

    op: str
    meaning: str
    body: Record = NONE
    since: int = 0


_CHART_ROW: Final = record(
    Field("chart", _ID),
    Field("sealed", Flag()),
    Field("name", _TEXT, required=False),
    Field("documents", Uint()),
    Field("allergies", Uint()),
    Field("medications", Uint()),
    Field("reviews_open", Uint()),
    Field("unread", Uint()),
    name="chart_row",
)
_DOCUMENT_ROW: Final = record(
    Field("document", _ID),
    Field("version", _HASH),
    Field("workflow_type", _TEXT, required=False),
    Field("title", _TEXT, required=False),
    Field("status", _TEXT, required=False),
    Field("reviews_open", Uint()),
    Field("unread", Uint()),
    name="document_row",
)
_AUTHOR: Final = record(
    Field("user", _ID), Field("device", _ID), Field("session", _ID), Field("role", _TEXT), name="author"
)
_SECTION: Final = record(
    Field("section", _TEXT),
    Field("text", _TEXT),
    Field("complete", Flag()),
    Field("authors", Listed(_AUTHOR)),
    name="section",
)
_UNREAD: Final = record(Field("entry", _HASH), Field("why", _TEXT), name="unread")
_MEMBER: Final = record(Field("certificate", _HASH), Field("compartments", Listed(_TEXT)), name="member")
_ACTIVITY: Final = record(
    Field("kind", Text(words=("changed", "synced", "alarmed"))),
    Field("charts", Listed(_ID, CHARTS_IN_ITEM_MAX), required=False),
    Field("any_chart", Flag(), required=False),
    Field("received", Uint(), required=False),
    Field("receipted", Uint(), required=False),
    Field("pending", Uint(), required=False),
    Field("code", _TEXT, required=False),
)

COMMANDS: Final = (
    Command(
        op="hello",
        meaning="Begin: agree on a minor version, and learn what there is.",
        request=record(Field("minor", Uint(255))),
        result=record(
            Field("minor", Uint(255)),
            Field("schema", Octets(DIGEST_BYTES)),
            Field("ops", Listed(_TEXT)),
            Field("frame_bytes_max", Uint()),
            Field("result_bytes_max", Uint()),
            Field("requests_max", Uint()),
            Field("credit_max", Uint()),
        ),
    ),
    Command(
        op="session.open",
        meaning="Open this device's home; the passphrase is needed even while another host has it open.",
        request=record(Field("home", _HOME), Field("passphrase", Text(bytes_max=PASSPHRASE_BYTES_MAX))),
        result=record(
            Field("home", _TEXT),
            Field("enrolled", Flag()),
            Field("waiting", Flag()),
            Field("device", _ID, required=False),
            Field("user", _ID, required=False),
            Field("role", _TEXT, required=False),
            Field("organisation", _ID, required=False),
        ),
        errors=(
            ErrorCode.WRONG_PASSPHRASE,
            ErrorCode.NOT_FOUND,
            ErrorCode.HOME_IN_USE,
            ErrorCode.CONFLICT,
            ErrorCode.STORAGE,
            ErrorCode.DAMAGED,
            ErrorCode.UPDATE_NEEDED,
        ),
    ),
    Command(
        op="session.lock",
        meaning="Close the home for every host: streams end, sync stops, the keys are let go.",
        errors=(ErrorCode.LOCKED,),
    ),
    Command(
        op="session.close",
        meaning="Let go of the home; the last host to do so closes it. Again is nothing.",
    ),
    Command(
        op="charts.list",
        meaning="The charts on this device, one an item, in order of id.",
        item=_CHART_ROW,
        result=record(Field("charts", Uint())),
        errors=_CHARTS,
    ),
    Command(
        op="chart.open",
        meaning="What a chart adds up to, who is a member, and which documents it has.",
        request=record(Field("chart", _ID)),
        result=record(
            Field("chart", _ID),
            Field("name", _TEXT, required=False),
            Field("members", Listed(_MEMBER)),
            Field("documents", Listed(_DOCUMENT_ROW)),
            Field("state", _STATE),
        ),
        errors=(*_CHARTS, ErrorCode.NOT_FOUND, ErrorCode.NOT_ALLOWED),
    ),
    Command(
        op="document.read",
        meaning="One document: its state, its texts, and what of it cannot be shown yet.",
        request=record(Field("chart", _ID), Field("document", _ID)),
        result=record(
            Field("chart", _ID),
            Field("document", _ID),
            Field("version", _HASH),
            Field("sections", Listed(_SECTION)),
            Field("unread", Listed(_UNREAD)),
            Field("state", _STATE),
        ),
        errors=(*_CHARTS, ErrorCode.NOT_FOUND, ErrorCode.NOT_ALLOWED),
    ),
    Command(
        op="document.change",
        meaning="State facts, or make a section read a text. Recorded durably, whole, before it is answered.",
        request=record(
            Field("chart", _ID),
            Field("document", _ID),
            Field("base", _HASH, required=False),
            Field("facts", Listed(Anything("docs/bridge.md, Facts"), CHANGE_FACTS_MAX), required=False),
            Field("section", Text(words=tuple(section.value for section in Section)), required=False),
            Field("text", Text(bytes_max=TEXT_BYTES_MAX), required=False),
        ),
        result=record(
            Field("entries", Listed(_HASH)),
            Field("confirm", Listed(_TEXT)),
            Field("version", _HASH),
        ),
        errors=(
            *_CHARTS,
            ErrorCode.NOT_FOUND,
            ErrorCode.NOT_ALLOWED,
            ErrorCode.INVALID_CHANGE,
            ErrorCode.CONFLICT,
            ErrorCode.LIMIT,
        ),
    ),
    Command(
        op="events.subscribe",
        meaning="What happens on this device from now on: that something changed, never what.",
        item=_ACTIVITY,
        errors=_SESSION,
    ),
    Command(
        op="sync.start",
        meaning="Stay connected to the relay, and come back after every interruption. Again is nothing.",
        request=record(Field("relay", Text(bytes_max=RELAY_BYTES_MAX), required=False)),
        result=record(Field("state", _SYNC_STATE)),
        errors=(*_CHARTS, ErrorCode.NO_RELAY, ErrorCode.INVALID_CHANGE),
    ),
    Command(
        op="sync.stop",
        meaning="End the connection to the relay; nothing is lost. Again is nothing.",
        result=record(Field("state", _SYNC_STATE)),
        errors=(ErrorCode.LOCKED,),
    ),
    Command(
        op="sync.status",
        meaning="What is on this device only, what is at the relay, and how the connection stands.",
        result=record(
            Field("state", _SYNC_STATE),
            Field("code", _TEXT, required=False),
            Field("retry_in_ms", Uint(), required=False),
            Field("pending", Uint()),
            Field("receipted", Uint()),
            Field("refused", Uint()),
            Field("oldest_pending_ms", Uint(), required=False),
            Field("alarm", _TEXT, required=False),
        ),
        errors=_SESSION,
    ),
)

EVENTS: Final = (Event(op="session.locked", meaning="The home was closed by `session.lock`, by this host or another."),)
