"""Which model answers: the best that is here, may be used, fits the task and runs on this device now, and why.

Owns the rule, and asks nothing: what the device has, the caller found out. The tiers follow from each model's own
numbers: Gemma 3n E4B wants a device of 12 GB, E2B one of 8 GB, a small text model less; the demonstration model answers
only where nothing else is installed, or where it is named. Without any, templates and rules do what they can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.models.entry import Entry

LOW_BATTERY_PERCENT: Final = 15
"""Below it, off the charger, the smallest model that does answers: the device has other work until it is charged."""
_SOLD: Final = 1000**3
_REPORTED: Final = 10
_MISSING: Final = 9
"""Nine tenths: a device of 8 GB, as sold, reports less, since firmware and graphics keep their share."""
_FREE: Final = 2
"""Half of what a model wants must be free: its weights are mapped from the file and can be let go and read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a task asks of a model.

    Attributes:
        tokens: prompt and answer together.
        modalities: of the prompt.
        skill: which, for people; empty: any.
    """

    tokens: int = 0
    modalities: frozenset[Modality] = frozenset({Modality.TEXT})
    skill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What the device has. None: nobody could say, and nothing is refused for it.

    Attributes:
        memory_bytes: in all.
        free_bytes: of them.
        battery_percent: its charge.
        charging: on the charger, or without a battery.
    """

    memory_bytes: int | None = None
    free_bytes: int | None = None
    battery_percent: int | None = None
    charging: bool = True

    @property
    def is_low(self) -> bool:
        """Whether the battery has to be spared."""
        return self.battery_percent is not None and self.battery_percent < LOW_BATTERY_PERCENT and not self.charging


@dataclass(frozen=True, slots=True)
class Reason:
    """What was decided about one model.

    Attributes:
        model: its name.
        chosen: whether it answers.
        code: a stable word: why, or why not.
        words: the same as a sentence.
    """

    model: str
    chosen: bool
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided.

    Attributes:
        entry: the model that answers; None: templates and rules.
        reasons: about every model, the chosen one first.
        words: the outcome as a sentence.
    """

    entry: Entry | None
    reasons: tuple[Reason, ...]
    words: str


def choose(models: Iterable[Entry], need: Need, device: Device, *, named: str | None = None) -> Choice:
    """Choose.

    Args:
        models: those that are here, the package's own among them.
        need: what the task asks.
        device: what there is.
        named: somebody wants this one: it is judged alone, and may be the demonstration.
    """
    every = sorted(models, key=_worth, reverse=True)
    refused = {one.name: _refusal(one, need, device) for one in every}
    fit = [one for one in every if refused[one.name] is None and named in {None, one.name}]
    real = [one for one in fit if not one.manifest.demonstration]
    pool = real or fit
    chosen = None if not pool else pool[-1] if device.is_low else pool[0]
    reasons = [_told(one, refused[one.name], chosen, device, named=named) for one in every]
    return Choice(chosen, tuple(sorted(reasons, key=lambda one: not one.chosen)), _outcome(chosen, device, named))


def memory_refusal(entry: Entry, device: Device) -> tuple[str, str] | None:
    """Why a model is too large for the device, as code and words; None where it is not."""
    wanted = entry.manifest.memory_bytes_min
    if device.memory_bytes is not None and device.memory_bytes * _REPORTED < wanted * _MISSING:
        return "memory_small", f"it wants a device of {_gb(wanted)}, and this one has {_gb(device.memory_bytes)}"
    if device.free_bytes is not None and device.free_bytes * _FREE < wanted:
        return "memory_taken", f"it wants {_gb(wanted // _FREE)} free, and {_gb(device.free_bytes)} are"
    return None


def _refusal(entry: Entry, need: Need, device: Device) -> tuple[str, str] | None:
    manifest = entry.manifest
    if not entry.accepted:
        return "licence_open", f"nobody agreed to the {manifest.licence.title} yet"
    missing = sorted(one.value for one in need.modalities - manifest.modalities)
    if missing:
        return "modality_missing", f"it takes no {' and no '.join(missing)}"
    if manifest.context_tokens < need.tokens:
        return "context_short", f"it holds {manifest.context_tokens:,} tokens, and {need.tokens:,} are needed"
    return memory_refusal(entry, device)


def _told(
    entry: Entry, refusal: tuple[str, str] | None, chosen: Entry | None, device: Device, *, named: str | None
) -> Reason:
    if chosen is not None and entry.name == chosen.name:
        code, words = _why(entry, device, named=named)
        return Reason(entry.name, chosen=True, code=code, words=words)
    if named is not None and entry.name != named:
        code, words = "not_named", "another model was named"
    else:
        code, words = refusal or _why_not(entry, device)
    return Reason(entry.name, chosen=False, code=code, words=words)


def _why(entry: Entry, device: Device, *, named: str | None) -> tuple[str, str]:
    if named is not None:
        return "named", "it was named, and fits"
    if entry.manifest.demonstration:
        return "demonstration", "no other model here fits; what it writes is a demonstration only"
    if device.is_low:
        return "smallest", "the battery is low, and it is the smallest that fits"
    return "largest", "it is the largest that fits this device and this task"


def _why_not(entry: Entry, device: Device) -> tuple[str, str]:
    if entry.manifest.demonstration:
        return "demonstration", "it is a demonstration, and a real model is here"
    if device.is_low:
        return "battery_low", f"it fits, and the battery is at {device.battery_percent} %: a smaller one is used"
    return "smaller", "it fits, and a larger one does too"


def _outcome(chosen: Entry | None, device: Device, named: str | None) -> str:
    if chosen is None:
        who = "The model that was named does not fit" if named is not None else "No model fits"
        return f"{who}: templates and rules only."
    if chosen.manifest.demonstration:
        return f"{chosen.name} answers. It is a DEMONSTRATION, not for clinical use."
    return f"{chosen.name} answers" + (", to spare the battery." if device.is_low and named is None else ".")


def _worth(entry: Entry) -> tuple[int, int, str]:
    """Larger is better; where nobody knows the parameters, the file's size tells."""
    return (entry.manifest.parameters or entry.manifest.size, entry.manifest.size, entry.name)


def _gb(size: int) -> str:
    """Bytes as people buy them."""
    return f"{size / _SOLD:.1f} GB"
