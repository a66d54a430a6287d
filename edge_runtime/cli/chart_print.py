"""`fieldward chart show --html FILE` and `--pdf FILE`: a whole chart as one file, recorded before it is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.chart_purge import destruction_lines
from edge_runtime.cli.output import check_out, print_json, say, working, write_out

if TYPE_CHECKING:
    from edge_runtime.opened import OpenChart
    from edge_runtime.runtime import Runtime
    from sync_protocol.audit import Purpose
    from sync_protocol.ids import ChartId


def print_to_file(
    runtime: Runtime, chart: ChartId, *, purpose: Purpose, html: Path | None, pdf: Path | None, as_json: bool
) -> None:
    """Write a chart to a file, as HTML or as PDF; whole, or nothing.

    HTML is recorded as an export, a PDF as a print: paper is what it is for.

    Raises:
        click.UsageError: both forms at once.
        InputError: the file cannot be written.
        RefusedError: the chart may not be shown, or is too long to print.
    """
    from edge_runtime.audit.showing import make_to_hand_out

    if html is not None and pdf is not None:
        raise click.UsageError("give either --html or --pdf")
    out = html or pdf
    assert out is not None, "one of them is given"
    check_out(out)
    form, auditor = "html" if pdf is None else "pdf", runtime.auditor
    lines = destruction_lines(runtime.access.retention(chart), chart)
    with working(f"Making {form.upper()}", as_json=as_json):
        made = make_to_hand_out(
            runtime.charts,
            auditor,
            chart,
            purpose=purpose,
            make=lambda opened: _made(opened, form, made_ms=runtime.surroundings.clock(), warnings=lines),
            record=partial(auditor.exported, purpose=purpose, form=form)
            if pdf is None
            else partial(auditor.printed, purpose=purpose),
        )
    write_out(out, made)
    if as_json:
        print_json({"chart": str(chart), "out": str(out), "form": form, "bytes": len(made)})
        return
    say(f"Chart {chart.short} is written to {out}: {len(made):,} bytes, for you alone to read.")
    say("WARNING: this file holds patient data in the clear. It does not follow later changes of the chart.")
    say("Keep it as you keep the patient's file. Destroy it when it is no longer needed.")


def _made(opened: OpenChart, form: str, *, made_ms: int, warnings: list[str]) -> bytes:
    from edge_runtime.printing.chart_pages import chart_page

    page = chart_page(opened, made_ms=made_ms, warnings=warnings)
    if form == "pdf":
        from edge_runtime.printing.pdf import to_pdf

        return to_pdf(page)
    from edge_runtime.printing.html import to_html

    return to_html(page)
