"""`fieldward ai`: drafts by a model on this device, checked against their source before anybody sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from edge_runtime.cli.ai_check import check
from edge_runtime.cli.ai_options import Place, skill_options
from edge_runtime.cli.ai_run import Chosen
from edge_runtime.cli.output import json_option, print_json, say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """How a skill is called.

    Attributes:
        skill: its name, and the command's.
        option: under which its source is named.
        about: what stands at the head of its help.
        example: the rest of an example's line.
        choices: further options: name, what it is, whether it must be given.
        facts: the file named is JSON of that kind instead of text.
    """

    skill: str
    option: str
    about: str
    example: str
    choices: tuple[tuple[str, str, bool], ...] = ()
    facts: str = ""


_COMMANDS: Final = (
    _Command(
        skill="soap",
        option="transcript",
        about="Draft a SOAP note from the transcript of an encounter: dictated, or doctor and patient by turns.",
        example="--transcript visit.txt --stream",
    ),
    _Command(
        skill="codes",
        option="note",
        about="Suggest ICD-10-CM codes for a note. Only billable codes can come out; each is a question, no diagnosis.",
        example="--note note.txt --json",
    ),
    _Command(
        skill="documentation",
        option="note",
        about="Look for what a note lacks, contradicts or measures in a wrong unit, and draft what would complete it.",
        example="--note note.txt",
    ),
    _Command(
        skill="translate",
        option="text",
        about="Translate a text, and back, so that what did not survive is marked. Labelled as a machine translation.",
        example="--text plan.txt --to es",
        choices=(("language", "--to", True), ("from", "--from", False)),
    ),
    _Command(
        skill="handover",
        option="note",
        about="Draft a hand-over by SBAR: situation, background, assessment, recommendation.",
        example="--chart 3f2a90bc --home tablet",
    ),
    _Command(
        skill="instructions",
        option="note",
        about="Draft instructions for the patient, in plain words.",
        example="--note note.txt",
    ),
    _Command(
        skill="differential",
        option="note",
        about="Prompts for the clinician: what else to think of, and what to ask. Advice; it diagnoses nothing.",
        example="--note note.txt",
    ),
    _Command(
        skill="risk",
        option="scores",
        about="Explain scores in words. The numbers are those of 'fieldward score'; the model only words them.",
        example="--scores news2.json",
        facts="scores",
    ),
    _Command(
        skill="quality",
        option="report",
        about="Say how well a document is kept and what would mend it: a rule's score, in words.",
        example="--chart 3f2a90bc --home tablet",
        facts="report",
    ),
    _Command(
        skill="protocol",
        option="situation",
        about="Quote the emergency protocol that fits a situation, word for word, with its source.",
        example="--situation situation.txt",
        choices=(("protocols", "--protocols", False),),
    ),
)
_CHOICE_HELP: Final[Mapping[str, str]] = {
    "language": "Into this language: es, fr, pt, ar, hi, zh, uk and more.",
    "from": "From this language; English where it is not said.",
    "protocols": "A folder of your organisation's own protocols, beside those that are shipped.",
}


@click.group()
def ai() -> None:
    """Drafts by a model on this device. Nothing leaves it, nothing is decided, and a person takes over what is right.

    Every draft cites its source, and what the source does not bear out is marked before you see it. Where no model is
    installed, a demonstration model answers, and says so; with --engine none, templates and rules do what they can.

    \b
    Examples:
      fieldward ai soap --transcript visit.txt
      fieldward ai soap --transcript visit.txt --chart 3f2a90bc --home tablet
      fieldward ai check --source visit.txt --draft note.txt
    """


@ai.command("skills")
@json_option
def list_skills(*, as_json: bool) -> None:
    """List what can be drafted.

    \b
    Example:
      fieldward ai skills
    """
    from edge_runtime.ai.skills.catalogue import SKILLS, skill

    found = [skill(name.value) for name in SKILLS]
    if as_json:
        print_json([{"name": one.name.value, "title": one.title, "template": one.template} for one in found])
        return
    for one in found:
        say(f"{one.name.value:<15}{one.title}  ({one.template})")


def _made(command: _Command) -> click.Command:
    """The command of one skill."""

    def carry_out(*, chosen: Chosen, place: Place, file: Path | None, **choices: str | None) -> int:
        from edge_runtime.cli.ai_source import drafted_from

        given = {name: value for name, value in choices.items() if value is not None}
        return drafted_from(command.skill, file, given, facts=command.facts, chosen=chosen, place=place)

    made: Callable[..., Any] = carry_out
    for name, option, required in command.choices:
        made = click.option(option, name, required=required, help=_CHOICE_HELP[name])(made)
    kind = "A file of JSON" if command.facts else "A file of text"
    made = click.option(
        f"--{command.option}",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"{kind}; - reads.",
    )(skill_options(made))
    help_ = f"{command.about}\n\n\b\nExample:\n  fieldward ai {command.skill} {command.example}"
    return click.command(command.skill, help=help_, short_help=command.about.partition(". ")[0])(made)


ai.add_command(check)
for _one in _COMMANDS:
    ai.add_command(_made(_one))
