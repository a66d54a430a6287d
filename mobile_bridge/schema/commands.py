"""The one table of commands and events: names, fields, errors, and the version that brought each.

From it come the digest in `hello`, the checks of every request, the tables in `docs/bridge.md`, and clients in other
languages. A name is never used again for something else; a field that is added is not required.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.layout import Section
from edge_runtime.shared_device.locking import PROFILES_MAX, Reason, State
from mobile_bridge.errors import ErrorCode
from mobile_bridge.limits import (
    CHANGE_FACTS_MAX,
    CHARTS_IN_ITEM_MAX,
    HOME_CHARS_MAX,
    PASSPHRASE_BYTES_MAX,
    PIN_BYTES_MAX,
    RELAY_BYTES_MAX,
    TEXT_BYTES_MAX,
)
from mobile_bridge.schema.ai_commands import AI_COMMANDS
from mobile_bridge.schema.command import Command, Event
from mobile_bridge.schema.types import Anything, Field, Flag, Listed, Octets, Text, Uint, record

DIGEST_BYTES: Final = 32
LOCKING: Final = 1
"""The minor version that brought users, PINs and the automatic lock."""
STATES: Final = 1
"""The minor version that tells apart who has what is written."""
VIEWS: Final = 1
"""The minor version that brought disputed texts."""
_ID: Final = Text(form="[0-9a-f]{32}")
_HASH: Final = Text(form="[0-9a-f]{64}")
_TEXT: Final = Text()
_HOME: Final = Text(form=f"[A-Za-z0-9][A-Za-z0-9._-]{{0,{HOME_CHARS_MAX - 1}}}")
_PASSPHRASE: Final = Text(bytes_max=PASSPHRASE_BYTES_MAX)
_PIN: Final = Text(bytes_max=PIN_BYTES_MAX)
_SYNC_STATE: Final = Text(words=("off", "connecting", "online", "waiting", "failed"))
_STATE: Final = Anything("docs/bridge.md, Clinical state")
_SESSION: Final = (ErrorCode.LOCKED, ErrorCode.STORAGE, ErrorCode.DAMAGED)
_CHARTS: Final = (*_SESSION, ErrorCode.NOT_ENROLLED)
_BACK: Final = (ErrorCode.WRONG_PIN, ErrorCode.PASSPHRASE_NEEDED, ErrorCode.STORAGE, ErrorCode.DAMAGED)


_WHO: Final = record(
    Field("home", _TEXT),
    Field("enrolled", Flag()),
    Field("waiting", Flag()),
    Field("device", _ID, required=False),
    Field("user", _ID, required=False),
    Field("role", _TEXT, required=False),
    Field("organisation", _ID, required=False),
)
_PROFILE: Final = record(
    Field("home", _TEXT),
    Field("label", _TEXT),
    Field("state", Text(words=tuple(state.value for state in State))),
    name="profile",
)
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
_VIEW: Final = record(
    Field("head", _HASH),
    Field("text", _TEXT),
    Field("author", _AUTHOR),
    Field("authors", Listed(_AUTHOR)),
    Field("wall_ms", Uint()),
    Field("reasons", Listed(_TEXT)),
    name="view",
)
_SECTION: Final = record(
    Field("section", _TEXT),
    Field("text", _TEXT),
    Field("complete", Flag()),
    Field("authors", Listed(_AUTHOR)),
    Field("disputed", Flag(), required=False, since=VIEWS),
    Field("views", Listed(_VIEW), required=False, since=VIEWS),
    Field("more_views", Uint(), required=False, since=VIEWS),
    Field("merged_lines", Listed(_TEXT), required=False, since=VIEWS),
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
        request=record(Field("home", _HOME), Field("passphrase", _PASSPHRASE)),
        result=_WHO,
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
        meaning="Lock the home for every host: streams end, keys are let go; without a PIN it is closed.",
        errors=(ErrorCode.LOCKED,),
    ),
    Command(
        op="session.close",
        meaning="Let go of the home; the last host to do so closes it. Again is nothing.",
    ),
    Command(
        op="session.pin",
        meaning="Set the PIN that brings this home back after a lock, for as long as the device holds it.",
        request=record(Field("pin", _PIN), Field("passphrase", _PASSPHRASE)),
        errors=(*_SESSION, ErrorCode.WRONG_PASSPHRASE),
        since=LOCKING,
    ),
    Command(
        op="session.touch",
        meaning="Somebody is at the screen: the time until the device locks by itself begins anew.",
        errors=(ErrorCode.LOCKED,),
        since=LOCKING,
    ),
    Command(
        op="session.reopen",
        meaning="Bring a locked home back by its PIN; for a host that gave its passphrase before.",
        request=record(Field("home", _HOME), Field("pin", _PIN)),
        result=_WHO,
        errors=(*_BACK, ErrorCode.CONFLICT),
        since=LOCKING,
    ),
    Command(
        op="session.switch",
        meaning="Another person takes over: lock the home in front, then open another by its PIN or its passphrase.",
        request=record(
            Field("home", _HOME),
            Field("pin", _PIN, required=False),
            Field("passphrase", _PASSPHRASE, required=False),
        ),
        result=_WHO,
        errors=(
            *_BACK,
            ErrorCode.LOCKED,
            ErrorCode.WRONG_PASSPHRASE,
            ErrorCode.NOT_FOUND,
            ErrorCode.HOME_IN_USE,
            ErrorCode.UPDATE_NEEDED,
        ),
        since=LOCKING,
    ),
    Command(
        op="profiles.list",
        meaning="Whose homes are on this device, by the labels that they chose; before anything is open, too.",
        result=record(Field("profiles", Listed(_PROFILE, PROFILES_MAX))),
        since=LOCKING,
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
        meaning="What waits, what others have, what is in the relay's backup, and how the connection stands.",
        result=record(
            Field("state", _SYNC_STATE),
            Field("code", _TEXT, required=False),
            Field("retry_in_ms", Uint(), required=False),
            Field("pending", Uint()),
            Field("receipted", Uint()),
            Field("refused", Uint()),
            Field("oldest_pending_ms", Uint(), required=False),
            Field("alarm", _TEXT, required=False),
            Field("at_peer", Uint(), required=False, since=STATES),
            Field("safe", Uint(), required=False, since=STATES),
            Field("held", Uint(), required=False, since=STATES),
        ),
        errors=_SESSION,
    ),
    *AI_COMMANDS,
)

EVENTS: Final = (
    Event(
        op="session.locked",
        meaning="A home that this host had open was locked, or one that it might reopen was closed.",
        body=record(
            Field("home", _TEXT, required=False, since=LOCKING),
            Field("reason", Text(words=tuple(reason.value for reason in Reason)), required=False, since=LOCKING),
            Field("pin", Flag(), required=False, since=LOCKING),
        ),
    ),
)
