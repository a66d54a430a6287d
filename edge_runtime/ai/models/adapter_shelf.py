"""The adapters beside a model: taken in when somebody trusted signed them, and looked at again before each load.

Owns a model's shelf: `NAME/signed.cbor` and `NAME/adapter.lora` for each. Both are written before the folder gets its
name, so an adapter is there whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.adapters import (
    ADAPTER_BYTES_MAX,
    Adapter,
    AdapterFile,
    check_parts,
    claimed_signer,
    open_adapter,
    untrusted_signer,
)
from edge_runtime.ai.models.entry import unusable
from edge_runtime.ai.models.manifest import NAME
from edge_runtime.ai.models.signers import Signer
from edge_runtime.settings import FOLDER_MODE, replace_file, sync_folder
from sync_protocol.errors import PeerError
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.signed import Signed

ADAPTERS_MAX: Final = 64
SIGNED_FILE: Final = "signed.cbor"
LORA_FILE: Final = "adapter.lora"


@dataclass(frozen=True, slots=True)
class ShelvedAdapter:
    """An adapter that is here, as its record says; `check_adapter` says whether it may be loaded.

    Attributes:
        record: what it says of itself; its signature was good when it came.
        signed: the same in its envelope.
        path: of its bytes.
    """

    record: Adapter
    signed: Signed[Adapter]
    path: Path


def adapters_on(shelf: Path) -> tuple[ShelvedAdapter, ...]:
    """The adapters on a shelf, by name; what cannot be read is left out, as it will not load."""
    try:
        folders = sorted(one for one in shelf.iterdir() if NAME.fullmatch(one.name))
    except OSError:
        return ()
    return tuple(found for one in folders[:ADAPTERS_MAX] if (found := _read(one)) is not None)


def check_adapter(adapter: ShelvedAdapter, trusted: Iterable[Signer], *, base: str) -> None:
    """Look whether an adapter may be loaded: signature, signer, bytes, base.

    Raises:
        ModelError: `adapter_signer`, `adapter_forged`, `adapter_damaged`, `adapter_base`.
    """
    if adapter.record.signer not in {one.key for one in trusted}:
        raise untrusted_signer("an adapter whose signer is trusted here", "one whose signer is not, or no more")
    record = open_adapter(adapter.signed, adapter.record.signer).value
    try:
        with adapter.path.open("rb") as file:
            data = file.read(ADAPTER_BYTES_MAX + 1)
    except OSError:
        data = b""
    check_parts(record, data, base)


def shelve(shelf: Path, file: AdapterFile, trusted: Iterable[Signer], *, base: str) -> ShelvedAdapter:
    """Take an adapter in. The caller holds the folder's lock.

    Args:
        shelf: of the model that it goes to.
        file: what came.
        trusted: whose adapters are taken.
        base: the digest of that model's file, hex.

    Raises:
        ModelError: unsigned, damaged, for another base, by nobody trusted; or another of that name is here.
    """
    signer = claimed_signer(file.signed).signer
    if signer not in {one.key for one in trusted}:
        raise untrusted_signer("the signature of a key that is trusted here", f"that of key {signer.short}")
    record = open_adapter(file.signed, signer).value
    check_parts(record, file.data, base)
    place, draft = shelf / record.name, shelf / f".coming-{record.name}"
    there = _read(place) if place.exists() else None
    if there is not None and there.record.file != record.file:
        raise ModelError(
            "adapter_exists",
            expected="a name that no adapter of this model has yet",
            got="the name of another adapter",
            do="remove that one first",
        )
    if there is None and len(adapters_on(shelf)) >= ADAPTERS_MAX:
        raise ModelError(
            "adapters_full",
            expected=f"at most {ADAPTERS_MAX} adapters beside a model",
            got="one more",
            do="remove one first",
        )
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=FOLDER_MODE, parents=True)
        replace_file(draft / LORA_FILE, file.data)
        replace_file(draft / SIGNED_FILE, file.signed.wire)
        shutil.rmtree(place, ignore_errors=True)  # the same adapter, or what nobody can read
        draft.rename(place)
        sync_folder(shelf)
    except OSError as error:
        raise unusable(error) from None
    return ShelvedAdapter(record, file.signed, place / LORA_FILE)


def unshelve(shelf: Path, name: str) -> None:
    """Let an adapter go. The caller holds the folder's lock, and the model unused.

    Raises:
        ModelError: `adapter_unknown`.
    """
    place = shelf / name
    if NAME.fullmatch(name) is None or not place.is_dir():
        raise unknown_adapter()
    try:
        gone = place.with_name(f".gone-{name}")
        shutil.rmtree(gone, ignore_errors=True)
        place.rename(gone)
        sync_folder(place.parent)
    except OSError as error:
        raise unusable(error) from None
    shutil.rmtree(gone, ignore_errors=True)


def unknown_adapter() -> ModelError:
    """The error for an adapter that is not there."""
    return ModelError(
        "adapter_unknown",
        expected="the name of an adapter of this model",
        got="another",
        do="'fieldward model adapter list' names them",
    )


def _read(folder: Path) -> ShelvedAdapter | None:
    try:
        with (folder / SIGNED_FILE).open("rb") as file:
            signed = Signed(Adapter, file.read(RECORD_BYTES_MAX))
        record = signed.claimed()
    except (OSError, PeerError):
        return None
    return ShelvedAdapter(record, signed, folder / LORA_FILE) if record.name == folder.name else None
