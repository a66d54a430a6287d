"""What the cold start benchmark starts from: a chart of text that two devices are members of, and its packs in a file.

One device writes; everything that it has travels to the other in packs, as a relay's backlog does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pycrdt import Doc, Text

from benchmarks.devices import Practice
from edge_runtime.clinical.layout import Section, WorkflowType
from edge_runtime.facts import Content, TextUpdate
from edge_runtime.runtime import Runtime, entropy
from edge_runtime.sections import text_doc_id
from edge_runtime.sync.intake import Receiver
from edge_runtime.sync.proofs import ProofBook
from edge_runtime.text.changes import ROOT
from edge_runtime.text.draft import client_id
from sync_protocol.entries import Draft, seal_batch, with_body
from sync_protocol.frames import FrameReader, pack_frame, unpack_frame
from sync_protocol.ids import ChartId, DocumentId, EntryHash, SealHash
from sync_protocol.intake import Proofs
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.pack_reading import read_pack
from sync_protocol.packs import split_packs
from sync_protocol.records import pack
from sync_protocol.roles import Compartment

SEALED: Final = 100
"""Entries under one seal."""
TEXT_MAX: Final = 10_000
"""Changes of the text; a longer chart goes on with bodies of the same length that are none."""
_CHUNK_BYTES: Final = 1 << 20
_TYPED_BACK: Final = 400
"""Characters from the end among which somebody types."""
_TAKEN_AWAY: Final = 0.1
_WORDS: Final = ("stable", "overnight", "no fever", "500 mg", "nach Rücksprache", "\n", "wound dry")


@dataclass(frozen=True, slots=True)
class Start:
    """What a device starts from.

    Attributes:
        chart, document: the chart, and the document whose text was written.
        packs: the file: frames, one after the other.
        updates: the text's, each after its length in four bytes.
        text: that comes out.
    """

    chart: ChartId
    document: DocumentId
    packs: Path
    updates: Path
    text: str


def write_chart(clinic: Practice, writer: Runtime, reader: Runtime, folder: Path, entries: int) -> Start:
    """Write the chart and its packs."""
    carry(clinic.administrator, writer)
    chart, (_, document) = writer.charts.create((), workflow=WorkflowType.ENCOUNTER)
    writer.charts.share(chart, str(reader.identity.certificate.device))
    changes = min(entries, TEXT_MAX)
    doc = text_doc_id(document, Compartment.CLINICAL, Section.PLAN)
    updates, text = _type(client_id(writer.identity.session.value.session, doc), changes)
    for start in range(0, changes, SEALED):
        batch = writer.recorder.begin()
        for update in updates[start : start + SEALED]:
            content = Content(facts=None, text=TextUpdate(section=Section.PLAN, update=update))
            name = batch.content(chart, document, Compartment.CLINICAL, content)
        writer.recorder.write(batch)
    packs, raw = folder / "chart.packs", folder / "chart.updates"
    with packs.open("wb") as file:
        for one in packs_of(writer):
            file.write(pack_frame(one))
        for one in _more(writer, name, entries - changes):
            file.write(pack_frame(one))
    raw.write_bytes(b"".join(len(update).to_bytes(4, "big") + update for update in updates))
    return Start(chart, document, packs, raw, text)


def packs_of(device: Runtime) -> Iterator[Pack]:
    """Everything on a device, in the order in which it came, page by page."""
    book, at = ProofBook(device.store, device.identity.trust), 0
    while page := device.store.arrivals(after=at, limit=BATCH_ENTRIES_MAX):
        proofs = book.proofs(arrived.entry for arrived in page)
        yield from split_packs(proofs, [PackedEntry.of(item.entry.wire, item.entry.header) for item in page])
        at = page[-1].index + 1


def _more(device: Runtime, name: EntryHash, count: int) -> Iterator[Pack]:
    """So many further entries of the same chain in packs, with bodies that nobody can open: loading does not."""
    last, signer, session = device.store.entry(name), device.identity.keys.signer, device.identity.session.value
    before = device.store.last_seal(session.session)
    assert last is not None, "it was just written"
    assert before is not None, "it has a seal"
    header, body, seal = last.entry.header, last.entry.body, before
    for start in range(0, count, SEALED):
        drafts: list[Draft] = []
        for _ in range(min(SEALED, count - start)):
            head = EntryHash.of(pack(header))
            following = replace(
                header, seq=header.seq + 1, prev=head, lamport=header.lamport + 1, seal=seal.value.number + 1
            )
            drafts.append(with_body(following, entropy(len(body))))
            header = drafts[-1].header
        number, previous = seal.value.number + 1, SealHash(seal.hash)
        seal, entries = seal_batch(drafts, session=session, number=number, previous=previous, signer=signer)
        yield from split_packs(Proofs(seals=(seal.wire,)), [PackedEntry.of(one.wire, one.header) for one in entries])


def frames_of(path: Path) -> Iterator[Pack]:
    """The packs of a file, read as they are needed."""
    reader = FrameReader()
    with path.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            for frame in reader.feed(data):
                message = unpack_frame(frame)
                assert isinstance(message, Pack), "the file has nothing else"
                yield message
    reader.end()


def receiver(device: Runtime) -> Receiver:
    """What takes in what a relay feeds."""
    return Receiver(device.store, device.identity, device.keyring)


def carry(source: Runtime, target: Runtime) -> None:
    """Bring everything that one device has to another."""
    taking = receiver(target)
    for one in packs_of(source):
        proofs, wires = read_pack(one)
        assert not taking.take(proofs, wires).refused, "what a device wrote is sound"


def _type(client: int, changes: int) -> tuple[list[bytes], str]:
    """Somebody types into one text: words where they are, a little back, and now and then some letters go."""
    draw, doc = random.Random(7), Doc[Text](client_id=client)
    text, now = doc.get(ROOT, type=Text), ""
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for _ in range(changes):
        at = draw.randint(max(0, len(now) - _TYPED_BACK), len(now))
        start = len(now[:at].encode())  # the engine counts bytes
        if len(now) > _TYPED_BACK and draw.random() < _TAKEN_AWAY and at < len(now):
            del text[start : start + len(now[at].encode())]
            now = now[:at] + now[at + 1 :]
        else:
            word = " " + draw.choice(_WORDS)
            text.insert(start, word)
            now = now[:at] + word + now[at:]
    doc.unobserve(subscription)
    return updates, str(text)
