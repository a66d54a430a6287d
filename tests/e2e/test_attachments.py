"""Attachments between two devices through a real relay: cut in the middle both ways, and nowhere in the clear."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.connections import Connections
from edge_runtime.errors import RemoteError
from edge_runtime.transports.link import Link
from sync_protocol.blob_messages import BlobChunk
from sync_protocol.frames import unpack_frame
from sync_protocol.limits import BLOB_ASKED_MAX
from tests.e2e.test_device_admin import Fieldward, FoundedRelay, enrol, fixture_fieldward, fixture_relay
from tests.e2e.test_meeting import Ward

__all__ = ["fixture_fieldward", "fixture_relay"]
MARK = b"%PDF-1.7 wound of the left hand"
NAME = "ana-lima-left-hand.pdf"
PIECES = 46
"""Of 3,000,000 bytes, padded."""
TITLE = "Left hand, second day"


class CutLink:
    """A link that ends after so many chunks of blobs went through, in either direction."""

    def __init__(self, link: Link, line: Line) -> None:
        self._link = link
        self._line = line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def send(self, frame: bytes) -> None:
        """Send, if there are chunks left."""
        self._line.count(frame)
        self._link.send(frame)

    def receive(self, *, timeout_s: float) -> bytes | None:
        """Receive, if there are chunks left."""
        frame = self._link.receive(timeout_s=timeout_s)
        if frame is not None:
            self._line.count(frame)
        return frame


class Line:
    """What every connection goes over.

    Attributes:
        left: chunks before the next cut; None for none.
        chunks: how often each went through.
    """

    def __init__(self) -> None:
        self.left: int | None = None
        self.chunks: list[int] = []

    def count(self, frame: bytes) -> None:
        """Look at a frame that goes through."""
        if frame[4] != 23:
            return
        if self.left == 0:
            self.left = None
            raise RemoteError("relay_unreachable", expected="a relay", got="a cut", do="sync again")
        message = unpack_frame(frame)
        assert isinstance(message, BlobChunk)
        self.chunks.append(message.index)
        self.left = None if self.left is None else self.left - 1

    def cut_after(self, chunks: int) -> None:
        """Cut once, and count from here."""
        self.left, self.chunks = chunks, []


@pytest.fixture(name="line")
def fixture_line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """Every connection over WebSocket goes over it."""
    line = Line()
    dial: Callable[..., Link] = Connections.dial

    def cut(self: Connections, address: str, *, over_http: bool) -> Link:
        link = dial(self, address, over_http=over_http)
        return link if over_http else CutLink(link, line)

    monkeypatch.setattr(Connections, "dial", cut)
    return line


@pytest.fixture(name="chart")
def fixture_chart(fieldward: Fieldward, relay: FoundedRelay) -> str:
    """A chart on a physician's tablet, shared with a nurse's phone."""
    enrol(fieldward, relay, "tablet", "--role", "physician")
    phone = enrol(fieldward, relay, "phone", "--role", "nurse")
    fieldward("sync", "once", "--home", "tablet")
    chart = fieldward("chart", "create", "--home", "tablet", "--name", "Ana Lima")["chart"]
    fieldward("chart", "share", chart, "--device", phone, "--home", "tablet")
    return str(chart)


def a_file(path: str, size: int) -> bytes:
    """A file of bytes that repeat nowhere, with a phrase to look for."""
    data = MARK + random.Random(size).randbytes(size - len(MARK))
    Path(path).write_bytes(data)
    return data


def nowhere(folder: Path, *needles: bytes) -> None:
    """No file below a folder holds any of them, in its content or its name."""
    for path in folder.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        for needle in needles:
            assert needle not in held, path
            assert needle not in str(path.relative_to(folder)).encode()


def only(fieldward: Fieldward, home: str, chart: str) -> dict[str, Any]:
    """The one attachment of a chart, as a home lists it."""
    (found,) = fieldward("chart", "attachments", chart, "--home", home)["attachments"]
    return dict(found)


def test_a_file_travels_through_cuts_both_ways(fieldward: Fieldward, chart: str, line: Line):
    """Cut in the middle of the upload and of the download, it goes on where it was: no chunk goes twice.

    Until the relay's receipt the device says that it is there only. A long file comes once it is asked for. Neither
    the relay's home nor the devices' hold a byte of it, or its name, in the clear.
    """
    data = a_file(NAME, 3_000_000)
    attached = fieldward("chart", "attach", chart, NAME, "--title", TITLE, "--home", "tablet")
    assert (only(fieldward, "tablet", chart)["state"], attached["bytes"]) == ("this_device_only", len(data))

    line.cut_after(20)
    fieldward("sync", "once", "--home", "tablet", "--attempts", "1", code=1)
    sent = list(line.chunks)
    assert only(fieldward, "tablet", chart)["state"] == "this_device_only"
    line.cut_after(1000)
    fieldward("sync", "once", "--home", "tablet")
    assert len(sent) == 20
    assert PIECES - 20 <= len(line.chunks) <= PIECES - BLOB_ASKED_MAX  # what was on the way is asked for again, at most
    assert only(fieldward, "tablet", chart)["state"] == "at_the_relay"

    line.cut_after(1000)
    fieldward("sync", "once", "--home", "phone")
    assert (line.chunks, only(fieldward, "phone", chart)["here"]) == ([], False)
    save = ("chart", "save-attachment", chart, attached["attachment"][:8], "--out", "out.pdf", "--home", "phone")
    assert fieldward(*save, code=1)["error"]["code"] == "attachment_not_here"
    line.cut_after(20)
    fieldward("sync", "once", "--home", "phone", "--attempts", "1", code=1)
    line.cut_after(1000)
    fieldward("sync", "once", "--home", "phone")
    assert len(line.chunks) == PIECES - 20
    listed = only(fieldward, "phone", chart)
    assert (listed["here"], listed["name"], listed["title"]) == (True, NAME, TITLE)
    fieldward(*save)
    assert Path("out.pdf").read_bytes() == data
    assert fieldward(*save, code=1)["error"]["code"] == "out_file"
    for home in ("relay", "tablet", "phone"):
        nowhere(Path(home), MARK, NAME.encode(), TITLE.encode())
        assert home == "relay" or fieldward("doctor", "--home", home)["ok"]
    shown = fieldward("chart", "show", chart, "--home", "phone")
    assert shown["attachments"][0]["name"] == NAME


def test_a_small_file_comes_by_itself_over_plain_requests(fieldward: Fieldward, chart: str):
    """Over HTTP alone both ways; a policy of none fetches nothing until it is asked for."""
    data = a_file("scan.png", 200_000)
    fieldward("chart", "attach", chart, "scan.png", "--home", "tablet")
    fieldward("sync", "once", "--http", "--home", "tablet")
    fieldward("sync", "policy", "--attachments", "none", "--home", "phone")
    fieldward("sync", "once", "--http", "--home", "phone")
    assert not only(fieldward, "phone", chart)["here"]
    fieldward("sync", "policy", "--attachments", "small", "--home", "phone")
    fieldward("sync", "once", "--http", "--home", "phone")
    listed = only(fieldward, "phone", chart)
    assert (listed["here"], listed["state"], listed["media_type"]) == (True, "at_the_relay", "image/png")
    fieldward("chart", "save-attachment", chart, listed["attachment"], "--out", "again.png", "--home", "phone")
    assert Path("again.png").read_bytes() == data


def test_a_lost_phones_photograph_lives_on_in_the_kit_that_it_met(tmp_path: Path):
    """Without a relay a phone hands a photograph to a kit and is destroyed; the kit brings it up, a tablet reads it."""
    ward = Ward(tmp_path)
    try:
        for name, role in (("phone", "physician"), ("kit", "emergency_responder"), ("tablet", "nurse")):
            ward.enrol(name, role)
        for name in ward.devices:
            ward.sync(name)
        ward.stop_relay()
        chart = ward.json("chart", "create", "--home", "phone", "--name", "Ana Lima")["chart"]
        for name in ("kit", "tablet"):
            ward.json("chart", "share", chart, "--device", ward.devices[name], "--home", "phone")
        data = MARK + random.Random(1).randbytes(1_200_000)
        (tmp_path / NAME).write_bytes(data)
        made = ward.json("chart", "attach", chart, NAME, "--home", "phone")
        _, answered = ward.meet("phone", "kit")
        assert answered["attachments"] == {"fetched": 1}
        shutil.rmtree(tmp_path / "phone")
        ward.start_relay()
        assert ward.sync("kit")["attachments"]["receipted"] == 1
        assert ward.sync("tablet")["attachments"]["fetched"] == 1
        save = ("chart", "save-attachment", chart, made["attachment"], "--out", "out.pdf", "--home", "tablet")
        ward.json(*save)
        assert (tmp_path / "out.pdf").read_bytes() == data
        told = ward.json("server", "status", "--home", "relay")
        assert told["attachments"]["whole"] == 1
        for home in ("kit", "tablet", "relay"):
            nowhere(tmp_path / home, MARK, NAME.encode())
    finally:
        ward.stop_relay()
