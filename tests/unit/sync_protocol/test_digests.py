"""Digests: both sides find exactly the streams in which they do not hold the same, whatever else they hold."""

from __future__ import annotations

import random
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.comparing import Answering, Beginning, split_unknown
from sync_protocol.comparison_messages import Digests, Tags
from sync_protocol.digests import NO_TAGS, Buckets, Holding, bucket_count, bucket_of, holding, salt_of, tag_of, tips
from sync_protocol.errors import MalformedError
from sync_protocol.frames import pack_frame, split_frontiers
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import DIGEST_BUCKETS_MAX, TAG_BYTES
from sync_protocol.roles import Role
from tests.support.people import Organisation
from tests.support.shells import SyncingDevice

SALT = salt_of(b"one hello", b"the other")
SESSION, OTHER = SessionId(b"s" * 16), SessionId(b"o" * 16)
HEAD, BRANCH = EntryHash(b"h" * 32), EntryHash(b"b" * 32)


def stream(number: int) -> StreamId:
    """A stream's id."""
    return StreamId(number.to_bytes(16, "big"))


def held(seq: int, *ends: EntryHash) -> Holding:
    """What one holds of a stream: one chain, and its branches where it forks."""
    return Holding({SESSION: (seq, HEAD)}, {SESSION: ends} if ends else {})


def test_a_tag_stands_for_all_that_is_held():
    """Every chain, how far it reaches and to which entry, and the ends of a fork: a change of any of it shows."""
    variants = [
        Holding({}),
        held(1),
        held(2),
        held(1, HEAD, BRANCH),
        held(1, HEAD),
        Holding({SESSION: (1, BRANCH)}),
        Holding({OTHER: (1, HEAD)}),
        Holding({SESSION: (1, HEAD), OTHER: (1, HEAD)}),
    ]
    tags = {tag_of(salt, stream(number), one) for one in variants for number in range(2) for salt in (SALT, Hash(HEAD))}
    assert len(tags) == 4 * len(variants)
    assert {len(tag) for tag in tags} == {TAG_BYTES}


def test_a_tag_does_not_depend_on_the_order_in_which_things_came():
    """Two sides hold them in different orders."""
    one = Holding({SESSION: (1, HEAD), OTHER: (2, BRANCH)}, {SESSION: (HEAD, BRANCH), OTHER: (BRANCH,)})
    other = Holding({OTHER: (2, BRANCH), SESSION: (1, HEAD)}, {OTHER: (BRANCH,), SESSION: (BRANCH, HEAD)})
    assert tag_of(SALT, stream(1), one) == tag_of(SALT, stream(1), other)


@pytest.mark.parametrize(
    ("streams", "buckets"), [(0, 1), (15, 1), (16, 2), (8 * 1024, 1024), (10_000, 1024), (10**9, DIGEST_BUCKETS_MAX)]
)
def test_buckets_grow_with_the_streams(streams: int, buckets: int):
    """A power of two, about one for eight streams."""
    assert bucket_count(streams) == buckets


def test_both_sides_put_a_stream_into_the_same_bucket():
    """By its id alone; an empty bucket has a digest of its own."""
    one, other = ({stream(n): held(seq) for n in range(50)} for seq in (1, 2))
    digests = [Buckets(SALT, holdings, 4).digests for holdings in (one, other, {})]
    assert [len(one) for one in digests] == [4 * TAG_BYTES] * 3
    assert digests[2] == NO_TAGS * 4
    assert Buckets(SALT, one, 4).differing(digests[0]) == frozenset()
    assert Buckets(SALT, one, 4).differing(digests[1]) == frozenset(range(4))
    changed = {**one, stream(7): held(9)}
    assert Buckets(SALT, one, 4).differing(Buckets(SALT, changed, 4).digests) == {bucket_of(SALT, stream(7), 4)}


def test_the_ends_of_a_fork_are_found_in_the_store():
    """Those entries of the chain that no other follows; a chain that does not fork has none to tell of."""
    organisation = Organisation.make(71)
    device = SyncingDevice(organisation.device(Role.NURSE))
    name = stream(1)
    device.write(name, 2)
    assert holding(device.store, name).tips == {}
    twin = device.session.branch()
    device.write(name, 2)
    device.write(name, 1, session=twin)
    found = holding(device.store, name)
    assert found.frontier == device.store.frontier(name)
    assert set(found.tips) == {device.session.id}
    entries = {a.entry.hash: a.entry.header for a in device.store.arrivals(after=0, limit=10)}
    ends = set(entries) - {header.prev for header in entries.values()}
    assert set(tips(device.store, name, device.session.id)) == ends
    assert len(ends) == 2


