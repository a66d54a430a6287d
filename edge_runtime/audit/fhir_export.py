"""AuditEvents as a file: newline-delimited JSON, one resource a line, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from edge_runtime.audit.event import Event
from edge_runtime.audit.fhir import audit_events
from edge_runtime.settings import replacing

_EVERY: Final = 500


def write_ndjson(
    path: Path,
    events: Iterable[Event],
    *,
    progress: Callable[[int], None] | None = None,
    finish: Callable[[int], None] | None = None,
) -> int:
    """Write the AuditEvents of `events`, in their order, to a new file or in place of an old one.

    Args:
        path: the file.
        events: what to write; read one by one.
        progress: told from time to time how many resources are written.
        finish: told how many there are before the file takes its place; an error there leaves no file.

    Returns:
        How many resources.

    Raises:
        OSError: it cannot be written; an old file stands.
    """
    count = 0
    with replacing(path) as file:
        for resource in (resource for event in events for resource in audit_events(event)):
            file.write(json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
            if progress is not None and count % _EVERY == 0:
                progress(count)
        if finish is not None:
            finish(count)
    return count
