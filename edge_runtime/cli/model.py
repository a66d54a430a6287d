"""`fieldward model`: the models of this device. Needs no home: they are the device's, and hold nothing of a patient."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.model_adapter import adapter
from edge_runtime.cli.model_bench import bench, build_demo
from edge_runtime.cli.model_import import import_model
from edge_runtime.cli.model_progress import on_bar
from edge_runtime.cli.model_share import share
from edge_runtime.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from edge_runtime.ai.models.entry import Entry
    from edge_runtime.ai.models.folder import ModelFolder

_SKILLS: Final = (
    "soap",
    "codes",
    "documentation",
    "translate",
    "handover",
    "instructions",
    "differential",
    "risk",
    "quality",
    "protocol",
)
_GB: Final = 1_000_000_000


@click.group()
def model() -> None:
    """List, import, check, share and measure models; see which one answers, and why. Needs no home.

    They lie in FIELDWARD_MODELS, otherwise in ~/.local/share/fieldward/models.

    \b
    Examples:
      fieldward model list
      fieldward model import /media/stick/gemma-3n-E2B-it-int4.litertlm
      fieldward model why --skill soap
    """


def this_folder() -> ModelFolder:
    """The models of this device."""
    from edge_runtime.ai.models.folder import ModelFolder, models_folder

    return ModelFolder(models_folder(os.environ))


def find(folder: ModelFolder, name: str) -> Entry:
    """A model by its name, the package's own among them.

    Raises:
        ModelError: there is none, or its notes cannot be read.
    """
    from edge_runtime.ai.models.demonstration import demonstration

    brought = demonstration()
    return brought if brought is not None and brought.name == name else folder.entry(name)


@model.command("list")
@click.option("--known", is_flag=True, help="List the models that a bare file is known for, and where their terms are.")
@json_option
def list_models(*, known: bool, as_json: bool) -> None:
    """List the models of this device, and what of others is on its way.

    \b
    Example:
      fieldward model list
    """
    from edge_runtime.cli import model_text

    if known:
        from edge_runtime.ai.models.catalogue import KNOWN

        if as_json:
            print_json({"known": [model_text.manifest_json(one) | {"file": one.file} for one in KNOWN.values()]})
            return
        for one in KNOWN.values():
            wants = model_text.size_text(one.memory_bytes_min)
            say(f"{one.name}: {one.title}; the file {one.file}, {one.size:,} bytes; wants {wants} of memory")
            say(f"  {one.licence.title}, {one.licence.url}")
        return
    from edge_runtime.ai.models.adapter_shelf import adapters_on
    from edge_runtime.ai.models.demonstration import demonstration

    folder, brought = this_folder(), demonstration()
    found = (*folder.found(), *(() if brought is None else (brought,)))
    counted = [(one, len(adapters_on(folder.shelf(one.name)))) for one in found]
    coming = folder.coming()
    if as_json:
        rows = [model_text.entry_json(one, count) for one, count in counted]
        print_json({"models": rows, "coming": [{"name": name, "bytes": came} for name, came in coming]})
        return
    for one, count in counted:
        for row in model_text.entry_rows(one, count):
            say(row)
    for name, came in coming:
        say(f"{name}: {model_text.size_text(came)} came so far; run the same import again to go on")
    if not found:
        say("No model is here: templates and rules only. 'fieldward model import' brings one.")


@model.command()
@click.option("--skill", type=click.Choice(_SKILLS), help="For this task.")
@click.option("--model", "name", help="Judge this one alone.")
@click.option("--tokens", type=click.IntRange(min=0), default=0, help="Prompt and answer together.")
@click.option(
    "--takes", type=click.Choice(["image", "audio"]), multiple=True, help="What the prompt holds beside text."
)
@click.option("--memory", type=click.FloatRange(min=0), help="As if the device had so many GB, all of them free.")
@click.option(
    "--battery", type=click.IntRange(0, 100), help="As if its battery stood at so many percent, not charging."
)
@json_option
def why(
    skill: str | None,
    name: str | None,
    tokens: int,
    takes: tuple[str, ...],
    memory: float | None,
    battery: int | None,
    *,
    as_json: bool,
) -> None:
    """Explain which model answers on this device now, and about every other one why not.

    \b
    Examples:
      fieldward model why --skill soap
      fieldward model why --memory 8 --battery 10
    """
    from dataclasses import replace

    from edge_runtime.ai.engine.port import Modality
    from edge_runtime.ai.models.choosing import Need, choose
    from edge_runtime.ai.models.opening import every_model, this_device
    from edge_runtime.cli import model_text

    folder = this_folder()
    models = every_model(folder)
    if name is not None:
        find(folder, name)
    device = this_device()
    if memory is not None:
        device = replace(device, memory_bytes=round(memory * _GB), free_bytes=round(memory * _GB))
    if battery is not None:
        device = replace(device, battery_percent=battery, charging=False)
    need = Need(
        tokens=tokens, modalities=frozenset({Modality.TEXT, *(Modality(one) for one in takes)}), skill=skill or ""
    )
    choice = choose(models, need, device, named=name)
    if as_json:
        seen = {
            "memory_bytes": device.memory_bytes,
            "free_bytes": device.free_bytes,
            "battery_percent": device.battery_percent,
            "charging": device.charging,
        }
        print_json(model_text.choice_json(choice) | {"skill": skill, "device": seen})
        return
    for row in model_text.choice_rows(choice):
        say(row)


@model.command()
@click.argument("name")
@json_option
def verify(name: str, *, as_json: bool) -> None:
    """Read every byte of a model, and name the pieces that are damaged.

    Exit code 0: it is whole, and may be loaded; 3: it is damaged, and is not loaded until it is mended by the same
    import again, which fetches the damaged pieces only.

    \b
    Example:
      fieldward model verify gemma-3n-e2b-it-int4
    """
    from contextlib import nullcontext

    from edge_runtime.ai.models import wholeness

    folder = this_folder()
    entry = find(folder, name)
    with nullcontext() if entry.kept is None else folder.changing(), on_bar(as_json=as_json) as progress:
        wholeness.verify(entry, progress)
    pieces = len(entry.manifest.pieces)
    if as_json:
        print_json({"name": name, "digest": entry.manifest.sha256, "pieces": pieces, "whole": True})
    else:
        say(f"{name} is whole: {pieces} piece{'s' if pieces > 1 else ''}, digest {entry.manifest.sha256}.")


@model.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(name: str, *, yes: bool, as_json: bool) -> None:
    """Remove a model with its adapters, and what of it is on its way. One that is loaded is not removed.

    \b
    Example:
      fieldward model remove gemma-3n-e4b-it-int4 --yes
    """
    from edge_runtime.ai.models.demonstration import demonstration
    from edge_runtime.ai.models.importing import Registrar
    from edge_runtime.ai.models.inspecting import look
    from edge_runtime.errors import RefusedError
    from edge_runtime.runtime import clock

    folder = this_folder()
    brought = demonstration()
    if brought is not None and name == brought.name:
        raise RefusedError(
            "model_built_in",
            expected="a model that was imported",
            got="the one that comes with the program",
            do="it stays; it answers only where no other model is here, or where it is named",
        )
    if not yes:
        click.confirm(f"Remove {name}?", abort=True, err=True)
    Registrar(folder, clock=clock, inspect=look).remove(name)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        say(f"{name} is removed.")


for command in (import_model, share, adapter, bench, build_demo):
    model.add_command(command)
