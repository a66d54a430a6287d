"""The board of an incident: every casualty, the most urgent first, by the register and the charts that are here.

Owns what is shown of an incident. Pure: the same register and charts give the same board on every device. Nobody is
left out: a number whose chart has not arrived is listed, and so is a chart whose number has not arrived. Of linked
casualties each shows the more urgent category of all; one said dead beside one said alive is shown immediate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.layout import Kind, Relation, Triage, WorkflowType
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import normalised, said
from edge_runtime.clinical.triage import most_urgent
from edge_runtime.facts import PlacedFact
from edge_runtime.incidents.row import Presence, Row, Urgency
from edge_runtime.incidents.same import Sameness, sameness

TITLE: Final = "Casualty "
"""How the title of a casualty's field triage begins; the number follows, for whoever has the chart alone."""
_ORDER: Final = tuple(Urgency)
_DIGITS: Final = re.compile(r"[0-9]+")
_DIGITS_MAX: Final = 32
_PREFIX_MIN: Final = 4


@dataclass(frozen=True, slots=True)
class Board:
    """An incident.

    Attributes:
        title: what people call it.
        rows: every casualty, the most urgent first, then by number.
        reviews: what a person must decide about the register.
    """

    title: str | None
    rows: tuple[Row, ...]
    reviews: tuple[Review, ...]

    @property
    def patients(self) -> int:
        """How many people: those that are linked without doubt count once."""
        return len(self._people())

    def counts(self) -> dict[Urgency, int]:
        """How many people have each urgency."""
        found = dict.fromkeys(Urgency, 0)
        for row in self._people():
            found[row.urgency] += 1
        return found

    def overdue(self, *, now_ms: int, limit_ms: int) -> tuple[Row, ...]:
        """Whom nobody has looked at for longer than that; those never looked at first, then the longest ago.

        The dead are left out. A time that lies ahead counts as now: that device's clock is wrong.
        """
        waiting = [row for row in self.rows if row.urgency is not Urgency.DECEASED]
        late = [row for row in waiting if row.looked_ms is None or now_ms - row.looked_ms > limit_ms]
        return tuple(sorted(late, key=lambda row: -1 if row.looked_ms is None else row.looked_ms))

    def called(self, text: str) -> tuple[Row, ...]:
        """The casualties that a person may mean: by the whole number, else by its digits, else by the chart's id."""
        wanted = normalised(text)
        whole = [row for row in self.rows if wanted in map(normalised, row.numbers)]
        begun = [row for row in self.rows if any(normalised(one).startswith(f"{wanted}-") for one in row.numbers)]
        charts = [row for row in self.rows if len(wanted) >= _PREFIX_MIN and row.chart.startswith(wanted)]
        return tuple(whole or begun or charts)

    def of(self, chart: str) -> Row | None:
        """The row of a chart, by its whole id."""
        return next((row for row in self.rows if row.chart == chart), None)

    def _people(self) -> list[Row]:
        """One row a person: the first of each group."""
        places = {row.chart: at for at, row in enumerate(self.rows)}
        return [row for at, row in enumerate(self.rows) if all(places.get(name, at) >= at for name in row.linked)]


def board_of(register: DocumentState, charts: Mapping[str, ChartState | None]) -> Board:
    """What an incident adds up to.

    Args:
        register: the incident's chart document.
        charts: the casualties' charts that are here by their whole ids; None for one that may not be read.
    """
    names = dict.fromkeys((*named_by(register), *sorted(charts)))
    whom = sameness({name: state for name, state in charts.items() if state is not None})
    rows = [_row(name, register, charts, whom) for name in names]
    reviews = tuple(review for review in register.reviews if review.open)
    return Board(register.title, tuple(sorted(rows, key=_place)), reviews)


def named_by(register: DocumentState) -> tuple[str, ...]:
    """Every chart that a register names, or named: those that nobody verified, too."""
    listed = (chart for item in register.register.items for chart in item.charts)
    apart = (chart for fact in _unverified(register) if (chart := said(fact.fact, "chart")) is not None)
    return tuple(dict.fromkeys((*listed, *register.register.unnumbered, *apart)))


def triage_document(state: ChartState, incident: str) -> DocumentState | None:
    """The document of a casualty's chart that says how it is in an incident; None where it has not arrived."""
    return next((one for one in state.documents if _is_part(one, incident)), None)


def _is_part(document: DocumentState, incident: str) -> bool:
    parts = (link for link in document.links if link.stands is Relation.PART_OF)
    return document.workflow_type is WorkflowType.FIELD_TRIAGE and any(link.chart == incident for link in parts)


