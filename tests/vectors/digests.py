"""Vectors for comparisons by digests: tags, buckets, digests, which buckets differ."""

from __future__ import annotations

from typing import Any

from sync_protocol.comparing import split_tags
from sync_protocol.digests import Buckets, Holding, bucket_count, bucket_of, salt_of, tag_of
from sync_protocol.ids import EntryHash, SessionId, StreamId
from tests.vectors.cast import draw

FIRST, SECOND = b"the frame of the first hello", b"the frame that answers it"
SALT = salt_of(FIRST, SECOND)
ONE, TWO = SessionId(b"\x01" * 16), SessionId(b"\x02" * 16)
HEADS = tuple(EntryHash(draw(f"head {number}")) for number in range(3))
STREAMS = tuple(StreamId(draw(f"stream {number}", 16)) for number in range(24))
HOLDINGS = (
    Holding({}),
    Holding({ONE: (0, HEADS[0])}),
    Holding({TWO: (2**40 - 1, HEADS[1]), ONE: (24, HEADS[0])}),
    Holding({ONE: (7, HEADS[0])}, {ONE: tuple(sorted(HEADS))}),
)
BUCKETS = 4


def make() -> dict[str, Any]:
    """Inputs and what follows from them."""
    mine = {stream: HOLDINGS[number % 3] for number, stream in enumerate(STREAMS)}
    theirs = {**mine, STREAMS[5]: HOLDINGS[3]}
    buckets = Buckets(SALT, mine, BUCKETS)
    differing = buckets.differing(Buckets(SALT, theirs, BUCKETS).digests)
    (tags,) = split_tags(buckets.tags(differing), sum(1 << number for number in differing).to_bytes(1, "little"))
    return {
        "about": "Section 17.1 of docs/protocol.md. `salt` is SHA-256 over both frames. A head is session, seq, entry; "
        "tips are the ends of the branches of a chain that forks. `answer` is what a side with `streams` answers to "
        "digests that differ in the bucket of `changed` alone.",
        "salt": {"first": FIRST.hex(), "second": SECOND.hex(), "salt": SALT.hex()},
        "tags": [
            {
                "stream": STREAMS[0].hex(),
                "heads": [[name.hex(), seq, head.hex()] for name, (seq, head) in held.frontier.items()],
                "tips": {name.hex(): [tip.hex() for tip in tips] for name, tips in held.tips.items()},
                "tag": tag_of(SALT, STREAMS[0], held).hex(),
            }
            for held in HOLDINGS
        ],
        "counts": [{"streams": size, "buckets": bucket_count(size)} for size in (0, 1, 15, 16, 31, 32, 10_000, 10**6)],
        "buckets": [{"stream": stream.hex(), "bucket": bucket_of(SALT, stream, BUCKETS)} for stream in STREAMS],
        "digests": {
            "tags": [
                {"stream": stream.hex(), "tag": tag_of(SALT, stream, held).hex()} for stream, held in mine.items()
            ],
            "digests": buckets.digests.hex(),
            "empty": Buckets(SALT, {}, BUCKETS).digests.hex(),
            "changed": STREAMS[5].hex(),
            "answer": {"buckets": (tags.buckets or b"").hex(), "tags": tags.tags.hex()},
        },
    }
