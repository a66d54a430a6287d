"""`fieldward draft`: what models and rules proposed in a chart, and what a person makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import print_json, say, with_device
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.drafts.finding import Found
    from edge_runtime.opened import OpenChart
    from edge_runtime.runtime import Runtime

_NAMES: Final = "A part by its name, or a field for all of its parts; several with commas."


@click.group()
def draft() -> None:
    """See what was drafted; accept it, in whole or in part, or dismiss it."""


@draft.command("list")
@click.argument("chart_id", metavar="CHART")
@click.option("--all", "everything", is_flag=True, help="Decided drafts, too.")
@with_device()
def list_drafts(runtime: Runtime, chart_id: str, *, everything: bool, as_json: bool) -> None:
    """List the drafts of a chart that wait for a decision.

    Others will see: that you read the drafts of this chart.

    \b
    Examples:
      fieldward draft list 3f2a90bc
      fieldward draft list 3f2a90bc --all --json
    """
    from edge_runtime.cli.draft_text import draft_json, draft_line

    opened = _opened(runtime, chart_id)
    found = runtime.drafts.listed(opened, decided=everything)
    if as_json:
        rows = [draft_json(opened, one, changes=runtime.drafts.changed_since(opened, one)) for one in found]
        print_json({"chart": str(opened.chart), "drafts": rows})
        return
    for one in found:
        say(draft_line(one))
    if not found:
        say("No drafts here." if everything else "No draft waits for a decision; --all lists the decided ones.")


@draft.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("draft_id", metavar="DRAFT")
@with_device()
def show(runtime: Runtime, chart_id: str, draft_id: str, *, as_json: bool) -> None:
    """Show a draft: each statement, where it comes from, and what of it is not in its source.

    Others will see: that you read it.

    \b
    Example:
      fieldward draft show 3f2a90bc 91ab04c2
    """
    from edge_runtime.cli.draft_text import draft_json, draft_rows

    opened, found = _one(runtime, chart_id, draft_id)
    changes = runtime.drafts.changed_since(opened, found)
    if as_json:
        print_json(draft_json(opened, found, changes=changes))
        return
    for row in draft_rows(opened, found, changes=changes):
        say(row)


@draft.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("draft_id", metavar="DRAFT")
@click.option("--only", multiple=True, metavar="PART,..", help=f"Take over these alone. {_NAMES}")
@click.option(
    "--include", multiple=True, metavar="PART,..", help="Take over these although their source does not bear them out."
)
@click.option("--into", multiple=True, metavar="PART=SECTION", help="Write a part, or a field, into this section.")
@click.option(
    "--edit", multiple=True, metavar="PART=TEXT", help="Take over a part in these words; '-' reads standard input."
)
@click.option("--reason", help="Why; needed with --include, and part of what you sign.")
@click.option("--facts", is_flag=True, help="State the facts that it proposes, too.")
@click.option("--demonstration", is_flag=True, help="It is the toy's, and this chart is no patient's.")
@click.option("--outdated", is_flag=True, help="What it was made from has changed since, and you have looked.")
@with_device()
def accept(
    runtime: Runtime,
    chart_id: str,
    draft_id: str,
    only: tuple[str, ...],
    include: tuple[str, ...],
    into: tuple[str, ...],
    edit: tuple[str, ...],
    reason: str | None,
    *,
    facts: bool,
    outdated: bool,
    demonstration: bool,
    as_json: bool,
) -> None:
    """Take over a draft as your own words: all text that is supported, or the parts that you name.

    Text becomes new lines of its sections; a fact, such as a diagnosis, is stated in your name if you name it with
    --only, or ask for all with --facts. All of it is one change. What is marked as not supported is left out, unless
    you name it with --include and say why; so is text without a place in the source, unless you name it with --only.
    The draft is decided then: what you leave out is left out. Sign the document afterwards.
    Others will see: members who read the chart, what you wrote, and which parts you took over and left out.

    \b
    Examples:
      fieldward draft accept 3f2a90bc 91ab04c2
      fieldward draft accept 3f2a90bc 91ab04c2 --only codes.1
      fieldward draft accept 3f2a90bc 91ab04c2 --only subjective,plan.1 --edit plan.1="Rest for two days."
      fieldward draft accept 3f2a90bc 91ab04c2 --include plan.2 --reason "dose read from the packet"
      fieldward draft accept 3f2a90bc 91ab04c2 --into medicines=plan --into what_to_do=plan
    """
    from edge_runtime.cli.draft_input import edits, named, sections
    from edge_runtime.drafts.choosing import Wish

    wish = Wish(
        only=named(only) if only else None,
        facts=facts,
        include=named(include),
        into=sections(into),
        edited=edits(edit),
        reason=reason,
    )
    opened, found = _one(runtime, chart_id, draft_id)
    done = runtime.drafts.accept(
        opened.chart, found.document, found.id, wish, outdated=outdated, demonstration=demonstration
    )
    taken = done.taken
    if as_json:
        print_json(
            {
                "chart": str(opened.chart),
                "document": str(found.document),
                "draft": str(found.id),
                "decision": str(done.decision),
                "accepted": [*taken.accepted],
                "rejected": [*taken.rejected],
                "included": [*taken.included],
                "edited": [*taken.edited],
                "sections": [*taken.texts],
                "facts": len(taken.facts),
                "questions": [*done.questions],
                "entries": [str(entry.hash) for entry in done.entries],
            }
        )
        return
    stated = "1 fact" if len(taken.facts) == 1 else f"{len(taken.facts)} facts"
    places = [f"section {section}" for section in taken.texts] + ([stated] if taken.facts else [])
    say(f"Taken over as yours: {', '.join(taken.accepted)} ({', '.join(places)}).")
    if taken.rejected:
        say(f"Left out: {', '.join(taken.rejected)}.")
    for question in done.questions:
        say(f"Please check: {safe(question)}")  # it may name what others wrote
    say(f"Not signed yet: fieldward workflow sign {opened.chart.short} --document {found.document.short}")


@draft.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("draft_id", metavar="DRAFT")
@click.option("--reason", required=True, help="Why nothing of it is taken over.")
@with_device()
def dismiss(runtime: Runtime, chart_id: str, draft_id: str, reason: str, *, as_json: bool) -> None:
    """Take over nothing of a draft. It stays on record, with your reason.

    Others will see: members who read the chart, that you dismissed it, and why.

    \b
    Example:
      fieldward draft dismiss 3f2a90bc 91ab04c2 --reason "another patient was dictated"
    """
    opened, found = _one(runtime, chart_id, draft_id)
    decision = runtime.drafts.dismiss(opened.chart, found.document, found.id, reason=reason)
    if as_json:
        print_json({"chart": str(opened.chart), "draft": str(found.id), "decision": str(decision)})
        return
    say("Dismissed. Nothing of it was taken over; it stays on record with your reason.")


def _opened(runtime: Runtime, chart_id: str, draft_id: str | None = None) -> OpenChart:
    """A chart of which drafts are about to be shown, recorded as read."""
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.audit.shown import Shown, shown_drafts
    from edge_runtime.drafts.finding import draft_named

    def part(opened: OpenChart) -> Shown:
        chosen = opened.documents if draft_id is None else [draft_named(opened, draft_id).document]
        return shown_drafts(opened, chosen)

    return open_to_show(runtime.charts, runtime.auditor, runtime.charts.find(chart_id), part=part)


def _one(runtime: Runtime, chart_id: str, draft_id: str) -> tuple[OpenChart, Found]:
    from edge_runtime.drafts.finding import draft_named

    opened = _opened(runtime, chart_id, draft_id)
    return opened, draft_named(opened, draft_id)
