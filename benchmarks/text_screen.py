"""What it costs to let nothing but a text edit reach the CRDT engine: screen, admit, order, apply."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from pycrdt import Doc, Text

from benchmarks.measuring import Case, Options, Report, Series, interleaved
from edge_runtime.text.admit import AdmitContext, admit
from edge_runtime.text.changes import ROOT, Admitted, Screened
from edge_runtime.text.draft import Effect, TextDraft, client_id
from edge_runtime.text.history import TextEntry
from edge_runtime.text.lineage import Written
from edge_runtime.text.order import ItemOrder
from edge_runtime.text.replica import InProcessReplica, MakeReplica
from edge_runtime.text.screen import screen
from edge_runtime.text.section import VIEWS_MAX, SectionText
from edge_runtime.text.section import Doc as SectionDoc
from edge_runtime.text.worker import TextWorker
from sync_protocol.ids import EntryHash, SessionId
from sync_protocol.verdicts import ACCEPTED, Reason, Standing, Verdict

_DOC: Final = bytes(16)
_SEED: Final = 7
_UPDATES: Final = 1_000
_QUARANTINED: Final = Verdict(Standing.QUARANTINED, Reason.REVOKED)
_WORDS: Final = ("stable", "overnight", "no fever", "500 mg", "nach Rücksprache", "\n", "wound dry")


@dataclass(frozen=True, slots=True)
class _Update:
    client: int
    entry: TextEntry


def _history(count: int) -> list[_Update]:
    """Two authors who take turns: each types a word or two, and now and then takes one away."""
    rng = random.Random(_SEED)
    sessions = [SessionId(hashlib.sha256(bytes([number])).digest()[:16]) for number in range(2)]
    docs = [Doc[Text](client_id=client_id(session, _DOC)) for session in sessions]
    made: list[_Update] = []
    for number in range(count):
        author = number % 2
        text = docs[author].get(ROOT, type=Text)
        update = _change(rng, docs[author], text)
        docs[1 - author].apply_update(update)
        name = EntryHash(hashlib.sha256(b"entry %d" % number).digest())
        parents = (made[-1].entry.entry,) if made else ()
        entry = TextEntry(entry=name, session=sessions[author], parents=parents, update=update)
        made.append(_Update(client_id(sessions[author], _DOC), entry))
    return made


def _change(rng: random.Random, doc: Doc[Text], text: Text) -> bytes:
    """Change a text at random; the update of that change."""
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    now = str(text)
    at = rng.randint(0, len(now))
    with doc.transaction():
        if len(now) > 200 and rng.random() < 0.2:
            at = min(at, len(now) - 8)
            start, end = len(now[:at].encode()), len(now[: at + 8].encode())
            del text[start:end]
        else:
            text.insert(len(now[:at].encode()), " " + rng.choice(_WORDS))
    doc.unobserve(subscription)
    return made[0]


def _beside(updates: list[_Update]) -> list[_Update]:
    """As many updates as a section shows views, each by another session in sight of the whole history."""
    draft = TextDraft(_DOC)
    for update in updates:
        draft.apply(update.entry)
    made: list[_Update] = []
    for number in range(VIEWS_MAX):
        session = SessionId(hashlib.sha256(b"beside %d" % number).digest()[:16])
        typed = draft.edit(session, f"{draft.text()} {number} mg")
        assert typed is not None, "a number was added"
        name = EntryHash(hashlib.sha256(b"beside entry %d" % number).digest())
        entry = TextEntry(entry=name, session=session, parents=draft.heads, update=typed)
        made.append(_Update(client_id(session, _DOC), entry))
    return made


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class _Bench:
    """The stages, each over the whole history; what one stage makes, the next one takes."""

    def __init__(self, updates: list[_Update]) -> None:
        self.updates = updates
        self._worker = TextWorker(clock=_now_ms)
        self._worker.replica().text()
        self._screened: list[Screened] = [screen(update.entry.update) for update in updates]
        self._admitted: list[Admitted] = []
        self.beside = _beside(updates)
        self.admit()

    def screen(self) -> float:
        """Read the bytes."""
        return self._each(screen, [update.entry.update for update in self.updates])

    def admit(self) -> float:
        """Judge each against its past; the past itself is looked up beforehand."""
        order = ItemOrder()
        self._admitted = []
        spent = 0.0
        for update, screened in zip(self.updates, self._screened, strict=True):
            context = AdmitContext(client=update.client, past=order.state_vector(), order=order)
            began = time.perf_counter()
            admitted = admit(screened, context)
            spent += time.perf_counter() - began
            order.integrate(admitted)
            self._admitted.append(admitted)
        return 1e6 * spent / len(self.updates)

    def integrate(self) -> float:
        """Keep our own order of the items, by which positions are judged."""
        return self._each(ItemOrder().integrate, self._admitted)

    def draft(self) -> float:
        """All of it, as a chart is opened: uptakes, order, engine, and the comparison of both texts at the end."""
        return self._drafted(InProcessReplica)

    def worker(self) -> float:
        """The same with the engine in a child process, which was started before."""
        return self._drafted(self._worker.replica)

    def start(self) -> float:
        """Milliseconds until a child has taken one update and shown its text."""
        with closing(TextWorker(clock=_now_ms)) as worker:
            began = time.perf_counter()
            replica = worker.replica()
            replica.apply(self.updates[0].entry.update)
            replica.text()
            return 1e3 * (time.perf_counter() - began)

    def close(self) -> None:
        """End the child."""
        self._worker.close()

    def _drafted(self, make_replica: MakeReplica) -> float:
        draft = TextDraft(_DOC, make_replica=make_replica)
        began = time.perf_counter()
        for update in self.updates:
            uptake = draft.apply(update.entry)
            assert uptake.effect is Effect.APPLIED, "the engine's own updates are sound"
        draft.text()
        return 1e6 * (time.perf_counter() - began) / len(self.updates)

    def section(self) -> float:
        """The section as it is shown, with nothing quarantined."""
        return self._shown(frozenset())

    def disputed(self) -> float:
        """The same with its last updates written beside each other and quarantined: as many views as are shown."""
        return self._shown(frozenset(one.entry.entry for one in self.beside))

    def _shown(self, apart: frozenset[EntryHash]) -> float:
        entries = [one.entry for one in self.updates] + [one.entry for one in self.beside if one.entry.entry in apart]
        written = [
            Written(
                text=entry,
                lamport=number,
                wall_ms=number,
                epoch=None,
                verdict=_QUARANTINED if entry.entry in apart else ACCEPTED,
            )
            for number, entry in enumerate(entries)
        ]
        began = time.perf_counter()
        text = SectionText("plan", _DOC, [SectionDoc(id=_DOC, start=None, replaces=(), written=written)])
        shown = (text.text, text.refused, text.reviews, text.sessions, text.views)
        took = time.perf_counter() - began
        assert len(shown[-1]) == len(apart), "each is a view"
        return 1e6 * took / len(entries)

    def engine(self) -> float:
        """The engine alone, on updates that nobody looked at."""
        doc = Doc[Text](client_id=0)
        text = doc.get(ROOT, type=Text)
        began = time.perf_counter()
        for update in self.updates:
            doc.apply_update(update.entry.update)
        str(text)
        return 1e6 * (time.perf_counter() - began) / len(self.updates)

    @staticmethod
    def _each(work: Callable[..., object], items: Iterable[object]) -> float:
        todo = list(items)
        began = time.perf_counter()
        for item in todo:
            work(item)
        return 1e6 * (time.perf_counter() - began) / len(todo)


def run(options: Options) -> Report:
    """Measure."""
    bench = _Bench(_history(options.size(_UPDATES, 50)))
    with closing(bench):
        return _measured(bench, options)


def _measured(bench: _Bench, options: Options) -> Report:
    steps = {
        "screen, admit, order and apply (TextDraft)": bench.draft,
        "the same, the engine in a child process": bench.worker,
        "all of that, base and views (SectionText)": bench.section,
        f"the same with {VIEWS_MAX} views": bench.disputed,
        "screen": bench.screen,
        "admit": bench.admit,
        "order": bench.integrate,
        "pycrdt": bench.engine,
    }
    found = interleaved(steps, rounds=options.rounds, each=options.size(3, 1))
    series = {name: Series("µs/update", rounds) for name, rounds in found.items()}
    against = series.pop("pycrdt")
    start_ms = round(min(bench.start() for _ in range(options.size(5, 1))))
    sizes = [len(update.entry.update) for update in bench.updates]
    return Report(
        cases=[
            Case(name=name, series=one, baseline="pycrdt apply alone", against=against) for name, one in series.items()
        ],
        facts={
            "updates": len(sizes),
            "bytes an update, mean": round(sum(sizes) / len(sizes)),
            "authors": 2,
            "start of a child, ms": start_ms,
        },
    )
