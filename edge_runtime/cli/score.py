"""`fieldward score`: scores and triage, without a device: nothing is opened, kept or sent."""

from __future__ import annotations

from typing import Final

import click

from edge_runtime.cli.line_input import lines
from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, json_option, print_json, say
from edge_runtime.clinical.scores.catalogue import SCALES, scale
from edge_runtime.clinical.scores.lines import answer
from edge_runtime.clinical.scores.scale import Scale

_EXAMPLES: Final = {
    "news2": "respiratory_rate=18 spo2=95 spo2_scale=1 on_oxygen=no systolic_bp=120 pulse=72 consciousness=A "
    "temperature=36.8",
    "qsofa": "respiratory_rate=24 altered_mentation=no systolic_bp=95",
    "gcs": "eye=3 verbal=4 motor=6",
    "apgar": "appearance=1 pulse=2 grimace=2 activity=1 respiration=2 minute=5",
    "start": "walks=no respiratory_rate=24 radial_pulse=yes obeys_commands=yes",
    "jumpstart": "walks=no respiratory_rate=28 irregular_breathing=no palpable_pulse=yes avpu=V",
    "salt": "breathing=yes obeys_commands=yes peripheral_pulse=yes respiratory_distress=no "
    "haemorrhage_controlled=yes minor_injuries_only=no",
}


@click.group()
def score() -> None:
    """NEWS2, qSOFA, GCS, Apgar; START, JumpSTART, SALT. Needs no device and keeps nothing.

    What is missing is named; nothing is assumed in its place, and there is no score then.

    \b
    Examples:
      fieldward score list
      fieldward score gcs --input eye=3 --input verbal=4 --input motor=6
      fieldward score news2 --ndjson < patients.ndjson
    """


@score.command("list")
@json_option
def list_scores(*, as_json: bool) -> None:
    """List the scores with their inputs.

    \b
    Example:
      fieldward score list
    """
    from edge_runtime.cli.score_text import scale_json, scale_rows

    if as_json:
        print_json([scale_json(one) for one in SCALES.values()])
        return
    for one in SCALES.values():
        for row in scale_rows(one):
            say(row)


def _command(one: Scale) -> click.Command:
    """The command of one score."""

    @click.command(one.name, help=_help(one), short_help=one.title + ".")
    @click.option("--input", "inputs", multiple=True, metavar="KEY=VALUE", help="One input; may be given many times.")
    @click.option("--ndjson", is_flag=True, help="Read a JSON object a line from standard input, write one a line.")
    @json_option
    def command(inputs: tuple[str, ...], *, ndjson: bool, as_json: bool) -> int:
        if ndjson == bool(inputs):
            raise click.UsageError("Give either --input KEY=VALUE, once or more, or --ndjson.")
        if ndjson:
            return _stream(one)
        return _single(one, inputs, as_json=as_json)

    return command


def _help(one: Scale) -> str:
    rows = "\n".join(f"  {field.name:<32}{field.form}" for field in one.fields)
    example = " ".join(f"--input {pair}" for pair in _EXAMPLES[one.name].split())
    return (
        f"{one.title}. {one.whom}\n\nExit code 0: scored; 1: something is missing or wrong, and named.\n\n"
        f"\b\nInputs:\n{rows}\n\n\b\nExample:\n  fieldward score {one.name} {example}\n\nSource: {one.source}"
    )


def _single(one: Scale, inputs: tuple[str, ...], *, as_json: bool) -> int:
    from edge_runtime.cli.score_text import given_from_text, result_rows

    result = scale(one.name).score(given_from_text(one, inputs))
    written = result.to_json()  # raises where the rule is not for this patient
    if as_json:
        print_json(written)
    else:
        for row in result_rows(one, result):
            say(row)
    return EXIT_DONE if result.complete else EXIT_REFUSED


def _stream(one: Scale) -> int:
    """Answer every line as it comes; never more than one line is held."""
    complete = True
    for number, line in enumerate(lines(f"fieldward score {one.name} --ndjson < patients.ndjson"), start=1):
        if not line.strip():
            continue
        found = answer(one, line, number)
        complete &= found.complete
        click.echo(found.text)
    return EXIT_DONE if complete else EXIT_REFUSED


for _one in SCALES.values():
    score.add_command(_command(_one))
