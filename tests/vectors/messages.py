"""Vectors for frames: a message of each type and the ways in which a frame is refused."""

from __future__ import annotations

from typing import Any

from sync_protocol.blob_messages import (
    BlobChunk,
    BlobManifest,
    BlobOffer,
    BlobRefused,
    BlobsHeld,
    BlobStored,
    BlobWant,
)
from sync_protocol.bundle_messages import BundleEnd, BundleHead
from sync_protocol.comparison_messages import Digests, Frontiers, StreamFrontier, Tags, Unknown, Want
from sync_protocol.encoding import Value, decode, encode
from sync_protocol.entries import WireEntry
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.greeting_messages import Auth, Hello, NoteProof, Ready, Welcome
from sync_protocol.ids import BlobId, EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import FRAME_BYTES_MAX
from sync_protocol.log_messages import Backed, Cursor, Growth, Have, Leaf, Page, Receipt, Resync
from sync_protocol.messages import TYPES, Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.refusal_messages import Failure, Refused
from sync_protocol.signing import Ed25519Signature
from tests.vectors.cast import NOW, NURSE_NAME, ROOT, draw
from tests.vectors.forms import outcome, to_json

HASH, ENTRY = Hash(draw("hash")), EntryHash(draw("entry"))
STREAM = StreamId(draw("stream", 16))
ONE, TWO = sorted((SessionId(draw("one", 16)), SessionId(draw("two", 16))))
BLOB = BlobId(draw("blob"))
SIGNATURE = Ed25519Signature(draw("signature", 64))
NOTE = draw("note", 30)

SAMPLES: list[Message] = [
    Hello(
        versions=(1, 2),
        organisation=ROOT.organisation,
        certificate=NURSE_NAME,
        nonce=draw("device's nonce"),
        notes=(NOTE, b"another"),
    ),
    Welcome(
        version=1,
        nonce=draw("relay's nonce"),
        record=draw("record", 40),
        signature=SIGNATURE,
        note=NOTE,
        proofs=(
            NoteProof(own=True, path=(HASH, HASH)),
            NoteProof(own=True, path=()),
            NoteProof(own=True, path=None),
            NoteProof(own=False, path=None),
        ),
    ),
    Auth(address="https://klinik-zürich.example:8443", certificates=(b"one", b"two"), signature=SIGNATURE),
    Ready(token=draw("token", 16), expires_ms=NOW),
    Ready(token=None, expires_ms=None),
    Cursor(size=0, root=HASH, sessions=(), newest=None),
    Cursor(size=2**40, root=HASH, sessions=(TWO, ONE), newest=(2**40 + 1, HASH)),
    Cursor(
        size=1,
        root=HASH,
        sessions=(ONE,),
        beyond=(StreamFrontier(stream=STREAM, heads={TWO: (300, ENTRY), ONE: (0, ENTRY)}),),
    ),
    Have(seals=((ONE, 0), (TWO, 24))),
    ProofsFrame(certificates=(b"c",), sessions=(b"s",), seals=(b"1", b"2")),
    Entries(entries=(WireEntry(header=b"header", body=b"", index=4096, path=(HASH,)),)),
    Page(note=NOTE, more=True, consistency=Growth(base=7, path=(HASH, HASH))),
    Page(note=NOTE, more=True, consistency=None),
    Page(note=None, more=False, consistency=None),
    Page(note=None, more=False, backed=Backed(statement=b"statement", consistency=Growth(base=7, path=(HASH,)))),
    Receipt(
        note=NOTE,
        leaves=(Leaf(entry=ENTRY, index=2**48 - 1, path=(HASH, HASH)),),
        consistency=Growth(base=2**48 - 1, path=(HASH,)),
    ),
    Receipt(note=NOTE, leaves=(), consistency=None),
    Refused(entry=ENTRY, code="gap", expected="das Vorgängerglied", got="eine Lücke", do="schick, was davor kommt"),
    Refused(entry=None, code="malformed", expected="", got="", do=""),
    Resync(note=NOTE),
    Frontiers(streams=(StreamFrontier(stream=STREAM, heads={TWO: (300, ENTRY), ONE: (0, ENTRY)}),), last=True),
    Want(chains=((STREAM, (ONE, 0)),)),
    Digests(digests=draw("digests", 32)),
    Tags(tags=bytes(16) + b"\x01" * 16, last=False, buckets=b"\x02"),
    Tags(tags=b"", last=True),
    Unknown(tags=b"\x01" * 16, last=True),
    Failure(code="untrusted", expected="a device of this organisation", got="another", do="ask the administrator"),
    Pack(columns=draw("columns", 40), hashes=HASH, signatures=SIGNATURE, bodies=draw("bodies", 50)),
    BlobOffer(manifests=(draw("manifest", 40), b"another")),
    BlobWant(blob=BLOB, ranges=((0, 2), (4095, 4096))),
    BlobWant(blob=BLOB, ranges=()),
    BlobManifest(manifest=draw("manifest", 40), receipt=draw("receipt", 30)),
    BlobManifest(manifest=draw("manifest", 40), receipt=None),
    BlobChunk(blob=BLOB, index=4095, data=draw("chunk", 50)),
    BlobStored(receipt=draw("receipt", 30)),
    BlobRefused(blob=BLOB, code="blob_quota", expected="weniger", got="mehr", do="später wieder"),
    BlobsHeld(blobs=(BLOB, BlobId(draw("another blob")))),
    PeerHello(versions=(1,), organisation=ROOT.organisation, certificate=NURSE_NAME, nonce=draw("a device's nonce")),
    PeerAuth(address="ws://192.0.2.5:8731", certificates=(b"envelope",), signature=SIGNATURE),
    PeerNotes(notes=(NOTE,)),
    Done(again=True),
    BundleHead(version=1, organisation=ROOT.organisation, certificates=(b"administrator", b"nurse"), made_ms=NOW),
    BundleEnd(frames=7, digest=HASH, signature=SIGNATURE),
]


