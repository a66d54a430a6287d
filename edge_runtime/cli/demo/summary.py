"""The demo's last screen: what people wrote and must decide, theft and emergency, the claims with what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge_runtime.cli.demo.cast import WHY
from edge_runtime.cli.output import when
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.marks import UNVERIFIED

if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.cli.demo.dictation import Dictated
    from edge_runtime.cli.demo.glass import Glass
    from edge_runtime.cli.demo.stage import Stage
    from edge_runtime.cli.demo.stolen import Stolen
    from edge_runtime.cli.demo.trail import Tampering, Trail
    from edge_runtime.cli.demo.verdict import Verdict

_EVENTS_SHOWN: Final = 9
_UPKEEP: Final = frozenset({"keys_changed"})
"""Kinds that a person who glances at a trail need not see."""
_NAMES_SHOWN: Final = 3


def print_summary(verdict: Verdict, stage: Stage, keep: Path | None) -> None:
    """Print it."""
    console = Console(highlight=False)
    shown = stage.facts.states.get("tablet", {})
    console.print(_chart(stage, shown))
    console.print(_dictated(stage.facts.dictated))
    console.print(_reviews(verdict.answer["reviews"]))
    console.print(_stolen(stage.facts.stolen))
    console.print(_glass(stage.facts.glass))
    console.print(_trail(stage.facts.trail))
    console.print(_claims(verdict))
    for leak in verdict.leaks[:10]:
        console.print(f"LEAK: {leak.needle} in {leak.place}, form {leak.form or 'raw'}", style="bold red", markup=False)
    if keep is not None:
        console.print(f"The devices are in {keep}; its README.md says how to look around.", markup=False)


def _chart(stage: Stage, shown: dict[str, Any]) -> Panel:
    table = Table(box=None, pad_edge=False, show_header=False)
    for document in shown.get("documents", ()):
        if document["document"] != stage.encounter:
            continue
        for name, section in document["sections"].items():
            authors = ", ".join(f"{one['role']} {one['device'][:8]}" for one in section["authors"])
            table.add_row(
                Text(name.capitalize(), "bold cyan"), Text.assemble(safe(section["text"]), (f"\n{authors}", "dim"))
            )
        for item in document["observations"][-3:]:
            fact, author = item["fact"], item["author"]
            words = f"{fact['text']} {fact.get('value', '')} {fact.get('unit', '')}"
            table.add_row(Text("Finding", "cyan"), Text.assemble(safe(words), (f"   {author['role']}", "dim")))
    return Panel(table, title=f"The merged encounter, chart {stage.chart[:8]}", title_align="left", border_style="cyan")


def _dictated(dictated: Dictated) -> Panel:
    """The draft, statement by statement: what was taken over, and what was left out because the source lacks it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, text in dictated.statements.items():
        kinds = dictated.marked.get(name)
        if kinds is None:
            table.add_row(Text("taken over", "green"), Text(safe(text)))
        else:
            why = f"   {', '.join(sorted(set(kinds)))} not in the dictation"
            table.add_row(Text(" LEFT OUT ", "bold black on yellow"), Text.assemble(safe(text), (why, "dim")))
    table.add_row(
        "", _told("A person took it over; the trail shows draft, decision and what was left out.", held=dictated.held)
    )
    title = f"A dictation, drafted by the model {dictated.model}: a toy"
    return Panel(table, title=title, title_align="left", border_style="magenta")


def _reviews(reviews: list[dict[str, Any]]) -> Panel:
    table = Table(box=None, pad_edge=False, show_header=False)
    for review in reviews:
        table.add_row(Text(review["kind"].replace("_", " "), "bold yellow"), "")
        for value in review["values"]:
            table.add_row(Text(f"  {value['role']} {value['device'][:8]}", "dim"), Text(safe(value["display"])))
    return Panel(table, title="A person must decide", title_align="left", border_style="yellow")


def _stolen(stolen: Stolen) -> Panel:
    """What a colleague sees of a thief's work, once the tablet is revoked."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for line in stolen.lines:
        table.add_row(Text(f" {UNVERIFIED} ", "bold black on yellow"), Text(safe(line)))
    stands = stolen.allergy_stands and stolen.dose_stands and stolen.text_stands
    shown = "Shown, and it changes nothing: allergy, dose and text read as before the theft."
    own = "One of them was the physician's own work; the nurse vouched for it, and it counts."
    table.add_row("", _told(shown, held=stands))
    table.add_row("", _told(own, held=stolen.adopted))
    return Panel(table, title="The stolen tablet, on the nurse's phone", title_align="left", border_style="yellow")


def _glass(glass: Glass) -> Panel:
    """Who opened the chart in an emergency, what that showed, and how it ended."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row(Text("Stranger", "cyan"), Text(f'unconscious: "{WHY}"'))
    allergies = safe(", ".join(glass.allergies)) or "nothing"
    table.add_row(Text("saw", "cyan"), Text.assemble("allergies: ", (allergies, "bold red")))
    then = (
        ("a banner on the nurse's phone", glass.warned),
        ("an alert at the officer's, with the reason", glass.critical and glass.why),
        ("the nurse's review, and new keys that the stranger cannot open", glass.reviewed and glass.locks.out),
    )
    for number, (words, held) in enumerate(then):
        table.add_row(Text("" if number else "and then", "cyan"), _told(words, held=held))
    return Panel(table, title="The broken glass", title_align="left", border_style="red")


