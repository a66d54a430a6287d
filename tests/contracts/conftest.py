"""Fixtures of the contract suite: each test once for each kind of store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sync_protocol.store import Store
from tests.contracts.stores import StoreKind, kinds
from tests.support.people import Organisation


@pytest.fixture(params=kinds())
def kind(request: pytest.FixtureRequest) -> StoreKind:
    """One kind of store."""
    assert isinstance(request.param, StoreKind)
    return request.param


@pytest.fixture
def reopen(kind: StoreKind, tmp_path: Path) -> Callable[[], AbstractContextManager[Store]]:
    """Opens this test's store, at each call the same data."""
    return lambda: kind.open(tmp_path)


@pytest.fixture
def store(reopen: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    """An empty store."""
    with reopen() as opened:
        yield opened


@pytest.fixture
def organisation() -> Organisation:
    """An organisation for this test alone."""
    return Organisation.make(1)
