"""From an edit to a durable sealed entry on a device.

An edit is one call of `Charts`: it opens the chart as the author sees it, validates, seals, signs, and returns when the
encrypted store has flushed. The recorder alone shows what of that is the writing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.devices import observation, practice
from benchmarks.disk import RawTable
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from edge_runtime.clinical.layout import Section, WorkflowType
from edge_runtime.facts import Content, TextUpdate
from edge_runtime.runtime import Runtime
from edge_runtime.sections import text_doc_id
from edge_runtime.text.draft import TextDraft
from edge_runtime.text.history import TextEntry
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.labels import Label
from sync_protocol.roles import Compartment

GROWN: Final = 200
"""Entries that a chart has had for a while."""
_FRESH_EDITS: Final = 20
"""Edits before a fresh chart makes room for the next one."""
_WORDS: Final = ("observed", "overnight", "and", "stable;", "family", "informed,", "next", "round", "at", "six.")


@dataclass(slots=True)
class _Desk:
    """A chart with one text, as its author works on it."""

    device: Runtime
    chart: ChartId
    document: DocumentId
    text: str = "Plan:"
    edits: int = 0

    @classmethod
    def make(cls, device: Runtime, entries: int, *, texts: bool) -> _Desk:
        """A chart to which somebody has written so often already, each time one fact or one word."""
        chart, (_, document) = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
        desk = cls(device, chart, document)
        if entries:
            desk._fill(entries, texts=texts)
        return desk

    def fact(self) -> tuple[VerifiedEntry, ...]:
        """Record an observation."""
        self.edits += 1
        return self.device.charts.add_facts(self.chart, self.document, [observation(self.edits)])

    def words(self) -> tuple[VerifiedEntry, ...]:
        """Type one more word."""
        self._type()
        return self.device.charts.edit_text(self.chart, self.document, Section.PLAN, self.text)

    def record(self) -> tuple[VerifiedEntry, ...]:
        """Record an observation without opening the chart first."""
        self.edits += 1
        batch = self.device.recorder.begin()
        content = Content(facts=(observation(self.edits),), text=None)
        batch.content(self.chart, self.document, Compartment.CLINICAL, content)
        return self.device.recorder.write(batch)

    def _type(self) -> None:
        self.text += " " + _WORDS[self.edits % len(_WORDS)]
        self.edits += 1

    def _fill(self, entries: int, *, texts: bool) -> None:
        """Many entries as many edits would have made them, under one seal, for that is quicker."""
        session = self.device.identity.session.value.session
        draft = TextDraft(text_doc_id(self.document, Compartment.CLINICAL, Section.PLAN))
        batch = self.device.recorder.begin()
        add = partial(batch.content, self.chart, self.document, Compartment.CLINICAL)
        for _ in range(entries):
            if not texts:
                self.edits += 1
                add(Content(facts=(observation(self.edits),), text=None))
                continue
            self._type()
            update, heads = draft.edit(session, self.text), draft.heads
            assert update is not None, "a word was added"
            name = add(Content(facts=None, text=TextUpdate(section=Section.PLAN, update=update)))
            draft.apply(TextEntry(entry=name, session=session, parents=heads, update=update))
        self.device.recorder.write(batch)


class _Bench:
    """The steps, each an edit; the raw ones take the bytes of the newest one."""

    def __init__(self, device: Runtime, raw: RawTable, grown: int) -> None:
        self._device = device
        self._raw = raw
        self._grown = grown
        self._made: list[bytes] = []
        self._desks: dict[str, _Desk] = {}
        self.bytes = 0

    def prepare(self, _: int) -> None:
        """Charts for the next round."""
        self._desks = {
            "fact, grown": _Desk.make(self._device, self._grown, texts=False),
            "text, grown": _Desk.make(self._device, self._grown, texts=True),
        }

    def edit(self, name: str, act: Callable[[_Desk], tuple[VerifiedEntry, ...]]) -> float:
        """One edit, in milliseconds."""
        desk = self._desks.get(name)
        if desk is None or (name not in {"fact, grown", "text, grown"} and desk.edits >= _FRESH_EDITS):
            desk = self._desks[name] = _Desk.make(self._device, 0, texts=False)
            act(desk)  # the first edit of a chart also mints an epoch, once
        made: list[tuple[VerifiedEntry, ...]] = []
        took = milliseconds(lambda: made.append(act(desk)))
        self._keep(made[0])
        return took

    def insert(self) -> float:
        """The same bytes as the newest edit's, stored without more."""
        return milliseconds(lambda: self._raw.insert(self._made))

    def sign(self) -> float:
        """The signature of the newest edit's seal, without more."""
        signer = self._device.identity.keys.signer
        return milliseconds(lambda: signer.sign(Label.SEAL, self._made[-1]))

    def _keep(self, entries: tuple[VerifiedEntry, ...]) -> None:
        last = self._device.store.last_seal(self._device.identity.session.value.session)
        assert last is not None, "an edit has a seal"
        self._made = [entry.wire.header + entry.wire.body for entry in entries] + [last.wire]
        self.bytes = sum(map(len, self._made))


def run(options: Options) -> Report:
    """Measure."""
    grown = options.size(GROWN, 10)
    with practice(options.scratch) as clinic:
        device = clinic.device("tablet")
        raw = RawTable(options.scratch / "raw.db")
        bench = _Bench(device, raw, grown)
        found = interleaved(
            {
                "fact": partial(bench.edit, "fact", _Desk.fact),
                "text": partial(bench.edit, "text", _Desk.words),
                "record": partial(bench.edit, "record", _Desk.record),
                "fact, grown": partial(bench.edit, "fact, grown", _Desk.fact),
                "text, grown": partial(bench.edit, "text, grown", _Desk.words),
                "insert": bench.insert,
                "sign": bench.sign,
            },
            rounds=options.rounds,
            each=options.size(60, 2),
            before=bench.prepare,
        )
        raw.close()
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    insert = "raw sqlite3 FULL insert of the same bytes"
    names = {
        "fact": "fact edit, fresh chart",
        "text": "text edit, fresh chart",
        "fact, grown": f"fact edit, chart of {grown} entries",
        "text, grown": f"text edit, text of {grown} changes",
        "record": "recorder alone: seal, sign, store",
    }
    cases = [
        Case(name=words, series=series[name], baseline=insert, against=series["insert"])
        for name, words in names.items()
    ]
    cases.append(Case(name="Ed25519 sign alone", series=series["sign"]))
    return Report(
        cases=cases,
        facts={"bytes an edit": bench.bytes, "edits a case": options.rounds * options.size(60, 2)},
        notes=[f"a fresh chart has up to {_FRESH_EDITS} edits; the grown ones get {options.size(60, 2)} more a round"],
    )
