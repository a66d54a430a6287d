"""`fieldward model bench` and `build-demo`: how fast a model is here, and how the demonstration model is made anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.output import check_out, json_option, print_json, say, working

if TYPE_CHECKING:
    from edge_runtime.ai.models.benching import Speed
    from edge_runtime.ai.models.opening import HeldEngine

_RUNS = 3


@click.command()
@click.argument("name")
@click.option("--runs", type=click.IntRange(1, 50), default=_RUNS, show_default=True, help="Of each side.")
@json_option
def bench(name: str, runs: int, *, as_json: bool) -> None:
    """Measure a model's speed here, through our own path and by LiteRT-LM's own benchmark, in turns.

    \b
    Example:
      fieldward model bench demonstration --json
    """
    from edge_runtime.ai.engine.litert_library import engine_name, library
    from edge_runtime.ai.models import benching
    from edge_runtime.ai.models.choosing import Need
    from edge_runtime.ai.models.opening import open_model
    from edge_runtime.cli.model import find, this_folder

    library()  # without it there is nothing to measure, and this says so
    folder = this_folder()
    entry = find(folder, name)

    def open_engine() -> HeldEngine:
        engine = open_model(name, Need(), folder=folder).engine
        assert engine is not None, "a model that was named is opened or refused"
        return engine

    with working(f"Measuring {name}", as_json=as_json) as tell:
        done = benching.bench(
            open_engine, entry.path, runs=runs, on_run=lambda number: tell(f"Measuring {name}: {number} of {runs}")
        )
    if as_json:
        print_json(
            {"model": name, "digest": entry.manifest.sha256, "engine": engine_name(), "machine": benching.machine()}
            | _json(done.own)
            | {"runs": done.runs, "prompt_tokens": done.prompt_tokens, "answer_tokens": done.answer_tokens}
            | {"reference": {"program": "litert_lm.Benchmark", **_json(done.reference)}}
        )
        return
    say(f"{name}, median of {done.runs} runs, {done.prompt_tokens} tokens in, {done.answer_tokens} out")
    say(f"{'':<28}{'fieldward':>16}{'litert_lm':>16}")
    for words, field, form in (
        ("loaded, ms", "load_ms", ",.0f"),
        ("prefill, tokens a second", "prefill_tokens_per_s", ",.0f"),
        ("decode, tokens a second", "decode_tokens_per_s", ",.1f"),
        ("first token, cold, ms", "first_token_ms_cold", ",.0f"),
        ("first token, warm, ms", "first_token_ms_warm", ",.0f"),
        ("peak memory, bytes", "peak_memory_bytes", ",.0f"),
    ):
        own, reference = getattr(done.own, field), getattr(done.reference, field)
        say(f"{words:<28}{own:>16{form}}{format(reference, form) if reference else '-':>16}")


@click.command("build-demo")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The bundle to write.")
@click.option("--seconds", type=click.FloatRange(min=1), default=600.0, show_default=True, help="Of training.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the made-up texts and of the weights.")
@json_option
def build_demo(out: Path, seconds: float, seed: int, *, as_json: bool) -> None:
    """Train and export the demonstration model anew, from made-up texts. Wants the extra 'maker'.

    The file that comes out is not the one that is shipped, byte for byte: the exporter writes a random id and the time
    into each. manifest.json is written beside it; import both with 'fieldward model import FOLDER --name NAME'.

    \b
    Example:
      fieldward model build-demo --out demo/model.litertlm --seconds 300
    """
    from edge_runtime.ai.maker.build import build

    check_out(out)
    with working("Training", as_json=as_json) as tell:
        build(out, seconds=seconds, seed=seed, report=tell)
    if as_json:
        print_json({"out": str(out), "manifest": str(out.with_name("manifest.json")), "bytes": out.stat().st_size})
        return
    say(f"Written: {out}, {out.stat().st_size:,} bytes, and manifest.json beside it.")
    say(f"Next: fieldward model import {out.parent} --name my-demonstration")


def _json(speed: Speed) -> dict[str, Any]:
    return {
        "load_ms": round(speed.load_ms, 1),
        "prefill_tokens_per_s": round(speed.prefill_tokens_per_s, 1),
        "decode_tokens_per_s": round(speed.decode_tokens_per_s, 1),
        "first_token_ms_cold": round(speed.first_token_ms_cold, 2),
        "first_token_ms_warm": round(speed.first_token_ms_warm, 2) or None,
        "peak_memory_bytes": speed.peak_memory_bytes,
    }
