"""`fieldward review`: what a person must decide, across all charts or in one, and deciding it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.output import print_json, say, with_device, working
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_runtime.clinical.reviews import Review
    from edge_runtime.opened import OpenChart
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import ChartId


@click.group()
def review() -> None:
    """See and decide what the rules could not."""


@review.command("list")
@click.argument("chart_id", metavar="[CHART]", required=False)
@click.option("--all", "everything", is_flag=True, help="Decided reviews, too.")
@with_device()
def list_reviews(runtime: Runtime, chart_id: str | None, *, everything: bool, as_json: bool) -> None:
    """List what waits for a decision: in every chart of this device, or in one.

    Others will see: that you read these reviews, and of which charts.

    \b
    Examples:
      fieldward review list --home tablet
      fieldward review list 3f2a90bc --all --home tablet
    """
    from edge_runtime.cli.review_text import print_list, review_json

    charts = runtime.charts
    found: list[tuple[OpenChart, list[Review]]] = []
    closed: list[ChartId] = []
    with working("Opening charts", as_json=as_json):
        for name in runtime.keyring.charts() if chart_id is None else [charts.find(chart_id)]:
            opened = charts.open(name)
            if chart_id is None and (opened.destroyed is not None or opened.lacks is not None or opened.sealed):
                closed.append(name)
                continue
            chosen = [one for one in opened.state.reviews if everything or one.open]
            if chosen or chart_id is not None:
                found.append((_open(runtime, name, chosen, whole=as_json), chosen))
    if as_json:
        rows = [review_json(opened, one) for opened, chosen in found for one in chosen]
        print_json({"reviews": rows, "closed": [str(name) for name in closed]})
        return
    print_list(found)
    if not any(chosen for _, chosen in found):
        say("Nothing waits for a decision." if not everything else "Nothing here contradicts itself, decided or not.")
    if closed:
        say(f"Charts that this device may not read, and of which nothing is listed: {len(closed)}.")


@review.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("review_id", metavar="REVIEW")
@with_device()
def show(runtime: Runtime, chart_id: str, review_id: str, *, as_json: bool) -> None:
    """Show a review whole: every statement with its author and time, what it replaced, and who decided what.

    Others will see: that you read it.

    \b
    Example:
      fieldward review show 3f2a90bc 9c1f03aa --home tablet
    """
    from edge_runtime.cli.review_text import print_review, review_json

    opened, one = _one(runtime, chart_id, review_id)
    if as_json:
        print_json(review_json(opened, one, whole=True))
        return
    print_review(opened, one)


@review.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("review_id", metavar="REVIEW")
@click.option("--decision", required=True, help="What you decide, in a few words.")
@click.option("--reason", required=True, help="Why.")
@click.option(
    "--keep",
    metavar="STATEMENT",
    help="State this one again in place of all: its id or its beginning, or exactly what it says.",
)
@click.option("--again", is_flag=True, help="Put this decision in the place of one that stands.")
@with_device()
def decide(
    runtime: Runtime,
    chart_id: str,
    review_id: str,
    *,
    decision: str,
    reason: str,
    keep: str | None,
    again: bool,
    as_json: bool,
) -> None:
    """Decide a review as it was last shown on this device. New evidence since then is refused: look again, first.

    A decision changes no value by itself; --keep does, in the same signed change. Signed in your name, for good.
    Others will see: members who read the chart, the decision and its reason; the relay, that something was written.

    \b
    Examples:
      fieldward review decide 3f2a90bc 9c1f03aa --decision "both are taken" --reason "asked the ward" --home tablet
      fieldward review decide 3f2a90bc 9c1f03aa --keep 51aa0c37 --decision "stopped" --reason "INR 6" --home tablet
    """
    from edge_runtime.access.decisions import Decisions
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.clinical.deciding import what_remains

    opened, one = _one(runtime, chart_id, review_id, note=False)
    with noting_refusals(runtime.auditor, opened.chart):
        made = Decisions(runtime.charts).decide(opened, one, decision=decision, reason=reason, keep=keep, again=again)
    following = what_remains(one.kind, kept=made.kept is not None)
    if as_json:
        kept = None if made.kept is None else str(made.kept)
        told: dict[str, Any] = {"chart": str(opened.chart), "review": str(one.id), "decision": str(made.decision)}
        print_json(told | {"kept": kept, "next": following})
        return
    say(f"Decided: {safe(decision)}. It is signed in your name.")
    if made.kept is not None:
        say("What you kept is stated again, in place of all the others.")
    if following is not None:
        say(f"Still to do: {following}.")


def _one(runtime: Runtime, chart_id: str, review_id: str, *, note: bool = True) -> tuple[OpenChart, Review]:
    """A chart and one review of it, about to be shown: recorded, and remembered where its values are printed."""
    from edge_runtime.access.decisions import review_named
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.audit.shown import shown_reviews

    name = runtime.charts.find(chart_id)
    opened = open_to_show(
        runtime.charts,
        runtime.auditor,
        name,
        part=lambda found: shown_reviews(found, [review_named(found, review_id)]),
    )
    one = review_named(opened, review_id)
    if note:
        _note(runtime, [one])
    return opened, one


def _open(runtime: Runtime, chart: ChartId, reviews: list[Review], *, whole: bool) -> OpenChart:
    """A chart whose reviews are about to be shown; what a list cuts, nobody has seen, so that it is not decided so."""
    from edge_runtime.audit.showing import open_to_show
    from edge_runtime.audit.shown import shown_reviews
    from edge_runtime.cli.review_text import VALUES_MAX

    opened = open_to_show(runtime.charts, runtime.auditor, chart, part=lambda found: shown_reviews(found, reviews))
    _note(runtime, [one for one in reviews if whole or len(one.values) <= VALUES_MAX])
    return opened


def _note(runtime: Runtime, reviews: Iterable[Review]) -> None:
    from edge_runtime.access.decisions import Decisions

    Decisions(runtime.charts).note_shown(reviews)
