"""Opening a chart of 10,000 entries: from its entries, from what was kept of it, again, and after an edit.

The figure to hold: from the cache at the next start in under 50 ms.
"""

from __future__ import annotations

import os
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pycrdt import Doc, Text

from benchmarks.devices import observation, opened, practice
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from edge_runtime.cache.keeping import forget_kept
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Content, TextUpdate
from edge_runtime.sections import TEXT, text_doc_id
from edge_runtime.streams import stream_entries
from edge_runtime.text.changes import ROOT
from edge_runtime.text.draft import client_id
from sync_protocol.control import content_stream
from sync_protocol.limits import SEAL_ENTRIES_MAX
from sync_protocol.roles import Compartment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge_runtime.opened import OpenChart
    from edge_runtime.runtime import Runtime
    from edge_runtime.settings import Home
    from sync_protocol.ids import ChartId, DocumentId

_ENTRIES: Final = 10_000
_SECTION: Final = "plan"
_TEXT_MAX: Final = 4_000
_NONCE: Final = bytes(12)  # one key a run, one nonce a body: see _Sealed


class _Sealed:
    """The same number of bodies of the same length under plain AES-256-GCM: what decrypting costs at least."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._cipher = AESGCM(os.urandom(32))
        self._boxes: list[tuple[bytes, bytes]] = []
        for number, body in enumerate(bodies):
            nonce = number.to_bytes(len(_NONCE), "big")  # a counter under a key of this object alone
            self._boxes.append((nonce, self._cipher.encrypt(nonce, body, b"")))

    def open(self) -> None:
        """Decrypt all of them."""
        for nonce, box in self._boxes:
            self._cipher.decrypt(nonce, box, b"")


class _Bench:
    """One chart, opened in every way in which a device opens it."""

    def __init__(self, home: Home, kind: str, chart: ChartId, document: DocumentId) -> None:
        self._home = home
        self._kind = kind
        self._chart = chart
        self._document = document
        self._edits = 0

    def first(self) -> float:
        """The first opening ever: every entry is read, opened and placed, and the result is kept."""
        with opened(self._home) as device:
            forget_kept(device.store)
            charts = device.charts
            return milliseconds(lambda: _shown(charts.open(self._chart)))

    def kept(self) -> float:
        """The first opening after the program started, of what was kept; who the device is was read before."""
        with opened(self._home) as device:
            self._keep(device)
        with opened(self._home) as device:
            charts = device.charts
            return milliseconds(lambda: _shown(charts.open(self._chart)))

    def all_of_it(self) -> float:
        """The same, and every statement of the chart and every field of its texts is looked at."""
        with opened(self._home) as device:
            self._keep(device)
        with opened(self._home) as device:
            charts = device.charts
            return milliseconds(lambda: _read_all(charts.open(self._chart)))

    def again(self) -> float:
        """An opening while nothing changed."""
        with opened(self._home) as device:
            device.charts.open(self._chart)
            return milliseconds(lambda: _shown(device.charts.open(self._chart)))

    def after_an_edit(self) -> float:
        """An edit in a running program, durable, and the opening after it."""
        with opened(self._home) as device:
            opening = device.charts.open(self._chart)
            _ = opening.documents[self._document].sections  # as after any edit: the whole chart is in memory
            device.charts.open(self._chart)
            return milliseconds(lambda: self._edit(device))

    def read(self) -> float:
        """Reading the entries from the store, without opening their bodies."""
        with opened(self._home) as device:
            return milliseconds(lambda: _bodies(device, self._chart))

    def field(self) -> float:
        """Looking at one field of an open chart: a text, or who the patient is."""
        with opened(self._home) as device:
            opening = device.charts.open(self._chart)
            _shown(opening)
            return milliseconds(lambda: _shown(opening))

    def _keep(self, device: Runtime) -> None:
        device.charts.open(self._chart)
        device.charts.opened.rest()

    def _edit(self, device: Runtime) -> None:
        self._edits += 1
        if self._kind == "facts":
            device.charts.add_facts(self._chart, self._document, [observation(self._edits)])
        else:
            now = device.charts.open(self._chart).documents[self._document].text(_SECTION).text
            device.charts.edit_text(self._chart, self._document, _SECTION, f"{now}More rest {self._edits}. ")
        _shown(device.charts.open(self._chart))


def _shown(opening: OpenChart) -> int:
    """Look at what a person sees first: who it is, the safety list, what is to decide, and the texts."""
    state = opening.state
    found = (state.identity, state.allergies, state.medications, state.reviews)
    texts = [text.text for document in opening.documents.values() for text in document.texts.values()]
    return len(found) + sum(map(len, texts))


def _read_all(opening: OpenChart) -> int:
    """Look at every statement."""
    every = sum(len(state.observations) + len(state.others) for state in opening.states())
    return every + sum(len(document.facts) for document in opening.documents.values()) + _shown(opening)


def _bodies(device: Runtime, chart: ChartId) -> list[bytes]:
    """The bodies of all content entries of a chart."""
    membership = device.keyring.membership(chart)
    assert membership is not None, "the chart is on this device"
    streams = [content_stream(chart, document, Compartment.CLINICAL) for document in membership.documents]
    return [arrived.entry.body for stream in streams for arrived in stream_entries(device.store, stream)]


def write_chart(device: Runtime, kind: str, entries: int) -> tuple[ChartId, DocumentId]:
    """A chart of one device: a fact an entry, or an edit of one text an entry, as somebody types it."""
    chart, (_, document) = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
    contents = _facts() if kind == "facts" else _edits(device, document)
    for start in range(0, entries, SEAL_ENTRIES_MAX // 2):
        batch = device.recorder.begin()
        for content in islice(contents, min(SEAL_ENTRIES_MAX // 2, entries - start)):
            batch.content(chart, document, Compartment.CLINICAL, content)
        device.recorder.write(batch)
    return chart, document


def _facts() -> Iterator[Content]:
    return (Content(facts=(observation(number),), text=None) for number in count())


def _edits(device: Runtime, document: DocumentId) -> Iterator[Content]:
    """Words at the end, now and then at the start; beyond some length the start goes, as in a text that is kept."""
    name = text_doc_id(document, TEXT, _SECTION)
    doc: Doc[Text] = Doc(client_id=client_id(device.identity.session.value.session, name))
    text = doc.get(ROOT, type=Text)
    made: list[bytes] = []
    doc.observe(lambda event: made.append(event.update))
    for number in count():
        with doc.transaction():
            if len(text) > _TEXT_MAX:
                del text[: len("word 10000 ") * 20]
            text.insert(0 if number % 7 == 0 else len(text), f"word {number} ")
        yield Content(facts=None, text=TextUpdate(section=_SECTION, update=made.pop()))


def run(options: Options) -> Report:
    """Measure."""
    entries = options.size(_ENTRIES, 40)
    with practice(options.scratch) as clinic:
        device = clinic.device("tablet")
        home = device.home
        charts = {kind: write_chart(device, kind, entries) for kind in ("facts", "text")}
        bodies = {kind: _bodies(device, chart) for kind, (chart, _) in charts.items()}
    cases: list[Case] = []
    for kind, (chart, document) in charts.items():
        bench, sealed = _Bench(home, kind, chart, document), _Sealed(bodies[kind])
        steps = {
            f"{kind}: first time": bench.first,
            f"{kind}: from the cache, at the next start": bench.kept,
            f"{kind}: the same, and all of it is looked at": bench.all_of_it,
            f"{kind}: again": bench.again,
            f"{kind}: an edit and the opening after it": bench.after_an_edit,
            f"{kind}: one look at an open chart": bench.field,
            f"{kind}: read the entries from the store": bench.read,
            "aes": lambda sealed=sealed: milliseconds(sealed.open),  # type: ignore[misc]
        }
        found = interleaved(steps, rounds=options.rounds, each=1)
        series = {name: Series("ms", rounds) for name, rounds in found.items()}
        against = series.pop("aes")
        cases += [
            Case(name=name, series=one, baseline="AES-256-GCM open of the same bodies", against=against)
            for name, one in series.items()
        ]
    return Report(
        cases=cases,
        facts={"entries": entries, "bytes of bodies": sum(len(body) for some in bodies.values() for body in some)},
    )
