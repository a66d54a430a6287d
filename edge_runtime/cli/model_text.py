"""Models, choices and adapters as `fieldward model` shows them: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.models.entry import Entry, Unreadable
from edge_runtime.ai.models.wholeness import is_untouched
from edge_runtime.cli.safe_text import safe
from edge_runtime.wording import when

if TYPE_CHECKING:
    from edge_runtime.ai.models.adapter_shelf import ShelvedAdapter
    from edge_runtime.ai.models.choosing import Choice
    from edge_runtime.ai.models.manifest import Manifest
    from edge_runtime.ai.models.signers import Signer

_UNIT: Final = 1000
_SHOWN: Final = 12


def size_text(size: int) -> str:
    """Bytes for a person, in powers of ten, as disks and memory are sold."""
    value, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB"):
        if value < _UNIT:
            break
        value, unit = value / _UNIT, larger
    return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def manifest_json(manifest: Manifest) -> dict[str, Any]:
    """What a model is, for machines; without the digests of its pieces."""
    licence = manifest.licence
    return {
        "name": manifest.name,
        "title": manifest.title,
        "digest": manifest.sha256,
        "bytes": manifest.size,
        "context_tokens": manifest.context_tokens,
        "modalities": [one.value for one in Modality if one in manifest.modalities],
        "licence": {"id": licence.id, "title": licence.title, "url": licence.url, "must_accept": licence.must_accept},
        "memory_bytes_min": manifest.memory_bytes_min,
        "parameters": manifest.parameters,
        "engine_version_min": manifest.engine_version_min,
        "prompt_style": manifest.prompt_style,
        "demonstration": manifest.demonstration,
        "languages": list(manifest.languages),
        "base": manifest.base,
    }


def entry_json(entry: Entry | Unreadable, adapters: int = 0) -> dict[str, Any]:
    """A model that is here, for machines."""
    if isinstance(entry, Unreadable):
        return {"name": entry.name, "state": "unreadable", "reason": entry.error.code}
    kept = entry.kept
    accepted = None
    if kept is not None and kept.accepted is not None:
        accepted = {"at_ms": kept.accepted.at_ms, "manifest": kept.accepted.manifest, "by": kept.accepted.by or None}
    return manifest_json(entry.manifest) | {
        "state": state_of(entry),
        "built_in": kept is None,
        "linked": kept is not None and kept.linked,
        "imported_ms": None if kept is None else kept.imported_ms,
        "accepted": accepted,
        "adapters": adapters,
    }


def state_of(entry: Entry) -> str:
    """Whether it may be loaded, in a word."""
    if not entry.accepted:
        return "licence_open"
    return "ready" if is_untouched(entry) else "check"


def entry_rows(entry: Entry | Unreadable, adapters: int = 0) -> Iterator[str]:
    """A model that is here, for a person."""
    if isinstance(entry, Unreadable):
        yield f"{entry.name}  UNREADABLE: {safe(entry.error.got)}. {safe(entry.error.do).capitalize()}."
        return
    manifest = entry.manifest
    label = "  DEMONSTRATION, not for clinical use" if manifest.demonstration else ""
    yield f"{manifest.name}{label}"
    yield f"  {safe(manifest.title)}"
    takes = ", ".join(one.value for one in Modality if one in manifest.modalities)
    yield (
        f"  {size_text(manifest.size)}, context {manifest.context_tokens:,} tokens, {takes}; "
        f"wants {size_text(manifest.memory_bytes_min)} of memory"
    )
    yield f"  digest {manifest.sha256[:_SHOWN]}..., licence {manifest.licence.id}" + _said(entry)
    if state_of(entry) == "check":
        yield f"  NOT READY: its file is not as it was; run 'fieldward model verify {manifest.name}'"
    if adapters:
        yield f"  {adapters} adapter{'s' if adapters > 1 else ''}: 'fieldward model adapter list'"


def _said(entry: Entry) -> str:
    if entry.kept is None:
        return ", comes with the program"
    accepted = entry.kept.accepted
    terms = "" if accepted is None else f", accepted {when(accepted.at_ms)}"
    return f"{terms}, imported {when(entry.kept.imported_ms)}" + (", linked" if entry.kept.linked else "")


def choice_json(choice: Choice) -> dict[str, Any]:
    """A choice, for machines."""
    return {
        "model": None if choice.entry is None else choice.entry.name,
        "words": choice.words,
        "reasons": [
            {"model": one.model, "chosen": one.chosen, "code": one.code, "words": one.words} for one in choice.reasons
        ],
    }


def choice_rows(choice: Choice) -> Iterator[str]:
    """A choice, for a person."""
    yield choice.words
    for one in choice.reasons:
        yield f"  {'*' if one.chosen else ' '} {one.model}: {one.words}."


def adapter_json(model: str, adapter: ShelvedAdapter, state: str) -> dict[str, Any]:
    """An adapter, for machines."""
    record = adapter.record
    return {
        "model": model,
        "name": record.name,
        "title": record.title,
        "specialty": record.specialty,
        "digest": record.file.hex(),
        "bytes": record.size,
        "rank": record.rank,
        "licence": record.licence,
        "signer": record.signer.hex(),
        "signed_ms": record.signed_ms,
        "state": state,
    }


def adapter_rows(model: str, adapter: ShelvedAdapter, state: str) -> Iterator[str]:
    """An adapter, for a person."""
    record = adapter.record
    yield f"{model} / {record.name}: {safe(record.title)} ({record.specialty}), {size_text(record.size)}, {state}"
    yield f"  signed {when(record.signed_ms)} by {record.signer.hex()}"


def signer_json(signer: Signer) -> dict[str, Any]:
    """A trusted signer, for machines."""
    return {
        "key": signer.key.hex(),
        "organisation": signer.organisation or None,
        "role": signer.role or None,
        "since_ms": signer.since_ms,
    }


def signer_row(signer: Signer) -> str:
    """A trusted signer, for a person."""
    whose = f"{signer.role} of organisation {signer.organisation[:_SHOWN]}" if signer.organisation else "given by hand"
    return f"trusted signer {signer.key.hex()}: {whose}, since {when(signer.since_ms)}"
