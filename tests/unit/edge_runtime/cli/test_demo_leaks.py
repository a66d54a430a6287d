"""The search for leaks finds what is there, in every form, and nothing where nothing is."""

from __future__ import annotations

import base64
import gzip
import random
import zlib

import pytest

from edge_runtime.cli.demo.leaks import FORMS, Leak, Search, files, missed, plant
from edge_runtime.cli.demo.wire import _frames, _ReceiptWatch, recordings, unmasked

PHRASE = "Gemüse und Nüsse verträgt sie".encode()
KEY = random.Random(7).randbytes(32)
NEEDLES = {"phrase": PHRASE, "key": KEY}
NOISE = random.Random(8).randbytes(200_000)


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("needle", NEEDLES)
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_found_at_each_alignment(form: str, needle: str, shift: int):
    """A needle in any form, anywhere in a text, is found and named."""
    wrapped = FORMS[form](NEEDLES[needle]) if "utf-16" in form else FORMS[form](b"x" * shift + NEEDLES[needle] + b"yy")
    found = Search(NEEDLES).look([("place", NOISE[:5000] + wrapped + NOISE[5000:])])
    assert {leak.needle for leak in found} == {needle}
    assert {leak.place for leak in found} == {"place"}


@pytest.mark.parametrize("outer", [zlib.compress, gzip.compress])
@pytest.mark.parametrize("inner", [base64.b64encode, lambda data: data.hex().encode(), zlib.compress])
def test_forms_inside_compressed_data_are_found(outer, inner):
    """What inflates is searched like the rest, one more time inside."""
    assert Search(NEEDLES).look([("place", NOISE[:99] + outer(b"before" + inner(KEY) + b"after") + NOISE)])


def test_noise_holds_nothing():
    """Random bytes give no false alarm."""
    assert Search(NEEDLES).look([("noise", NOISE)]) == []


def test_a_blind_search_is_caught():
    """A search that does not know a needle is shown to have missed what was planted."""
    copies = {"copy": bytearray(NOISE)}
    planted = plant(copies, NEEDLES)
    whole = Search(NEEDLES).look((place, bytes(data)) for place, data in copies.items())
    blind = Search({"phrase": PHRASE}).look((place, bytes(data)) for place, data in copies.items())
    assert {one.form for one in planted} == set(FORMS)
    assert missed(planted, whole) == []
    assert {one.needle for one in missed(planted, blind)} == {"key"}


def test_a_leak_never_shows_the_secret():
    """What is reported names needle, place and form only."""
    [leak] = {*Search({"key": KEY}).look([("place", KEY)])}
    assert leak == Leak("key", "place", "raw")


def test_every_file_is_searched(tmp_path):
    """Files in folders of folders are part of the haystack."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "deep").write_bytes(KEY)
    assert Search(NEEDLES).look(files(tmp_path, "relay")) == [Leak("key", "relay/a/b/deep", "raw")]


def masked(payload: bytes, key: bytes = b"\x11\x22\x33\x44") -> bytes:
    """One WebSocket frame as a client sends it."""
    size = len(payload)
    head = bytes([0x82, 0x80 | size]) if size < 126 else bytes([0x82, 0xFE]) + size.to_bytes(2, "big")
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def test_masked_frames_are_unmasked_before_the_search(tmp_path):
    """A leak that only the WebSocket mask hides is found."""
    upgrade = b"GET /v1/sync HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    (tmp_path / "0001.up").write_bytes(upgrade + masked(b"hello") + masked(PHRASE) + masked(NOISE[:300] + KEY))
    found = Search(NEEDLES).look(recordings(tmp_path))
    assert {leak.needle for leak in found} == {"phrase", "key"}


def test_plain_http_is_not_taken_for_frames():
    """A recording without an upgrade has no frames to unmask."""
    assert unmasked(b"POST /v1/sync HTTP/1.1\r\n\r\n" + masked(KEY)) == b""


def test_a_frame_that_was_cut_off_is_left_out():
    """A recording may end anywhere."""
    data = masked(b"whole") + masked(b"cut off")[:-1]
    assert [payload for payload, _ in _frames(data)] == [b"whole"]


def test_receipts_are_seen_however_the_bytes_are_cut():
    """The watch finds a RECEIPT frame byte by byte, and nothing in other frames."""
    other = b"\x82\x06" + (2).to_bytes(4, "big") + b"\x09\xa0"
    receipt = b"\x82\x06" + (2).to_bytes(4, "big") + b"\x0a\xa0"
    watch = _ReceiptWatch()
    stream = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + other + receipt
    seen = [watch.feed(stream[at : at + 1]) for at in range(len(stream))]
    assert seen.count(True) == 1
    assert seen[-1] is True
