"""The vectors of comparisons by digests, as a second implementation would read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from sync_protocol.comparing import Answering
from sync_protocol.comparison_messages import Digests
from sync_protocol.digests import Buckets, Holding, bucket_count, bucket_of, salt_of, tag_of
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from tests.vectors.digests import BUCKETS, HOLDINGS, STREAMS

VECTORS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "digests.json").read_text(encoding="utf-8")
)
SALT: Final = Hash(bytes.fromhex(VECTORS["salt"]["salt"]))


def test_the_salt_is_of_both_hellos():
    """In the order in which they were said."""
    first, second = (bytes.fromhex(VECTORS["salt"][name]) for name in ("first", "second"))
    assert salt_of(first, second) == SALT
    assert salt_of(second, first) != SALT


def test_tags_follow_from_what_is_held():
    """An empty stream, one chain, two, and a fork."""
    for case in VECTORS["tags"]:
        heads = {SessionId.parse(name): (seq, EntryHash.parse(head)) for name, seq, head in case["heads"]}
        tips = {SessionId.parse(name): tuple(map(EntryHash.parse, ends)) for name, ends in case["tips"].items()}
        assert tag_of(SALT, StreamId.parse(case["stream"]), Holding(heads, tips)).hex() == case["tag"]


def test_streams_fall_into_buckets():
    """How many there are, and which is whose."""
    assert all(bucket_count(case["streams"]) == case["buckets"] for case in VECTORS["counts"])
    cases = VECTORS["buckets"]
    assert all(bucket_of(SALT, StreamId.parse(case["stream"]), BUCKETS) == case["bucket"] for case in cases)


def test_digests_and_the_answer_to_others():
    """Which buckets differ, and the tags in them."""
    case = VECTORS["digests"]
    mine = {stream: HOLDINGS[number % 3] for number, stream in enumerate(STREAMS)}
    assert Buckets(SALT, mine, BUCKETS).digests.hex() == case["digests"]
    assert Buckets(SALT, {}, BUCKETS).digests.hex() == case["empty"]
    theirs = {**mine, StreamId.parse(case["changed"]): HOLDINGS[3]}
    (tags,) = Answering(SALT, Digests(digests=Buckets(SALT, theirs, BUCKETS).digests)).answer(mine)
    assert {"buckets": (tags.buckets or b"").hex(), "tags": tags.tags.hex()} == case["answer"]
