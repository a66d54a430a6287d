"""From a name, or none, to an engine that is ready to be asked: choose, check, hold, and let go.

Owns what stands around an engine: a model is looked at before each load, it is refused where the device is too small
for it, its adapters are checked against who is trusted, and it is held in use so that nobody removes it meanwhile. A
composition root: it asks the device what it has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from edge_runtime.ai.engine.litert_library import PACKAGE
from edge_runtime.ai.engine.port import Engine, EngineFacts, Generation, Request
from edge_runtime.ai.errors import BudgetError, ModelError
from edge_runtime.ai.models.adapter_shelf import adapters_on, check_adapter
from edge_runtime.ai.models.choosing import Choice, Device, Need, choose, memory_refusal
from edge_runtime.ai.models.demonstration import demonstration
from edge_runtime.ai.models.entry import Entry, unknown_model
from edge_runtime.ai.models.folder import ModelFolder, models_folder
from edge_runtime.ai.models.inspecting import check_wanted, engine_version
from edge_runtime.ai.models.manifest import ENGINE
from edge_runtime.ai.models.signers import read_signers
from edge_runtime.ai.models.wholeness import check_quickly
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    from edge_runtime.ai.engine.probes import Probes

NO_ADAPTER: Final = ""
"""The name under which an engine takes the adapter that changes nothing, for requests without one."""
Build = Callable[[Path, EngineFacts, Mapping[str, Path]], Engine]
"""Makes the engine of a model's file, with the adapters that may be asked for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What answers.

    Attributes:
        engine: ready to load; None where no model fits: templates and rules do what they can.
        facts: what it is; None likewise.
        choice: why this one.
        left_out: adapters that may not be loaded, by name, and the code of the reason.
    """

    engine: HeldEngine | None
    facts: EngineFacts | None
    choice: Choice
    left_out: Mapping[str, str] = field(default_factory=dict)


def every_model(folder: ModelFolder) -> tuple[Entry, ...]:
    """The models of this device, the package's own among them."""
    brought = demonstration()
    return (*folder.entries(), *(() if brought is None else (brought,)))


def open_model(
    name: str | None,
    need: Need,
    *,
    folder: ModelFolder | None = None,
    device: Device | None = None,
    build: Build | None = None,
) -> Opened:
    """Choose a model and make its engine. Nothing is loaded yet.

    Args:
        name: this one and no other; None: the best that fits.
        need: what the task asks.
        folder: of the models; None: this device's.
        device: what there is; None: ask it.
        build: makes the engine; None: a contained LiteRT-LM, or one in this process where none can be contained.

    Raises:
        ModelError: `model_unknown`, or the model that was named is damaged or for another engine.
        BudgetError: `model_too_large`: the one that was named is too large for this device.
        RefusedError: the one that was named does not take what is needed, or nobody agreed to its terms.
    """
    folder = ModelFolder(models_folder(os.environ)) if folder is None else folder
    device = this_device() if device is None else device
    models = every_model(folder)
    if name is not None and name not in {one.name for one in models}:
        folder.entry(name)  # says what is wrong with it, or that there is none
        raise unknown_model()
    choice = choose(models, need, device, named=name)
    entry = choice.entry
    if entry is None:
        if name is not None:
            raise _refused(choice, name)
        return Opened(None, None, choice)
    check_wanted(entry.manifest)
    check_quickly(entry)
    adapters, left_out = usable_adapters(folder, entry)
    if entry.manifest.neutral:
        adapters[NO_ADAPTER] = entry.neutral
    facts = entry.manifest.facts(engine=f"{ENGINE} {_installed()}")
    engine = (build or _build)(entry.path, facts, adapters)
    return Opened(HeldEngine(engine, folder, entry, device), engine.facts, choice, left_out)


def usable_adapters(folder: ModelFolder, entry: Entry) -> tuple[dict[str, Path], dict[str, str]]:
    """The adapters of a model that may be loaded, by name; and those that may not, with the code of the reason.

    Raises:
        ModelError: nobody can say whose adapters are trusted.
    """
    found = adapters_on(folder.shelf(entry.name))
    if not found:
        return {}, {}
    trusted = read_signers(folder.signers)
    usable: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for one in found:
        try:
            check_adapter(one, trusted, base=entry.manifest.sha256)
        except ModelError as error:
            left_out[one.record.name] = error.code
        else:
            usable[one.record.name] = one.path
    return usable, left_out


