"""`fieldward code convert`: a quantity in another unit. Needs no device and keeps nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import click

from edge_runtime.cli.output import json_option, print_json, say
from edge_runtime.errors import InputError

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


@click.command(context_settings={"ignore_unknown_options": True})  # so that -40 is a value
@click.argument("value")
@click.argument("unit")
@click.argument("to")
@json_option
def convert(value: str, unit: str, to: str, *, as_json: bool) -> None:
    """Convert VALUE from UNIT to the unit TO, both UCUM codes.

    Computed in fractions by UCUM's own factors; a result that no finite decimal holds is rounded to 18 digits, and
    says so. What depends on the substance (mg to mmol, meq to mmol), on a procedure ([iU]) or on a logarithm (pH) is
    refused.

    \b
    Examples:
      fieldward code convert 98.6 '[degF]' Cel
      fieldward code convert 120 'mm[Hg]' kPa --json
    """
    from edge_runtime.codes import ucum

    if not _NUMBER.fullmatch(value):
        raise InputError("not_a_value", expected="a decimal number", got="other text", do="write it as in 98.6")
    found, exact = ucum.rounded(ucum.exactly(Decimal(value), unit, to))
    written = format(found, "f") if -30 < found.adjusted() < 30 else str(found)  # noqa: PLR2004 beyond that, no one counts zeros
    if as_json:
        names = {key: ucum.SYSTEM.check(code).display for key, code in (("unit_display", unit), ("to_display", to))}
        print_json({"value": value, "unit": unit, "to": to, "result": written, "exact": exact, **names})
        return
    say(f"{written} {to}" + ("" if exact else "  (rounded)"))
