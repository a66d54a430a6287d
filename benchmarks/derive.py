"""Deriving what a document and a chart say: all of it anew, and after one more fact.

Times are of one core, since nothing waits. Each round derives a document of the same facts; then fact after fact comes
to it, of every kind, and after each the state of document and chart is looked at.
"""

from __future__ import annotations

import statistics
from collections import Counter
from time import process_time
from typing import Final

from benchmarks.derive_facts import CHART, DOCUMENT, Written, written
from benchmarks.derive_floods import floods
from benchmarks.devices import observation, practice
from benchmarks.measuring import Case, Options, Report, Series, Step, interleaved
from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.deriving import Derivation
from edge_runtime.clinical.document import derive
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Content, pack_content, unpack_content
from edge_runtime.runtime import Runtime
from sync_protocol.roles import Compartment

ANEW_MS: Final = 20
"""The budget of deriving a document of 2,000 facts."""
MORE_MS: Final = 1
"""The budget of one more fact."""
_FACTS: Final = 2_000
_MORE: Final = 200
_CHART_FACTS: Final = 200
"""Facts of the chart document, beside the document."""
_EDITS: Final = 10
_DIGITS: Final = 3


class _Bench:
    """The steps."""

    def __init__(self, facts: int, more: int) -> None:
        self.document = written(facts + more)
        self.beside = written(min(facts, _CHART_FACTS), CHART)
        self.count = facts
        self.by_kind: dict[str, list[float]] = {}
        self._first = self.document.facts[:facts]
        self._packed = [pack_content(Content(facts=(fact.fact,), text=None)) for fact in self._first]

    def decode(self) -> float:
        """The facts alone, from their bytes."""
        began = process_time()
        for data in self._packed:
            unpack_content(data)
        return 1e3 * (process_time() - began)

    def anew(self) -> float:
        """The document, from its facts."""
        graph = self.document.grown(self.count)
        began = process_time()
        derive(DOCUMENT, self._first, [graph])
        return 1e3 * (process_time() - began)

    def chart(self) -> float:
        """The chart, from the facts of both documents."""
        graphs = [self.beside.graph, self.document.grown(self.count)]
        began = process_time()
        derive_chart(CHART, [*self.beside.facts, *self._first], graphs)
        return 1e3 * (process_time() - began)

    def begin(self) -> float:
        """A derivation that goes on, from the facts of both documents."""
        graphs = [self.beside.graph, self.document.grown(self.count)]
        began = process_time()
        _looked_at(Derivation(CHART, [*self.beside.facts, *self._first], graphs))
        return 1e3 * (process_time() - began)

    def more(self) -> list[float]:
        """One fact after the other; the state is looked at after each."""
        graph = self.document.grown(self.count)
        graphs = [self.beside.graph, graph]
        derivation = Derivation(CHART, [*self.beside.facts, *self._first], graphs)
        _looked_at(derivation)
        found = []
        for fact in self.document.facts[self.count :]:
            self.document.place(graph, fact)
            began = process_time()
            derivation.add([fact], graphs)
            _looked_at(derivation)
            found.append(1e3 * (process_time() - began))
            self.by_kind.setdefault(fact.fact.kind, []).append(found[-1])
        return found


class _Desk:
    """The same on a device: one fact more in a chart of many, to a durable sealed entry, and the opening after it."""

    def __init__(self, device: Runtime, facts: int) -> None:
        self._device = device
        self._chart, (_, self._document) = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
        self._write(facts)
        self.opened()
        self.opened()  # from the second on, what was derived goes on

    def sealed(self) -> float:
        """Seal, sign and store one fact."""
        began = process_time()
        self._write(1)
        took = 1e3 * (process_time() - began)
        self._device.charts.open(self._chart)
        return took

    def opened(self) -> float:
        """Open the chart after one more fact: read it, derive, show."""
        self._write(1)
        began = process_time()
        self._device.charts.open(self._chart)
        return 1e3 * (process_time() - began)

    def _write(self, facts: int) -> None:
        batch = self._device.recorder.begin()
        for number in range(facts):
            content = Content(facts=(observation(number),), text=None)
            batch.content(self._chart, self._document, Compartment.CLINICAL, content)
        self._device.recorder.write(batch)


def run(options: Options) -> Report:
    """Measure."""
    with practice(options.scratch) as clinic:
        return _measured(options, _Desk(clinic.device("tablet"), options.size(_FACTS, 60)))


def _measured(options: Options, desk: _Desk) -> Report:
    facts, more = options.size(_FACTS, 60), options.size(_MORE, 20)
    bench = _Bench(facts, more)
    steps: dict[str, Step] = {
        "sealed": lambda: [desk.sealed() for _ in range(_EDITS)],
        "opened": lambda: [desk.opened() for _ in range(_EDITS)],
        "decode": bench.decode,
        "anew": bench.anew,
        "chart": bench.chart,
        "begin": bench.begin,
        "more": bench.more,
    }
    found = interleaved(steps, rounds=options.rounds, each=options.size(3, 1))
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    decode, chart = "decoding the same facts from their bytes", "deriving the chart anew"
    both = facts + len(bench.beside.facts)
    return Report(
        cases=[
            Case(
                name=f"a document of {facts:,} facts", series=series["anew"], baseline=decode, against=series["decode"]
            ),
            Case(
                name=f"one more fact: document and chart of {both:,}",
                series=series["more"],
                baseline=chart,
                against=series["chart"],
            ),
            Case(name=f"a chart of {both:,} facts in two documents", series=series["chart"]),
            Case(name="the same, to go on from", series=series["begin"]),
            Case(name="beside it on a device: sealing, signing, storing", series=series["sealed"]),
            Case(name=f"opening a chart of {facts:,} facts after one more", series=series["opened"]),
        ],
        facts={
            "facts": facts,
            "budget: a document, ms": ANEW_MS,
            "budget: one more fact, ms": MORE_MS,
            **_mix(bench.document, facts),
            **{f"one more {kind}, median ms": _short(took) for kind, took in sorted(bench.by_kind.items())},
            **floods(options),
        },
        notes=[
            "times are of one core; facts are decoded anew, so that no two share an id or a text",
            "floods: so many statements of one kind, each derived once; hostile, or of a program gone wrong",
        ],
    )


def _looked_at(derivation: Derivation) -> None:
    assert derivation.state.documents, "the chart document is always there"


def _mix(document: Written, count: int) -> dict[str, str | int | float]:
    kinds = Counter(str(fact.fact.kind) for fact in document.facts[:count])
    reviews = derive(DOCUMENT, document.facts[:count], [document.grown(count)]).reviews
    return {
        "mix": ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()),
        "authors": len({fact.author for fact in document.facts}),
        "reviews": len(reviews),
        "open reviews": sum(review.open for review in reviews),
    }


def _short(took: list[float]) -> float:
    return float(f"{statistics.median(took):.{_DIGITS}g}")
