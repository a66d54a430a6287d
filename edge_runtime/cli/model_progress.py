"""How far reading or fetching a model is, where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_runtime.ai.models.receiving import Progress


@contextmanager
def on_bar(*, as_json: bool) -> Iterator[Progress]:
    """A bar on standard error; none for machines."""
    from edge_runtime.ai.models.receiving import SILENT, Progress

    if as_json or not sys.stderr.isatty():
        yield SILENT
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield Progress(
            begin=lambda words, size: bars.reset(task, description=words, total=size),
            done=lambda done: bars.update(task, completed=done),
        )
