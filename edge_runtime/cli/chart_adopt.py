"""`fieldward chart adopt`: what waits for a reviewer in a chart, and vouching for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.authors import author_json, who
from edge_runtime.cli.output import print_json, say, when, with_device
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_runtime.access.adoption import Adoption, Waiting
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import CertificateHash, ChartId


@click.command()
@click.argument("chart_id", metavar="CHART")
@click.argument("entries", metavar="[ENTRY]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that this device's user may adopt.")
@with_device()
def adopt(runtime: Runtime, chart_id: str, entries: tuple[str, ...], *, everything: bool, as_json: bool) -> None:
    """Vouch for entries that are quarantined, so that they count. Without ENTRY: list what waits, and for whom.

    Adopting a text adopts what it was typed after, too. Nobody adopts what its own user wrote, or its role may not.
    Others will see: who vouched for which entries, the relay included; members, that they count from then on.

    \b
    Examples:
      fieldward chart adopt 3f2a90bc --home tablet
      fieldward chart adopt 3f2a90bc 9be01c44 --home tablet
    """
    from edge_runtime.audit.showing import noting_refusals, open_to_show

    if entries and everything:
        raise InputError("usage", expected="ENTRY or --all", got="both", do="see --help")
    found = runtime.charts.find(chart_id)
    adoption = runtime.access.adoption(open_to_show(runtime.charts, runtime.auditor, found))
    if not entries and not everything:
        _list(runtime, found, adoption, as_json=as_json)
        return
    with noting_refusals(runtime.auditor, found):
        chosen = [adoption.find(entry) for entry in entries]
        if everything:
            chosen = [one for one in adoption.waiting if adoption.why_not(one) is None]
        adopted = adoption.adopt(chosen)
    left = [one for one in adoption.waiting if one not in chosen]
    if as_json:
        print_json(
            {"chart": str(found), "adopted": [str(name) for name in adopted], "left": [str(one.entry) for one in left]}
        )
        return
    say(f"{len(adopted)} entries of chart {found.short} count from now on. Others see that you vouched for them.")
    if left:
        say(f"{len(left)} still wait: 'fieldward chart adopt {found.short}' says for whom.")


def _list(runtime: Runtime, chart: ChartId, adoption: Adoption, *, as_json: bool) -> None:
    """What waits, oldest first, with everything that a reviewer decides by."""
    if as_json:
        print_json({"chart": str(chart), "quarantined": [_facts(adoption, one) for one in adoption.waiting]})
        return
    if not adoption.waiting:
        say(f"Nothing that you can read in chart {chart.short} is quarantined.")
    for one in adoption.waiting:
        say(f"{one.entry.short}  {who(one.author)}, {when(one.wall_ms)}")
        say(f"  {'; '.join(one.why)}")
        for line in one.says:
            say(f"  | {safe(line)}")
        beside = set(one.adopts) - {one.entry}
        if beside:
            say(f"  with {len(beside)} more that it was typed after")
        refusal = adoption.why_not(one)
        say(f"  may adopt it: {_people(runtime, adoption.adopters(one)) or 'nobody in the chart'}")
        if refusal is not None:
            say(f"  not you: it takes {refusal.expected}")


def _facts(adoption: Adoption, one: Waiting) -> dict[str, Any]:
    refusal = adoption.why_not(one)
    return {
        "entry": str(one.entry),
        "document": str(one.document),
        "compartment": one.compartment.name.lower(),
        "author": author_json(one.author),
        "wall_ms": one.wall_ms,
        "why": list(one.why),
        "says": list(one.says),
        "kinds": sorted(one.kinds),
        "adopts": [str(name) for name in one.adopts],
        "adopters": [str(name) for name in adoption.adopters(one)],
        "refused": None if refusal is None else refusal.code,
    }


def _people(runtime: Runtime, names: Sequence[CertificateHash]) -> str:
    """Devices with their roles, as lists of members show them."""
    organisation = runtime.keyring.organisation()
    shown: list[str] = []
    for name in names:
        certificate = organisation.trust.certificate(name)
        assert certificate is not None, "a member has a known certificate"
        roles = " and ".join(sorted(role.value for role in organisation.now.roles(name)))
        you = ", you" if name == runtime.identity.principal else ""
        shown.append(f"{certificate.value.device.short} ({roles}{you})")
    return ", ".join(shown)