def _row(name: str, register: DocumentState, charts: Mapping[str, ChartState | None], whom: Sameness) -> Row:
    state = charts.get(name)
    kept = [fact for fact in _unverified(register) if said(fact.fact, "chart") == name]
    numbers = register.register.numbers_of(name) or tuple(_titled(state)) or tuple(_numbers(kept))
    shown, disputed = _shown(whom.joined.get(name, frozenset({name})), charts)
    identity = () if state is None else tuple(item.fact for item in state.identity if not item.superseded_by)
    unverified = (
        () if state is None else tuple(item.fact for item in state.unverified if item.fact.fact.kind == Kind.TRIAGE)
    )
    return Row(
        chart=name,
        numbers=numbers,
        registered=bool(register.register.numbers_of(name)),
        presence=_presence(name, state, charts),
        own=None if state is None else state.triage,
        shown=shown,
        disputed=disputed,
        linked=tuple(sorted(whom.sure.get(name, frozenset()) - {name})),
        doubted=tuple(sorted(whom.doubted.get(name, frozenset()))),
        names=tuple(dict.fromkeys(found for fact in identity if (found := said(fact.fact, "name")))),
        identity=identity,
        place=_placed(state),
        note=_noted(register, name),
        unverified=(*kept, *unverified),
        reviews=(*_about_number(register, name), *(() if state is None else _open(state))),
    )


def _unverified(register: DocumentState) -> Iterator[PlacedFact]:
    """Entries of a register whose authors' access was revoked: whoever they name may be somebody all the same."""
    return (item.fact for item in register.unverified if item.fact.fact.kind == Kind.CASUALTY)


def _presence(name: str, state: ChartState | None, charts: Mapping[str, ChartState | None]) -> Presence:
    if state is None:
        return Presence.CLOSED if name in charts else Presence.NOT_HERE
    begun = any(_is_triage(one) for one in state.documents)
    return Presence.HERE if begun or state.unverified else Presence.NOT_HERE


def _is_triage(document: DocumentState) -> bool:
    return document.workflow_type is WorkflowType.FIELD_TRIAGE


def _shown(group: frozenset[str], charts: Mapping[str, ChartState | None]) -> tuple[Triage | None, bool]:
    """The category of a group, and whether a person must look because dead stands beside alive."""
    known = [state.triage for name in sorted(group) if (state := charts.get(name)) is not None]
    values = [one.value for one in known if one.value is not None]
    disputed = any(one.disputed for one in known)
    if Triage.DECEASED in values and set(values) != {Triage.DECEASED}:
        return Triage.IMMEDIATE, True
    return most_urgent(values), disputed


def _titled(state: ChartState | None) -> Iterator[str]:
    """The number that a chart gives itself."""
    for document in () if state is None else state.documents:
        title = document.title or ""
        if _is_triage(document) and title.startswith(TITLE):
            yield title.removeprefix(TITLE)


def _numbers(facts: Iterable[PlacedFact]) -> Iterator[str]:
    return (number for fact in facts if (number := said(fact.fact, "number")) is not None)


def _placed(state: ChartState | None) -> str | None:
    found = () if state is None else [one.place.current for one in state.documents if one.place.current is not None]
    latest = max(found, key=lambda fact: (fact.wall_ms, fact.id), default=None)
    return None if latest is None else said(latest.fact, "location") or said(latest.fact, "department")


def _noted(register: DocumentState, chart: str) -> str | None:
    facts = (fact for item in register.register.items for fact in item.heads if said(fact.fact, "chart") == chart)
    return " / ".join(dict.fromkeys(note for fact in facts if (note := said(fact.fact, "note")))) or None


def _about_number(register: DocumentState, chart: str) -> Iterator[Review]:
    subjects = {item.subject for item in register.register.items if chart in item.charts}
    for review in register.reviews:
        if review.open and review.kind is ReviewKind.DUPLICATE_CASUALTY and review.subject in subjects:
            yield review


def _open(state: ChartState) -> Iterator[Review]:
    return (review for review in state.reviews if review.open)


def _place(row: Row) -> tuple[int, bool, str, str]:
    """The most urgent first; then by number, 9 before 10; who has none comes last."""
    number = _DIGITS.sub(lambda found: found.group().zfill(_DIGITS_MAX), normalised(row.label))
    return _ORDER.index(row.urgency), not row.numbers, number, row.chart
