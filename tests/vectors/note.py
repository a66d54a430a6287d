"""Vectors for checkpoints in signed notes."""

from __future__ import annotations

import base64
from typing import Any

from sync_protocol.checkpoints import Checkpoint, NoteKey, NoteVerifyKey, open_checkpoint, sign_checkpoint
from sync_protocol.ids import Hash
from sync_protocol.signing import SigningKey
from tests.vectors.forms import outcome

SEED = bytes(range(32))
ORIGIN = "log.example/krankenhaus-süd"
KEY = NoteKey(ORIGIN, SigningKey(SEED))
WITNESS = NoteKey("witness.example/w1", SigningKey(SEED[::-1]))
ROOT = base64.b64encode(bytes(range(32))).decode()
TEXTS = {
    "an extension line": f"{ORIGIN}\n7\n{ROOT}\nmore\n",
    "a leading zero": f"{ORIGIN}\n07\n{ROOT}\n",
    "a sign": f"{ORIGIN}\n+7\n{ROOT}\n",
    "no size": f"{ORIGIN}\n\n{ROOT}\n",
    "other digits": f"{ORIGIN}\n\u0667\n{ROOT}\n",
    "a size over the limit": f"{ORIGIN}\n{2**48}\n{ROOT}\n",
    "a root of 31 bytes": f"{ORIGIN}\n7\n{base64.b64encode(bytes(31)).decode()}\n",
    "base64 without padding": f"{ORIGIN}\n7\n{ROOT[:-1]}\n",
    "base64 with bits that are dropped": f"{ORIGIN}\n7\n{ROOT[:-2]}9=\n",
    "another origin": f"log.example/other\n7\n{ROOT}\n",
}


def make() -> dict[str, Any]:
    """Notes that open, and notes that do not."""
    checkpoints = [Checkpoint(origin=ORIGIN, size=size, root=Hash(bytes(range(32)))) for size in (0, 7, 2**48 - 1)]
    notes = {f"size {point.size}": (point, sign_checkpoint(point, KEY)) for point in checkpoints}
    point = checkpoints[1]
    good = notes["size 7"][1]
    notes["a witness signed too"] = (point, good + WITNESS.sign(point.text))
    notes["a stranger with the log's name"] = (point, good + line(ORIGIN, b"\0\0\0\0" + bytes(64)))
    bad = line(ORIGIN, KEY.public.key_id + bytes(64))
    refused = {
        "no signature": point.text + b"\n",
        "a witness alone": point.text + b"\n" + WITNESS.sign(point.text),
        "a good and a bad signature of the log": good + bad,
        "another size": good.replace(b"\n7\n", b"\n8\n"),
        "no last newline": good[:-1],
        "carriage returns": good.replace(b"\n", b"\r\n"),
        "a hyphen for the dash": good.replace("\u2014".encode(), b"-"),
        "a malformed line of a stranger": good + "\u2014 stranger !!!!\n".encode(),
        "a control character": good.replace(b"\n7\n", b"\n7\t\n"),
        "not UTF-8": good + b"\xff",
    } | {name: text.encode() + b"\n" + KEY.sign(text.encode()) for name, text in TEXTS.items()}
    return {
        "about": "C2SP signed-note (type 0x01) and tlog-checkpoint, without extension lines, origin = key name.",
        "seed": SEED.hex(),
        "key": KEY.public.text,
        "accepted": [
            {"name": name, "note": note.decode(), "origin": point.origin, "size": point.size, "root": point.root.hex()}
            for name, (point, note) in notes.items()
        ],
        "refused": [{"name": name, "note": note.hex(), **outcome(check, note)} for name, note in refused.items()],
    }


def line(name: str, blob: bytes) -> bytes:
    """A signature line by anybody."""
    return f"\u2014 {name} {base64.b64encode(blob).decode()}\n".encode()


def check(note: bytes) -> Checkpoint:
    """Open one note."""
    return open_checkpoint(note, NoteVerifyKey.parse(KEY.public.text))
