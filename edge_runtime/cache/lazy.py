"""Values whose fields are read when they are asked for: a chart of ten thousand statements is open before they are.

Owns how such a value passes for one whose fields are all there: it has its type, equals it, and can be replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.state import DocumentState
from edge_runtime.documents import OpenDocument

T = TypeVar("T")
Load = Callable[[str], Any]
"""Reads the field of that name."""


class LazyChartState(ChartState):
    """What a chart says, as far as it was asked."""

    __slots__ = ("_load",)

    def __getattr__(self, name: str) -> Any:
        """Read a field that was not asked for before."""
        return _read(self, name)

    def __eq__(self, other: object) -> bool:
        """Compare by what both say."""
        return _equal(ChartState, self, other)

    __hash__ = ChartState.__hash__


class LazyDocumentState(DocumentState):
    """What a document says, as far as it was asked."""

    __slots__ = ("_load",)

    def __getattr__(self, name: str) -> Any:
        """Read a field that was not asked for before."""
        return _read(self, name)

    def __eq__(self, other: object) -> bool:
        """Compare by what both say."""
        return _equal(DocumentState, self, other)

    __hash__ = DocumentState.__hash__


class LazyOpenDocument(OpenDocument):
    """A document opened, as far as it was asked."""

    __slots__ = ("_load",)

    def __getattr__(self, name: str) -> Any:
        """Read a field that was not asked for before."""
        return _read(self, name)

    def __eq__(self, other: object) -> bool:
        """Compare by what both hold."""
        return _equal(OpenDocument, self, other)

    __hash__ = None  # type: ignore[assignment] # it may change, as what it stands for


def lazy_chart_state(load: Load) -> ChartState:
    """A chart's state whose fields `load` reads."""
    return _made(LazyChartState, load)


def lazy_document_state(load: Load) -> DocumentState:
    """A document's state whose fields `load` reads."""
    return _made(LazyDocumentState, load)


def lazy_document(load: Load) -> OpenDocument:
    """An opened document whose fields `load` reads."""
    return _made(LazyOpenDocument, load)


def _made(kind: type[T], load: Load) -> T:
    made = object.__new__(kind)
    object.__setattr__(made, "_load", load)
    return made


def _read(value: object, name: str) -> Any:
    if name not in {field.name for field in fields(value)}:  # type: ignore[arg-type] # of a kind above
        raise AttributeError(name)
    found = object.__getattribute__(value, "_load")(name)
    object.__setattr__(value, name, found)
    return found


def _equal(kind: type[Any], one: object, other: object) -> bool:
    if not isinstance(other, kind):
        return False
    names = [field.name for field in fields(kind) if field.compare]
    return all(getattr(one, name) == getattr(other, name) for name in names)
