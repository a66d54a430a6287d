"""Options that every skill of `fieldward ai` has, and the source that a person names: a file, or a chart."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from edge_runtime.cli.ai_run import NO_MODEL, Chosen
from edge_runtime.cli.output import json_option

SEED_MAX: Final = 2**31 - 1
CONTEXT_TOKENS: Final = 4_096
TIMEOUT_S: Final = 300
OLLAMA: Final = "http://127.0.0.1:11434/v1"


def _options() -> tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...]:
    return (
        json_option,
        click.option("--stream", is_flag=True, help="Print the model's words as they come, before they are checked."),
        click.option(
            "--timeout", "timeout_s", type=click.IntRange(1), default=TIMEOUT_S, show_default=True, help="Seconds."
        ),
        click.option("--max-tokens", "tokens_max", type=click.IntRange(1, 2048), help="Longest answer."),
        click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True),
        click.option("--seed", type=click.IntRange(0, SEED_MAX), default=0, show_default=True),
        click.option("--adapter", help="A specialty adapter of the model; see 'fieldward model list'."),
        click.option(
            "--context", "context_tokens", type=click.IntRange(256), default=CONTEXT_TOKENS, show_default=True,
            help="Tokens that the model of --engine openai holds.",
        ),
        click.option("--url", default=OLLAMA, show_default=True, help="Of --engine openai: a loopback address."),
        click.option(
            "--engine",
            type=click.Choice(["auto", "openai", NO_MODEL]),
            default="auto",
            show_default=True,
            help="LiteRT-LM here; a program on this machine that speaks the OpenAI protocol; or rules alone.",
        ),
        click.option("--model", help="A model by name; without, what suits the device: 'fieldward model why'."),
        click.option(
            "--passphrase-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="With --chart: read the home's passphrase from the first line of this file.",
        ),
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="FIELDWARD_HOME",
            default=lambda: Path.home() / ".fieldward",
            show_default="~/.fieldward",
            help="With --chart: the device.",
        ),
        click.option("--apart", is_flag=True, help="With --chart: keep it in the sensitive compartment."),
        click.option("--document", default="encounter", show_default=True, help="With --chart: which document of it."),
        click.option("--chart", "chart_id", help="Keep the draft in this chart; draft from it if no file is named."),
    )  # fmt: skip


def skill_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets `chosen` and `place` in their stead."""

    @functools.wraps(command)
    def wrapped(**options: Any) -> Any:  # noqa: ANN401 click's
        names = Chosen.__dataclass_fields__
        chosen = Chosen(**{name: options.pop(name) for name in names})
        place = Place(
            chart_id=options.pop("chart_id"),
            document=options.pop("document"),
            apart=options.pop("apart"),
            home=options.pop("home"),
            passphrase_file=options.pop("passphrase_file"),
        )
        return command(chosen=chosen, place=place, **options)

    made: Callable[..., Any] = wrapped
    for option in _options():
        made = option(made)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a draft is kept, if it is.

    Attributes:
        chart_id: the chart as a person names it; None keeps nothing.
        document: of the chart.
        apart: keep the draft in the sensitive compartment, whatever it was made from.
        home: of the device.
        passphrase_file: that opens it.
    """

    chart_id: str | None
    document: str
    apart: bool
    home: Path
    passphrase_file: Path | None
