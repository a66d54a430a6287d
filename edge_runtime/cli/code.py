"""`fieldward code`: codes of terminologies, without a device: nothing is opened, kept or sent."""

from __future__ import annotations

import click

from edge_runtime.cli.code_units import convert
from edge_runtime.cli.line_input import lines
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, EXIT_REFUSED, json_option, print_json, say
from edge_runtime.codes.system import NAMES, CodeSystem, system

_SEARCHED = ("icd10cm",)
_SHOWN = 20
_SEARCH_MAX = 100


@click.group()
def code() -> None:
    """ICD-10-CM, LOINC, SNOMED CT, CPT, RxNorm, UCUM. Needs no device and keeps nothing.

    Valid means listed and complete in ICD-10-CM, and well formed where a list is licensed or longer than what is
    carried here; the reason says which.

    \b
    Examples:
      fieldward code check icd10cm I10 S72.001A
      fieldward code search icd10cm "hip fract"
      fieldward code convert 98.6 '[degF]' Cel
    """


@code.command()
@click.argument("name", metavar="SYSTEM", type=click.Choice(NAMES))
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@click.option("--ndjson", is_flag=True, help="Read an object with 'code' a line from standard input, write one a line.")
@json_option
def check(name: str, codes: tuple[str, ...], *, ndjson: bool, as_json: bool) -> int:
    """Check codes of one SYSTEM: icd10cm, loinc, snomed, cpt, ucum, rxnorm.

    Exit code 0: each is valid; 3: one is not. With --ndjson an invalid code is an answer as any other, so 0: each
    line was answered; 1: a line was no question, and its answer says why.

    \b
    Examples:
      fieldward code check icd10cm I10 S72.001A
      fieldward code check loinc 8867-4 --json
      fieldward code check ucum --ndjson < units.ndjson
    """
    from edge_runtime.codes.lines import judged

    if ndjson == bool(codes):
        raise click.UsageError("Give either codes, one or more, or --ndjson.")
    by = system(name)
    if ndjson:
        return _stream(by)
    found = [(one, by.check(one)) for one in codes]
    if as_json:
        print_json([judged(one, judgement) for one, judgement in found])
    else:
        from edge_runtime.cli.code_text import check_rows

        for one, judgement in found:
            for row in check_rows(one, judgement):
                say(row)
    return EXIT_DONE if all(judgement.valid for _, judgement in found) else EXIT_DAMAGE


def _stream(by: CodeSystem) -> int:
    """Answer every line as it comes; never more than one line is held."""
    from edge_runtime.codes.lines import answer

    answered = True
    for number, line in enumerate(lines(f"fieldward code check {by.name} --ndjson < codes.ndjson"), start=1):
        if not line.strip():
            continue
        found = answer(by, line, number)
        answered &= found.answered
        say(found.text)
    return EXIT_DONE if answered else EXIT_REFUSED


@code.command()
@click.argument("name", metavar="SYSTEM", type=click.Choice(_SEARCHED))
@click.argument("text", nargs=-1, required=True)
@click.option(
    "--limit", type=click.IntRange(1, _SEARCH_MAX), default=_SHOWN, show_default=True, help="Results at most."
)
@json_option
def search(name: str, text: tuple[str, ...], *, limit: int, as_json: bool) -> None:
    """Search icd10cm by words, finished or not, or by the beginning of a code.

    Every word has to be found in a title or in what else is coded so. What may be billed comes first.

    \b
    Examples:
      fieldward code search icd10cm "hip fract"
      fieldward code search icd10cm s72.0 --limit 50
    """
    from edge_runtime.codes.icd10cm_search import search as find
    from edge_runtime.codes.icd10cm_table import table

    del name  # there is one so far
    found = find(table(), " ".join(text), limit=limit)
    if as_json:
        print_json([one._asdict() for one in found])
        return
    from edge_runtime.cli.code_text import found_rows

    for row in found_rows(found, release=table().meta["release"]):
        say(row)


code.add_command(convert)
