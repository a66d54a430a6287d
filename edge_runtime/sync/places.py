"""Where a stream belongs: chart, document and compartment, for every stream of the charts and ledgers known here.

Streams' ids are hashes, so they are found by making them all; kept up chart by chart as control records arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge_runtime.keyring import Keyring
from sync_protocol.control import content_stream, control_stream
from sync_protocol.ids import ChartId, DocumentId, StreamId
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment


@dataclass(frozen=True, slots=True)
class Place:
    """What a stream of a chart carries.

    Attributes:
        document, compartment: None for the chart's control stream.
    """

    chart: ChartId
    document: DocumentId | None = None
    compartment: Compartment | None = None


class Places:
    """The streams of every chart and ledger here."""

    def __init__(self, keyring: Keyring) -> None:
        """Read them all."""
        self._keyring = keyring
        self._places: dict[StreamId, Place] = {}
        self.learn((*keyring.charts(), *keyring.ledgers()))

    def learn(self, charts: Iterable[ChartId]) -> None:
        """Hear that charts or ledgers are new, or that their control records changed."""
        for chart in charts:
            self._places[control_stream(chart)] = Place(chart)
            membership = self._keyring.membership(chart)
            for place in () if membership is None else content_places(membership):
                self._places[_stream(place)] = place

    def find(self, stream: StreamId) -> Place | None:
        """Where the stream belongs; None for the organisation's, and for one of no chart that is known."""
        return self._places.get(stream)


def content_places(membership: Membership) -> Iterable[Place]:
    """Every place of a chart where content or audit entries may stand."""
    for document in membership.documents:
        for compartment in Compartment:
            if compartment is not Compartment.AUDIT or document == membership.chart_document:
                yield Place(membership.chart, document, compartment)


def streams_of(membership: Membership, compartments: Iterable[Compartment]) -> set[StreamId]:
    """The chart's streams that carry these compartments, its control stream not among them."""
    wanted = frozenset(compartments)
    return {_stream(place) for place in content_places(membership) if place.compartment in wanted}


def _stream(place: Place) -> StreamId:
    assert place.document is not None, "a place of content"
    assert place.compartment is not None, "a place of content"
    return content_stream(place.chart, place.document, place.compartment)
