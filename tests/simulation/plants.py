"""Bugs to plant: each is a patch of the real program that breaks one promise, and shows that a checker notices.

Owns the patches. A plant is switched on by name, for a whole run, after the template was made by the program as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from edge_runtime.recorder.batch import Batch
from edge_runtime.sections import Sections
from edge_runtime.store.appending import Appending
from edge_runtime.text.order import ItemOrder
from server.relay import database
from server.relay.locating import located
from sync_protocol.store import Outcome
from tests.simulation.stand_ins import is_forging


@dataclass(frozen=True, slots=True)
class Plant:
    """One bug.

    Attributes:
        shows: what it does, and to whom it would matter.
        checker: which checker catches it.
    """

    name: str
    shows: str
    checker: str
    planted: Callable[[], AbstractContextManager[Any]]


def _swap(target: str, value: Any) -> Callable[[], AbstractContextManager[Any]]:
    """A plant that replaces one name of a module or class."""
    return lambda: patch(target, value)


@contextmanager
def _both(*plants: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for plant in plants:
            stack.enter_context(plant())
        yield


def _prepare_in_haste(real: Callable[..., None]) -> Callable[..., None]:
    def prepare(connection: Any, entry: Any) -> None:
        real(connection, entry)
        connection.execute("PRAGMA synchronous = OFF")

    return prepare


def _place_at_once(self: Any, entry: Any) -> None:
    """In place of `_Depths.add`: what has not come is left out of account."""
    depths = self._depths
    known = [depths[parent] for parent in entry.header.parents if parent in depths]
    depths.setdefault(entry.hash, max(known, default=-1) + 1)


def _merged_of_known(real: Callable[..., Any]) -> Callable[..., Any]:
    def merged(self: Any, seen: Any) -> Any:
        return real(self, [one for one in seen if one in self._heads])

    return merged


def _size_alone(real: Callable[..., Any]) -> Callable[..., Any]:
    """In place of the relay's `located`: a size is believed without its root."""

    def located(step: Any, *relay: Any) -> Any:
        return real(SimpleNamespace(states=(), sessions=step.sessions), *relay)

    return located


def _without_one(real: Callable[..., Any]) -> Callable[..., Any]:
    """In place of `Batch._recipients`: one of them is forgotten."""

    def recipients(self: Any, chart: Any, compartment: Any) -> Any:
        found = real(self, chart, compartment)
        own = self._desk.identity.principal
        return [name for name in found if name == own] + [name for name in found if name != own][1:]

    return recipients


def _first_stays(real: Callable[..., Any]) -> Callable[..., Any]:
    """In place of `Appending.append`: where a number is taken, what comes second is not kept."""

    def append(self: Any, entry: Any, *rest: Any) -> Any:
        stream = self._links.stream(entry.header.stream)
        chain = self._links.chain(entry.header.session, stream)
        if (
            not is_forging()
            and chain.count > 0
            and entry.header.seq <= chain.last
            and self.reader.index(entry.hash) is None
        ):
            return Outcome.DUPLICATE, 0
        return real(self, entry, *rest)

    return append


def _delete_if_known(real: Callable[..., Any]) -> Callable[..., Any]:
    """In place of `ItemOrder._delete`: what is not there yet is passed over."""

    def delete(self: Any, deleted: Any) -> None:
        with suppress(KeyError, IndexError, AssertionError):
            real(self, deleted)

    return delete


def _haste() -> AbstractContextManager[Any]:
    return patch.object(database, "_prepare_sqlite", _prepare_in_haste(database._prepare_sqlite))


def _dependency() -> AbstractContextManager[Any]:
    return _both(
        _swap("edge_runtime.ordering._Depths.add", _place_at_once),
        _swap("edge_runtime.sections.Sections._merged", _merged_of_known(Sections._merged)),
    )


def _recipient() -> AbstractContextManager[Any]:
    return _both(
        _swap("edge_runtime.recorder.batch.Batch._recipients", _without_one(Batch._recipients)),
        _swap("edge_runtime.recorder.chart_keys.ChartKeys._lacking", lambda *_, **__: []),
    )


def _delete() -> AbstractContextManager[Any]:
    return _both(
        _swap("edge_runtime.text.admit._Own.delete", lambda *_: None),
        _swap("edge_runtime.text.order.ItemOrder._delete", _delete_if_known(ItemOrder._delete)),
    )


def _root() -> AbstractContextManager[Any]:
    return patch("server.relay.connection.located", _size_alone(located))


def _loser() -> AbstractContextManager[Any]:
    return patch.object(Appending, "append", _first_stays(Appending.append))


_ALL: Final = (
    Plant(
        "ack_before_commit",
        "the relay gives receipts before what they are for is flushed to its disk",
        "nothing_lost",
        _haste,
    ),
    Plant(
        "apply_before_dependency",
        "entries are read as they arrive, though what they follow has not come",
        "arrival",
        _dependency,
    ),
    Plant(
        "client_id_reused_after_restore",
        "a device that was restored goes on in its old session, and so under its old client ids",
        "sequences",
        _swap("edge_runtime.rooms.watch", lambda *_, **__: None),
    ),
    Plant(
        "accept_future_delete",
        "the screen lets an update delete what others have not typed yet",
        "author_sees_own_words",
        _delete,
    ),
    Plant(
        "cursor_without_root",
        "the relay believes a cursor's size without comparing its root",
        "convergence",
        _root,
    ),
    Plant(
        "ignored_cut",
        "what a revoked device wrote after its theft is judged as if it had never been revoked",
        "cuts",
        _swap("sync_protocol.organisation.Organisation.is_outside", lambda *_: False),
    ),
    Plant(
        "epoch_lacks_recipient",
        "a new epoch's key is wrapped to all readers but one, and nobody mends it",
        "convergence",
        _recipient,
    ),
    Plant(
        "fork_loser_dropped",
        "of two entries under one number a device keeps the one that came first",
        "convergence",
        _loser,
    ),
    Plant(
        "prune_before_safe",
        "an attachment is pushed out to make room as soon as the relay has it, though no backup does",
        "attachments",
        _swap("edge_runtime.blobs.pruning.may_go", lambda note, *_: note.receipt is not None),
    ),
    Plant(
        "held_for_ever",
        "what waits for an earlier entry stays waiting when that has come",
        "held",
        _swap("edge_runtime.sync.held.Holder._release", lambda *_: []),
    ),
)
PLANTS: Final[dict[str, Plant]] = {plant.name: plant for plant in _ALL}
"""Every bug that can be planted, by name."""
