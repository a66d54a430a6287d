"""`fieldward incident` add and triage: registering casualties, and saying how urgent they are.

Owns how a category is given: as a colour, or as the findings of a flow chart, which then decides. Refuses a flow chart
that gave no category, and a finding that is hardly possible unless its author confirms it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.output import print_json, say, with_device, working
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import InputError, RefusedError

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from sync_protocol.encoding import Value

_COLOURS: Final = ("red", "yellow", "green", "grey", "black")
_FLOW_CHARTS: Final = ("start", "jumpstart", "salt")


def triage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the ways to give a category."""
    options = [
        click.option("--confirm", is_flag=True, help="Hardly possible findings are true all the same."),
        click.option("--reason", help="Why, in a few words."),
        *(
            click.option(
                f"--{name}", multiple=True, metavar="KEY=VALUE", help=f"A finding; 'fieldward score {name} -h'."
            )
            for name in reversed(_FLOW_CHARTS)
        ),
        click.option("--to", type=click.Choice(_COLOURS), help="The category that you give by your own judgement."),
    ]
    for option in options:
        command = option(command)
    return command


def triage_payload(
    to: str | None, flows: Mapping[str, tuple[str, ...]], reason: str | None, *, confirm: bool
) -> dict[str, Value] | None:
    """The payload of a `triage` fact; None where no category was given.

    Args:
        to: a colour.
        flows: the findings of each flow chart, as typed.
        reason: why.
        confirm: hardly possible findings are true.

    Raises:
        click.UsageError: a category in two ways.
        InputError: a finding is of another form, or hardly possible and not confirmed.
        RefusedError: the flow chart gives no category, or is not for this person.
    """
    from edge_runtime.clinical.layout import TRIAGE_ALIASES

    given = [name for name, pairs in flows.items() if pairs]
    if len(given) + (to is not None) > 1:
        raise click.UsageError("Give the category in one way: --to, --start, --jumpstart or --salt.")
    why: dict[str, Value] = {"reason": reason} if reason else {}
    if to is not None:
        return {"to": TRIAGE_ALIASES[to].value, "system": "clinical", **why}
    if given:
        return _by_flow_chart(given[0], flows[given[0]], confirm=confirm) | why
    if reason or confirm:
        raise click.UsageError("A category is missing: give --to, --start, --jumpstart or --salt.")
    return None


def _by_flow_chart(name: str, pairs: tuple[str, ...], *, confirm: bool) -> dict[str, Value]:
    from edge_runtime.cli.score_text import given_from_text
    from edge_runtime.clinical.scores.catalogue import scale

    chart = scale(name)
    result = chart.score(given_from_text(chart, pairs))
    if result.refused is not None:
        raise result.refused.error()
    if result.triage is None:
        raise RefusedError(
            "no_category",
            expected=f"what {name} asks next: {' or '.join(result.missing)}",
            got="no answer to it",
            do=f"look, and add --{name} {result.missing[0]}=...; 'fieldward score {name} --help' has the words",
        )
    if result.questions and not confirm:
        raise InputError(
            "confirm_findings",
            expected="findings that are possible, or confirmed",
            got=" ".join(result.questions),
            do="look again; if it is so, repeat the command with --confirm",
        )
    return result.triage_payload()


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.option("--tag", help="The number on a printed tag. A number of this device's own unless you say.")
@click.option("--count", type=click.IntRange(1, 64), default=1, show_default=True, help="As many at once, alike.")
@click.option("--note", help="What marks the person: clothing, place. No name; that is 'identify'.")
@triage_options
@with_device()
def add(
    runtime: Runtime,
    incident_id: str,
    *,
    tag: str | None,
    count: int,
    note: str | None,
    to: str | None,
    reason: str | None,
    confirm: bool,
    as_json: bool,
    **flows: tuple[str, ...],
) -> None:
    """Register a casualty: a number, and a chart of its own without a name, shared with the incident's team.

    Write the number on the tag. Another phone never makes the same one.
    Others will see: that charts exist, and that they are shared with the team; nothing that is in them.

    \b
    Examples:
      fieldward incident add "Ferry, pier 4" --to red --note "man, blue jacket, bow" --home phone
      fieldward incident add "Ferry, pier 4" --tag A-0042 --start walks=no --start breathing=no
          --start breathing_after_airway=yes --home phone
    """
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.cli.incident_text import band
    from edge_runtime.clinical.layout import Triage
    from edge_runtime.incidents.registering import Newcomer
    from edge_runtime.incidents.row import Urgency

    if tag is not None and count > 1:
        raise click.UsageError("A tag is one casualty's: leave --count out, or --tag.")
    payload = triage_payload(to, flows, reason, confirm=confirm)
    chart = runtime.incidents.find(incident_id)
    newcomers = [Newcomer(number=tag, triage=payload, note=note)] * count
    with noting_refusals(runtime.auditor, chart), working("Making charts", as_json=as_json):
        made = runtime.incidents.register(chart, newcomers)
    category = None if payload is None else Triage(str(payload["to"]))
    if as_json:
        rows = [{"number": one.number, "chart": str(one.chart), "category": category} for one in made]
        print_json({"incident": str(chart), "registered": rows})
        return
    for one in made:
        say(f"{safe(one.number):<10} {band(Urgency.UNKNOWN if category is None else Urgency(category.value))}")
    say("Write this number on the tag." if tag is None else "Registered by the tag.")


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@triage_options
@click.option("--lower", is_flag=True, help="Yes, less urgent than what is shown.")
@with_device()
def triage(
    runtime: Runtime,
    incident_id: str,
    numbers: tuple[str, ...],
    *,
    to: str | None,
    reason: str | None,
    confirm: bool,
    lower: bool,
    as_json: bool,
    **flows: tuple[str, ...],
) -> None:
    """Triage casualties, again or for the first time. Less urgent than what is shown takes --lower.

    What was said before stays in the chart. Black beside a living colour shows red until somebody looks again.
    Others will see: members, the category and what it rests on; the relay, that something was written.

    \b
    Examples:
      fieldward incident triage "Ferry, pier 4" 17-K4 --to yellow --lower --reason "bleeding stopped" --home phone
      fieldward incident triage "Ferry, pier 4" 17-K4 --start walks=no --start respiratory_rate=34 --home phone
    """
    from edge_runtime.audit.showing import noting_refusals
    from edge_runtime.cli.incident_json import row_json
    from edge_runtime.cli.incident_text import now_line

    payload = triage_payload(to, flows, reason, confirm=confirm)
    if payload is None:
        raise click.UsageError("A category is missing: give --to, --start, --jumpstart or --salt.")
    incidents = runtime.incidents
    chart = incidents.find(incident_id)
    board = incidents.board(chart)
    rows = [incidents.chosen(board, number) for number in dict.fromkeys(numbers)]
    with noting_refusals(runtime.auditor, chart):
        incidents.triage(chart, rows, payload, lower=lower)
    after = incidents.board(chart)
    shown = [(row, found) for row in rows if (found := after.of(row.chart)) is not None]
    if as_json:
        now_ms = runtime.surroundings.clock()
        told = [row_json(new, after, now_ms=now_ms) | {"before": old.urgency} for old, new in shown]
        print_json({"incident": str(chart), "casualties": told})
        return
    for old, new in shown:
        say(now_line(old, new, after))


TRIAGING: Final = (add, triage)
