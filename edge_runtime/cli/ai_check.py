"""`fieldward ai check`: what a draft says that its source does not, by rules alone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from edge_runtime.ai.drafted_json import unsupported_json
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, json_option, print_json, say
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.text_file import read_text
from edge_runtime.errors import InputError

TEXT_BYTES_MAX: Final = 1024 * 1024
_AROUND: Final = 32
"""Characters shown on either side of a finding."""


@click.command()
@click.option("--source", required=True, type=click.Path(path_type=Path), help="What the draft was made from; - reads.")
@click.option("--draft", required=True, type=click.Path(path_type=Path), help="The draft: text, or JSON of texts.")
@click.option("--exit-code", is_flag=True, help="Leave with 3 where something was found, for scripts.")
@json_option
def check(source: Path, draft: Path, *, exit_code: bool, as_json: bool) -> int:
    """Mark numbers, drugs, doses, allergies and negations of a draft that its source does not bear out.

    No model is used, nothing is kept, and nothing leaves this device. Positions count Unicode characters from 0 in the
    draft's text as it is in the file. What is not marked is not thereby true: docs/ai.md says what the rules see.

    \b
    Examples:
      fieldward ai check --source transcript.txt --draft note.txt
      fieldward ai check --source transcript.txt --draft note.txt --json
    """
    from edge_runtime.ai.checking.check import unsupported

    if str(source) == "-" == str(draft):
        raise click.UsageError("Only one of --source and --draft can be standard input.")
    said, text = read_text(source, TEXT_BYTES_MAX, "--source"), read_text(draft, TEXT_BYTES_MAX, "--draft")
    if not said.strip():
        raise InputError("source_empty", expected="what the draft was made from", got="no words", do="check --source")
    found = unsupported(said, text)
    if as_json:
        print_json({"unsupported": [unsupported_json(one) for one in found]})
    elif not found:
        say("Nothing was found that the source does not bear out. What the rules cannot see, a person must.")
    else:
        say(f"{len(found)} not borne out by the source:")
        for one in found:
            before = text[max(0, one.start - _AROUND) : one.start]
            after = text[one.end : one.end + _AROUND]
            line = text.count("\n", 0, one.start) + 1
            shown = f"{before}»{one.text}«{after}".replace("\n", " ")
            say(f"  {one.kind.value:<9} line {line:<4} …{safe(shown)}…")
    return EXIT_DAMAGE if found and exit_code else EXIT_DONE