def check(item: dict[str, str]) -> Message:
    """Decode one case."""
    return unpack_frame(bytes.fromhex(item["frame"]))


def framed(kind: int, payload: bytes) -> bytes:
    """Any bytes as a frame of a type."""
    return (len(payload) + 1).to_bytes(4, "big") + bytes([kind]) + payload


def case(name: str, frame: bytes) -> dict[str, Any]:
    """One case as it is written."""
    return {"name": name, "frame": frame.hex()}


def make() -> dict[str, Any]:
    """A frame of each type, what a newer version may add, and what is refused."""
    assert {type(message) for message in SAMPLES} == set(TYPES.values()), "a sample of every type"
    accepted = [case(type(message).__name__, pack_frame(message)) for message in SAMPLES]
    accepted.append(case("a key from 64 on, which is passed over", framed(4, encode({64: "newer"}))))
    refused = [
        case("no byte of a frame", b""),
        case("a length without a type", bytes(4)),
        case("a byte less than its length says", pack_frame(SAMPLES[0])[:-1]),
        case("a byte more than its length says", pack_frame(SAMPLES[0]) + b"\0"),
        case("a byte more inside", framed(4, b"\xa0\0")),
        case("a type that nobody knows", framed(127, b"\xa0")),
        case("type 0", framed(0, b"\xa0")),
        case("an unknown critical key", framed(4, encode({63: "newer"}))),
        case("a text key", framed(4, encode({"token": b"x"}))),
        case("a missing field", framed(9, encode({1: NOTE}))),
        case("1 for true", framed(9, encode({2: 1}))),
        case("null for a field that is left out", framed(4, encode({1: None}))),
        case("sessions of a frontier in another order", framed(13, _frontier([TWO, ONE]))),
        case("a session twice in a frontier", framed(13, _frontier([ONE, ONE]))),
        case("a reason over its limit", framed(15, encode({1: "x", 2: "ä" * 201, 3: "", 4: ""}))),
        case("entries over their number", framed(8, encode({1: [{}] * 513}))),
    ]
    return {
        "about": "Frames: length of type and map (4 bytes, big-endian), type, CBOR map. "
        f"A frame has at most {FRAME_BYTES_MAX} bytes.",
        "accepted": [item | _inside(item) for item in accepted],
        "refused": [item | outcome(check, item) for item in refused],
    }


def _frontier(sessions: list[SessionId]) -> bytes:
    heads: list[Value] = [[bytes(session), [number, bytes(ENTRY)]] for number, session in enumerate(sessions)]
    return encode({1: [{1: bytes(STREAM), 2: heads}], 2: True})


def _inside(item: dict[str, str]) -> dict[str, Any]:
    frame = bytes.fromhex(item["frame"])
    return {"type": frame[4], "fields": to_json(decode(frame[5:]))}