class HeldEngine:
    """An engine whose model stays while it is loaded, and is looked at before it is."""

    def __init__(self, engine: Engine, folder: ModelFolder, entry: Entry, device: Device) -> None:
        """Stand around `engine`."""
        self._engine = engine
        self._folder = folder
        self._entry = entry
        self._device = device
        self._held = ExitStack()
        self._loaded = False

    @property
    def facts(self) -> EngineFacts:
        """What this is."""
        return self._engine.facts

    def load(self) -> None:
        """Look at the model, hold it, load it.

        Raises:
            ModelError: it was removed, touched or damaged since.
            BudgetError: `model_too_large`.
            EngineError: the engine does not start.
        """
        if not self._loaded:
            self._take()
        self._engine.load()

    def warm(self) -> None:
        """Prepare what the next request needs."""
        if not self._loaded:
            self._take()
        self._engine.warm()

    def count_tokens(self, request: Request) -> int:
        """Tokens of the prompt."""
        if not self._loaded:
            self._take()
        return self._engine.count_tokens(request)

    def generate(self, request: Request) -> Generation:
        """Begin an answer."""
        if not self._loaded:
            self._take()
        return self._engine.generate(request)

    @property
    def pid(self) -> int | None:
        """The number of the process that the engine is kept in; None where there is none."""
        return getattr(self._engine, "pid", None)

    def close(self) -> None:
        """Let go of the model."""
        self._engine.close()
        self._held.close()
        self._loaded = False

    def __enter__(self) -> Self:
        """Load nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _take(self) -> None:
        refusal = memory_refusal(self._entry, Device(memory_bytes=self._device.memory_bytes))
        if refusal is not None:
            raise _too_large(refusal[1])
        if self._entry.kept is not None or self._folder.shelf(self._entry.name).is_dir():
            # the package's own model is never removed, but its adapters are
            self._held.enter_context(self._folder.using(self._entry.name))
        try:
            check_quickly(self._entry)
        except ModelError:
            self._held.close()
            raise
        self._loaded = True


def this_device(probes: Probes | None = None) -> Device:
    """What this device has now, as `probes` say; None: as the system does."""
    from edge_runtime.ai.engine.probes import SystemProbes

    probes = SystemProbes() if probes is None else probes
    try:
        memory, battery = probes.memory(), probes.battery()
    except RefusedError:  # nobody to ask: then nothing is refused for it
        return Device()
    return Device(
        memory_bytes=None if memory is None else memory.total,
        free_bytes=None if memory is None else memory.available,
        battery_percent=None if battery is None else battery.percent,
        charging=battery is None or battery.charging,
    )


def _build(path: Path, facts: EngineFacts, adapters: Mapping[str, Path]) -> Engine:
    from edge_runtime.ai.engine.containment import can_contain

    if can_contain():
        from edge_runtime.ai.engine.child import ChildEngine

        return ChildEngine(path, facts, adapters=dict(adapters))
    from edge_runtime.ai.engine.litert import LitertEngine

    return LitertEngine(path, facts, adapters=dict(adapters))


def _installed() -> str:
    """The engine's version.

    Raises:
        ModelError: `engine_missing`.
    """
    found = engine_version()
    if found is None:
        raise ModelError(
            "engine_missing",
            expected=f"the engine, package {PACKAGE}",
            got="an installation without it",
            do="install it: pip install 'fieldward[ai]'; templates and rules work without",
        )
    return found


def _refused(choice: Choice, name: str) -> BudgetError | RefusedError:
    """Why the model that was named does not answer."""
    reason = next(one for one in choice.reasons if one.model == name)
    if reason.code.startswith("memory"):
        return _too_large(reason.words)
    return RefusedError(
        reason.code,
        expected="a model that fits the task and may be used",
        got=f"{name}: {reason.words}",
        do="name another, or none: 'fieldward model why' explains each",
    )


def _too_large(words: str) -> BudgetError:
    return BudgetError(
        "model_too_large",
        expected="a model that this device has the memory for",
        got=f"one of which {words}",
        do="name a smaller one, close other programs, or name none: 'fieldward model why' explains each",
    )