def _told(words: str, *, held: bool) -> Text:
    return Text(words, "dim") if held else Text(f"NOT SO: {words}", "bold red")


def _trail(trail: Trail) -> Panel:
    """The end of the officer's timeline, and what the planted tamperings led to."""
    table = Table(box=None, pad_edge=False, show_header=False)
    acts = [event for event in trail.events if event["kind"] not in _UPKEEP]
    for event in acts[-_EVENTS_SHOWN:]:
        who = f"{event['role'].replace('_', ' ')} {event['device'][:8]}"
        names = [*event["compartments"], *event["fields"]]
        fields = ", ".join(names[:_NAMES_SHOWN]) + (" ..." if len(names) > _NAMES_SHOWN else "")
        what = Text.assemble(event["title"], (f"  {safe(fields)}" if fields else "", "dim"))
        table.add_row(Text(when(event["wall_ms"])[11:16], "dim"), Text(who, "cyan"), what)
    for one in trail.tamperings:
        style = "bold green" if one.caught else "bold red"
        table.add_row(
            Text("caught" if one.caught else "MISSED", style), Text("tampering in a copy", style), _caught(one)
        )
    title = "What the compliance officer sees, who can open no chart"
    return Panel(table, title=title, title_align="left", border_style="blue")


def _caught(tampering: Tampering) -> str:
    """What was changed, and the first place that the verification names."""
    if not tampering.caught:
        return f"{tampering.what}: nothing found"
    found = tampering.found[0]
    place = f"device {found['device'][:8]}, entry {found['seq']}" if found["device"] else "the file"
    return f"{tampering.what}: {found['kind'].replace('_', ' ')}, {place}"


def _claims(verdict: Verdict) -> Panel:
    answer = verdict.answer
    table = Table(box=None, pad_edge=False, show_header=False)
    for held, words in (*_sync_claims(answer), *_access_claims(answer), *_record_claims(answer)):
        table.add_row(Text("✓" if held else "✗", "bold green" if held else "bold red"), words)
    whole = "Every claim held" if verdict.ok else "NOT every claim held"
    title = f"{whole}, in {answer['seconds']['total']:.0f} seconds"
    return Panel(table, title=title, title_align="left", border_style="green" if verdict.ok else "red")


def _sync_claims(answer: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    leak, kill = answer["leak"], answer["kill"]
    yield answer["converged"], f"{answer['devices']} devices show the same chart"
    yield (
        kill["lost"] == 0 and kill["acknowledged"] > 0,
        f"relay killed in mid-sync: {kill['acknowledged']} receipted, {kill['unsent']} unsent, {kill['lost']} lost",
    )
    searched = f"{leak['searched_bytes']:,} bytes of relay, desk and traffic"
    yield (
        leak["found"] == 0,
        f"{leak['found']} of {leak['phrases']} phrases and {leak['keys']} keys found in {searched}",
    )
    yield leak["control_caught"], "the same search finds every leak planted in copies, in each form"


def _access_claims(answer: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    stolen, glass, said = answer["stolen"], answer["glass"], answer["dictated"]
    of = f"{said['accepted']} of {said['statements']} statements taken over, {said['rejected']} left out"
    yield said["ok"], f"dictation: drafted on the tablet; {of} because the dictation does not say so"
    theirs = f"{stolen['opened_by_tablet']} of {stolen['new_keys']} new keys open with what it holds"
    yield stolen["ok"], f"stolen tablet: turned away, {stolen['quarantined']} statements set apart; {theirs}"
    theirs = f"{glass['opened_by_stranger']} of {glass['new_keys']} new keys open after the review"
    yield glass["ok"], f"broken glass: opened by relay, desk and token together, seen by all; {theirs}"


def _record_claims(answer: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    audit, trail = answer["audit"], answer["trail"]
    yield audit["verified"], f"{audit['entries']} entries on three devices verify, chain by chain and seal by seal"
    yield (
        trail["ok"] and trail["saw"] > 1,
        f"{trail['entries']} entries verify for the officer; {trail['saw']} devices saw the chart, and it shows",
    )
    yield (
        bool(trail["tamperings"]) and all(one["caught"] for one in trail["tamperings"]),
        f"{len(trail['tamperings'])} tamperings with copies, each found and placed",
    )
    yield (
        len(answer["reviews"]) > 0,
        f"{len(answer['reviews'])} conflicts wait for a person, none was settled by chance",
    )
