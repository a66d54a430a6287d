"""Vectors for the relay's word for its backup: signed statements that hold, and ones that do not."""

from __future__ import annotations

from typing import Any

from sync_protocol.backed_up import BackedUp, open_backed_up, sign_backed_up
from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.limits import LOG_SIZE_MAX, WALL_MS_MAX
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.records import pack
from sync_protocol.signing import SigningKey, VerifyKey
from tests.vectors.cast import NOW, NURSE_KEY, RELAY_KEY, draw, single, with_keys
from tests.vectors.forms import outcome

SAID = BackedUp(size=48_210, root=Hash(draw("log's root")), made_ms=NOW + 5, blobs_through=12)
STATEMENTS = {
    "a backup of a log": SAID,
    "a backup of an empty log": BackedUp(size=0, root=Hash(EMPTY_ROOT), made_ms=NOW, blobs_through=0),
    "the greatest numbers": BackedUp(
        size=LOG_SIZE_MAX, root=Hash(draw("log's root")), made_ms=WALL_MS_MAX, blobs_through=LOG_SIZE_MAX
    ),
}


def case(name: str, statement: bytes, *, relay: SigningKey = RELAY_KEY) -> dict[str, Any]:
    """A statement as it is written, and the key of the relay that is said to have made it."""
    return {"name": name, "statement": statement.hex(), "relay": relay.public.hex()}


def signed(said: BackedUp) -> bytes:
    """The relay's statement."""
    return sign_backed_up(said, RELAY_KEY).wire


def told(said: BackedUp) -> dict[str, Any]:
    """What a statement says; numbers as text, for some readers know no large ones."""
    return {
        "size": str(said.size),
        "root": said.root.hex(),
        "made_ms": str(said.made_ms),
        "blobs_through": str(said.blobs_through),
    }


def check(item: dict[str, Any]) -> BackedUp:
    """Open one statement."""
    relay = VerifyKey(bytes.fromhex(item["relay"]))
    return open_backed_up(bytes.fromhex(item["statement"]), relay).value


def make() -> dict[str, Any]:
    """Statements that hold, and ones that are refused."""
    good = signed(SAID)
    payload = pack(SAID)
    refused = [
        case("another relay's key", good, relay=NURSE_KEY),
        case("another label", single(payload, RELAY_KEY, Label.BLOB_RECEIPT)),
        case("signed by a device", single(payload, NURSE_KEY, Label.BACKED_UP)),
        case("an unknown critical key", single(with_keys(payload, _32=0), RELAY_KEY, Label.BACKED_UP)),
        case("a size over the limit", single(with_keys(payload, _1=LOG_SIZE_MAX + 1), RELAY_KEY, Label.BACKED_UP)),
        case("a root that is cut off", single(with_keys(payload, _2=bytes(31)), RELAY_KEY, Label.BACKED_UP)),
        case("a byte behind it", good + b"\0"),
    ]
    return {
        "about": "The relay's signed word for what of its log a backup holds: BackedUp in an envelope, under the label "
        "BACKED_UP.",
        "accepted": [case(name, signed(said)) | told(said) for name, said in STATEMENTS.items()],
        "refused": [item | outcome(check, item) for item in refused],
    }
