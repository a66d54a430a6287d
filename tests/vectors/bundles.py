"""Vectors for bundles: a whole file, what it holds, how files end that are not whole, and what is no bundle."""

from __future__ import annotations

from typing import Any

from sync_protocol.blob_messages import BlobChunk, BlobManifest
from sync_protocol.blob_sealing import cut, seal_chunk
from sync_protocol.blobs import Blob
from sync_protocol.bundle import BundleReader, BundleWriter, Carried, Damaged
from sync_protocol.bundle_messages import BundleHead
from sync_protocol.frames import FrameReader, pack_frame, unpack_frame
from sync_protocol.ids import Hash
from sync_protocol.intake import Proofs
from sync_protocol.messages import VERSION, Entries
from sync_protocol.records import pack
from sync_protocol.sealing import ContentKey
from sync_protocol.signing import SigningKey
from sync_protocol.steps import Take
from tests.vectors.cast import NOW, NURSE_KEY, ROOT, draw, session, wire
from tests.vectors.entries import STREAM, batches
from tests.vectors.forms import outcome

_FILE = b"a small attachment"


def head(version: int = VERSION) -> BundleHead:
    """The nurse's head."""
    chain = (wire("administrator"), wire("nurse"))
    return BundleHead(version=version, organisation=ROOT.organisation, certificates=chain, made_ms=NOW + 120_000)


def bundle(*, signer: SigningKey = NURSE_KEY, finished: bool = True) -> bytes:
    """The nurse's bundle: her session, two seals with their entries, and a file of one chunk."""
    written = bytearray()
    writer = BundleWriter(written.extend, head())
    made = batches()
    proofs = Proofs(
        certificates=(wire("administrator"), wire("nurse")),
        sessions=(session().wire,),
        seals=tuple(seal.wire for seal, _ in made),
    )
    writer.batch(proofs, [entry.wire for _, entries in made for entry in entries])
    (plain,) = cut([_FILE], file_bytes=len(_FILE))
    chunk = seal_chunk(ContentKey(draw("blob's key")), plain, index=0, count=1, nonce=bytes(24))
    blob = Blob.of(STREAM, size=len(chunk), chunks=[Hash.of(chunk)])
    writer.add(BlobManifest(manifest=blob.wire, receipt=None))
    writer.add(BlobChunk(blob=blob.id, index=0, data=chunk))
    if finished:
        writer.finish(signer)
    return bytes(written)


def case(name: str, *, start: int, stop: int, before: bytes = b"", after: bytes = b"") -> dict[str, Any]:
    """A file as it is written: a part of the whole bundle, and what stands in front of it and behind it."""
    return {"name": name, "before": before.hex(), "from": start, "to": stop, "after": after.hex()}


def of_case(item: dict[str, Any]) -> bytes:
    """The file of a case."""
    return bytes.fromhex(item["before"]) + bundle()[item["from"] : item["to"]] + bytes.fromhex(item["after"])


def check(item: dict[str, Any]) -> dict[str, Any]:
    """What a reader finds in the file of a case."""
    reader = BundleReader()
    steps = [*reader.feed(of_case(item))]
    ending, rest = reader.end()
    steps += rest
    return {
        "entries": [pack(one).hex() for step in steps if isinstance(step, Take) for one in step.entries],
        "carried": [type(step.message).__name__ for step in steps if isinstance(step, Carried)],
        "damaged": sum(isinstance(step, Damaged) for step in steps),
        "ending": ending.value,
    }


def kinds(data: bytes) -> list[str]:
    """The kinds of message in a file, in order."""
    return [type(unpack_frame(frame)).__name__ for frame in FrameReader().feed(data)]


def make() -> dict[str, Any]:
    """Files that are read as far as they go, and files that are no bundle."""
    whole, endless = bundle(), bundle(finished=False)
    size, end = len(whole), len(endless)
    other = bundle(signer=SigningKey(draw("somebody else")))[end:]
    changed = bytes([endless[-1] ^ 1]) + whole[end:]
    first = len(pack_frame(head()))
    accepted = [
        case("a whole bundle", start=0, stop=size),
        case("cut off before its end", start=0, stop=end),
        case("cut off within a frame", start=0, stop=size - 10),
        case("a bit that changed in the attachment", start=0, stop=end - 1, after=changed),
        case("an end that somebody else signed", start=0, stop=end, after=other),
        case("a byte behind the end", start=0, stop=size, after=b"\0"),
    ]
    refused = [
        case("nothing", start=0, stop=0),
        case("text", start=0, stop=0, before=b"This is a letter.\n"),
        case("no head", start=first, stop=size),
        case("a later version", start=first, stop=size, before=pack_frame(head(VERSION + 1))),
        case("entries in the head's place", start=0, stop=size, before=pack_frame(Entries(entries=()))),
    ]
    return {
        "about": "A bundle, byte for byte, whose bodies are not packed, and files of which it is a part: `before`, its "
        "bytes `from` .. `to`, `after`. For each the entries that a reader takes, how many parts are damaged, and how "
        "it ends. Nobody believes a bundle: entries are verified like others.",
        "maker": NURSE_KEY.public.hex(),
        "messages": kinds(whole),
        "bundle": whole.hex(),
        "accepted": [item | check(item) for item in accepted],
        "refused": [item | outcome(check, item) for item in refused],
    }
