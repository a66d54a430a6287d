"""The stores that the contract suite tests. A further one is a function and a line in STORES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.keys import DataKey
from sync_protocol.memory_store import MemoryStore
from sync_protocol.store import Store
from tests.support.databases import POSTGRESQL, SQLITE, fresh, sql_store
from tests.support.people import Entropy

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


@dataclass(frozen=True)
class StoreKind:
    """An implementation of the Store.

    Attributes:
        name: as tests show it.
        open: opens the store whose data lie in a folder, which is empty at first; the same folder, the same data.
        lasting: whether a store that was closed has everything when it is opened again.
        threads: whether several threads may write; a store that belongs to one thread has no need to let others wait.
    """

    name: str
    open: Callable[[Path], AbstractContextManager[Store]]
    lasting: bool = True
    threads: bool = True


@contextmanager
def _memory(_folder: Path) -> Iterator[Store]:
    yield MemoryStore()


@contextmanager
def _device(folder: Path) -> Iterator[Store]:
    with closing(DeviceStore(folder / "store.sqlite3", DataKey(bytes(32)), Entropy(1))) as store:
        yield store


def _relay_on(engine: str) -> Callable[[Path], AbstractContextManager[Store]]:
    def opened(folder: Path) -> AbstractContextManager[Store]:
        url = folder / "url"
        if not url.exists():
            url.write_text(fresh(engine, folder))
        return sql_store(url.read_text())

    return opened


STORES = [
    StoreKind("memory", _memory, lasting=False, threads=False),
    StoreKind("device", _device),
    StoreKind("relay-sqlite", _relay_on(SQLITE)),
    StoreKind("relay-postgresql", _relay_on(POSTGRESQL)),
]


def kinds(wanted: Callable[[StoreKind], bool] = lambda _: True) -> list[ParameterSet]:
    """The kinds of store that are wanted, as parameters; those on PostgreSQL share a worker and so one cluster."""
    marks = {"relay-postgresql": [pytest.mark.xdist_group("postgresql")]}
    return [pytest.param(kind, id=kind.name, marks=marks.get(kind.name, [])) for kind in STORES if wanted(kind)]
