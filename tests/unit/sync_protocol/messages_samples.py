"""One message of each type, for the tests that go through all of them."""

from __future__ import annotations

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
from sync_protocol.entries import WireEntry
from sync_protocol.greeting_messages import Auth, Hello, NoteProof, Ready, Welcome
from sync_protocol.ids import BlobId, CertificateHash, EntryHash, Hash, OrganisationId, SessionId, StreamId
from sync_protocol.log_messages import Backed, Cursor, Growth, Have, Leaf, Page, Receipt, Resync
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.peer_messages import Done, PeerAuth, PeerHello, PeerNotes
from sync_protocol.refusal_messages import Failure, Refused
from sync_protocol.signing import Ed25519Signature

HASH = Hash(b"h" * 32)
ENTRY = EntryHash(b"e" * 32)
BLOB = BlobId(b"b" * 32)
SESSION = SessionId(b"s" * 16)
STREAM = StreamId(b"t" * 16)
SIGNATURE = Ed25519Signature(b"g" * 64)

PROOF = NoteProof(own=True, path=(HASH,))
GROWTH = Growth(base=2, path=(HASH,))

SAMPLES: list[Message] = [
    Hello(
        versions=(1,),
        organisation=OrganisationId(b"o" * 16),
        certificate=CertificateHash(b"c" * 32),
        nonce=b"n" * 32,
        notes=(b"note",),
    ),
    Welcome(version=1, nonce=b"n" * 32, record=b"record", signature=SIGNATURE, note=b"note", proofs=(PROOF,)),
    Auth(address="https://relay.example:443", certificates=(b"one", b"two"), signature=SIGNATURE),
    Ready(token=b"token", expires_ms=7),
    Cursor(
        size=3,
        root=HASH,
        sessions=(SESSION,),
        newest=(5, HASH),
        beyond=(StreamFrontier(stream=STREAM, heads={SESSION: (4, ENTRY)}),),
    ),
    Have(seals=((SESSION, 4),)),
    ProofsFrame(certificates=(b"c",), sessions=(b"s",), seals=(b"1", b"2")),
    Entries(entries=(WireEntry(header=b"header", body=b"", index=0, path=(HASH,)),)),
    Page(note=b"note", more=True, consistency=GROWTH, backed=Backed(statement=b"statement", consistency=GROWTH)),
    Receipt(note=b"note", leaves=(Leaf(entry=ENTRY, index=2, path=(HASH, HASH)),), consistency=GROWTH),
    Refused(entry=ENTRY, code="gap", expected="what", got="this", do="that"),
    Resync(note=b"note"),
    Frontiers(streams=(StreamFrontier(stream=STREAM, heads={SESSION: (4, ENTRY)}),), last=True),
    Want(chains=((STREAM, (SESSION, 0)),)),
    Failure(code="forged", expected="a signature", got="none", do="ask"),
    Digests(digests=b"d" * 32),
    Tags(tags=b"a" * 16 + b"b" * 16, last=True, buckets=b"\x03"),
    Unknown(tags=b"b" * 16, last=True),
    Pack(columns=b"columns", hashes=b"h" * 32, signatures=b"g" * 64, bodies=b"body"),
    BlobOffer(manifests=(b"one", b"two")),
    BlobWant(blob=BLOB, ranges=((0, 2), (5, 6))),
    BlobManifest(manifest=b"manifest", receipt=b"receipt"),
    BlobChunk(blob=BLOB, index=3, data=b"sealed"),
    BlobStored(receipt=b"receipt"),
    BlobRefused(blob=BLOB, code="blob_quota", expected="what", got="this", do="that"),
    BlobsHeld(blobs=(BLOB,)),
    PeerHello(
        versions=(1,), organisation=OrganisationId(b"o" * 16), certificate=CertificateHash(b"c" * 32), nonce=b"n" * 32
    ),
    PeerAuth(address="ws://192.0.2.5:8731", certificates=(b"one", b"two"), signature=SIGNATURE),
    PeerNotes(notes=(b"note",)),
    Done(again=True),
    BundleHead(version=1, organisation=OrganisationId(b"o" * 16), certificates=(b"one", b"two"), made_ms=7),
    BundleEnd(frames=3, digest=HASH, signature=SIGNATURE),
]
