"""What one hostile member costs everybody: a chart, and a team, with a long chain of its records, worked out anew.

The records are made as their readers have them: decoding and signatures are paid once, as they come; this again and
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.devices import practice
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import AddMember, Control, CreateChart, chart_id
from sync_protocol.control_entry import ControlEntry, Pasts, Written
from sync_protocol.ids import CertificateHash, DocumentId, EntryHash, SessionId
from sync_protocol.organisation import Organisation
from sync_protocol.roles import Compartment
from sync_protocol.team_records import AddToTeam, CreateTeam, team_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.runtime import Runtime

_RECORDS: Final = 3_000
_NONCE: Final = bytes(16)


def _chain(
    author: CertificateHash, first: Control, record: Callable[[CertificateHash], Control], length: int
) -> list[ControlEntry]:
    """A record, and others by the same author each after the one before, about somebody whom nobody knows."""
    found: list[ControlEntry] = []
    for number in range(length + 1):
        stranger = CertificateHash.of(b"stranger %d" % number)
        entry = ControlEntry(
            hash=EntryHash.of(b"%s %d" % (type(first).__name__.encode(), number)),
            parents=(found[-1].hash,) if found else (),
            written=Written(author=author, session=SessionId(_NONCE), seal=0, covering=None),
            organisation_heads=(),
            chart_heads=(),
            wall_ms=0,
            record=record(stranger) if found else first,
        )
        found.append(entry)
    return found


class _Flood:
    """One member's records, and what every device makes of them."""

    def __init__(self, device: Runtime, length: int) -> None:
        author = device.identity.principal
        self._known = device.keyring.organisation()
        self._records = device.keyring.organisation_entries()
        self._store = device.store
        self._chart = chart_id(author, _NONCE)
        self._team = team_id(author, _NONCE)
        whole = tuple(Compartment)
        birth = CreateChart(nonce=_NONCE, document=DocumentId(_NONCE))
        self._of_chart = _chain(author, birth, lambda one: AddMember(certificate=one, compartments=whole), length)
        founding = CreateTeam(nonce=_NONCE, compartments=whole)
        self._of_team = _chain(author, founding, lambda one: AddToTeam(team=self._team, certificate=one), length)

    def chart(self) -> float:
        """Who belongs to the chart."""
        return milliseconds(lambda: ChartHistory(self._of_chart, self._chart, self._known).now)

    def team(self) -> float:
        """Who belongs to the team."""
        entries = [*self._records, *self._of_team]
        trust, store = self._known.trust, self._store
        return milliseconds(lambda: Organisation(trust, entries, store, earlier=self._known).now.team(self._team))

    def order(self) -> float:
        """The causal order alone."""
        return milliseconds(lambda: Pasts(self._of_chart))


def run(options: Options) -> Report:
    """Measure."""
    length = options.size(_RECORDS, 40)
    with practice(options.scratch) as clinic:
        flood = _Flood(clinic.device("tablet"), length)
        steps = {"a chart's members": flood.chart, "a team's members": flood.team, "order": flood.order}
        found = interleaved(steps, rounds=options.rounds, each=options.size(3, 1))
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    against = series.pop("order")
    cases = [
        Case(name=name, series=one, baseline="the causal order of the same records", against=against)
        for name, one in series.items()
    ]
    return Report(cases=cases, facts={"records of one author": length})