def compared(first: dict[StreamId, Holding], second: dict[StreamId, Holding]) -> tuple[Beginning, Answering, int]:
    """A whole comparison; how many bytes it took but for the frontiers."""
    begins = Beginning(SALT, first)
    answers = Answering(SALT, begins.digests)
    said = [pack_frame(begins.digests)]
    for tags in answers.answer(second):
        said.append(pack_frame(tags))
        begins.hear(tags)
    for frontiers in split_frontiers({name: one.frontier for name, one in begins.offered.items()}):
        answers.hear(frontiers)
    for unknown in split_unknown(begins.unknown):
        said.append(pack_frame(unknown))
        answers.hear_unknown(unknown)
    for frontiers in split_frontiers({name: one.frontier for name, one in answers.offered.items()}):
        begins.hear_frontiers(frontiers)
    assert begins.heard
    return begins, answers, sum(map(len, said))


HOLDINGS = st.dictionaries(
    st.integers(0, 200).map(stream), st.builds(held, st.integers(0, 3), st.sampled_from([HEAD, BRANCH])), max_size=80
)


@given(first=HOLDINGS, second=HOLDINGS)
@settings(max_examples=150, deadline=None)
def test_exactly_what_differs_is_found(first: dict[StreamId, Holding], second: dict[StreamId, Holding]):
    """Neither side looks at a stream that is the same at both, and neither misses one that is not."""
    begins, answers, _ = compared(first, second)
    differing = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
    assert begins.offered == {name: first[name] for name in differing & first.keys()}
    assert answers.offered == {name: second[name] for name in differing & second.keys()}
    assert begins.theirs == {name: one.frontier for name, one in answers.offered.items()}
    assert answers.theirs == {name: one.frontier for name, one in begins.offered.items()}


def test_fifty_of_ten_thousand_streams_cost_little():
    """The budget of a comparison: under 45 kB beside the frontiers of what differs, half of them new to one side."""
    chance = random.Random(5)
    first = {stream(chance.getrandbits(100)): held(chance.randint(0, 9)) for _ in range(10_000)}
    second = dict(first)
    for name in chance.sample(sorted(first), 50):
        second[name] = held(11)
    _, _, used = compared(first, second)
    assert used < 45_000


def test_tags_span_frames(monkeypatch: pytest.MonkeyPatch):
    """As many as a frame has room for; only the first says which buckets differ, and only the last that it is."""
    monkeypatch.setattr("sync_protocol.comparing.TAGS_IN_FRAME", 2)
    begins, answers, _ = compared({}, {stream(n): held(1) for n in range(5)})
    assert len(begins.unknown) == len(answers.offered) == 5
    frames = list(Answering(SALT, Digests(digests=NO_TAGS)).answer({stream(n): held(1) for n in range(5)}))
    assert [(len(one.tags) // TAG_BYTES, one.last, one.buckets) for one in frames] == [
        (2, False, b"\x01"),
        (2, False, None),
        (1, True, None),
    ]


def test_a_claim_about_a_bucket_that_does_not_differ_is_refused():
    """Whoever answers looks at nothing that was the same."""
    everything = {stream(n): held(1) for n in range(64)}
    begins = Beginning(SALT, everything)
    answers = Answering(SALT, begins.digests)
    tags = list(answers.answer({**everything, stream(3): held(2)}))
    assert all(begins.hear(one) for one in tags)
    assert list(begins.offered) == [stream(3)]
    elsewhere = next(n for n in everything if bucket_of(SALT, n, 8) != bucket_of(SALT, stream(3), 8))
    (frontiers,) = split_frontiers({elsewhere: everything[elsewhere].frontier})
    with pytest.raises(MalformedError):
        answers.hear(frontiers)


@pytest.mark.parametrize(
    "frames",
    [
        [Tags(tags=b"", last=False, buckets=b"\1")],
        [Tags(tags=b"1" * 15, last=True, buckets=b"\1")],
        [Tags(tags=b"1" * 16, last=True)],
        [Tags(tags=b"1" * 16, last=False, buckets=b"\1"), Tags(tags=b"1" * 16, last=True)],
        [Tags(tags=b"1" * 16, last=False, buckets=b"\1"), Tags(tags=b"2" * 16, last=True, buckets=b"\1")],
        [Tags(tags=b"", last=True, buckets=b"\1\0")],
        [Tags(tags=b"", last=True, buckets=b"\2")],
        [Tags(tags=b"", last=True, buckets=b"\1"), Tags(tags=b"1" * 16, last=True)],
    ],
    ids=[
        "nothing",
        "half a tag",
        "no buckets",
        "twice",
        "buckets twice",
        "too many",
        "no such bucket",
        "after the last",
    ],
)
def test_tags_that_are_refused(frames: list[Tags]):
    """What could be said for ever, and what says nothing."""
    begins = Beginning(SALT, {})
    with pytest.raises(MalformedError):
        list(chain(map(begins.hear, frames)))
