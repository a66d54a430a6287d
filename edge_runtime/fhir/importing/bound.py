"""The bound of one import: its plan holds every resource until all are known.

Owns how much that may be. Refuses an import beyond it as a whole, before anything is recorded. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from edge_runtime.errors import InputError
from edge_runtime.fhir.reading.records import Record, Refusal

IMPORT_BYTES_MAX: Final = 256 * 1024 * 1024
"""Resources of one import, as they are written; the plan takes some five times as much memory."""


def bounded(records: Iterable[Record | Refusal]) -> Iterator[Record | Refusal]:
    """Pass records on, up to the bound.

    Raises:
        InputError: there are more; nothing of this import is recorded then.
    """
    total = 0
    for record in records:
        total += len(record.text) if isinstance(record, Record) else 0
        if total > IMPORT_BYTES_MAX:
            raise InputError(
                "import_too_large",
                expected=f"at most {IMPORT_BYTES_MAX} bytes of resources in one import",
                got="more; nothing of it was recorded",
                do="import it in parts, as several files or as NDJSON cut between lines; what belongs to one patient "
                "finds the same chart in every part, but keep an Encounter and what names it together",
            )
        yield record
