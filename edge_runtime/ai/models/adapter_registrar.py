"""Adapters and their signers, changed one at a time, each change in the journal.

Owns the order: the folder is locked, a model whose adapters change is not in use, and a signer is trusted before what
they signed is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.adapter_shelf import ShelvedAdapter, shelve, unshelve
from edge_runtime.ai.models.adapters import Adapter, AdapterFile, claimed_signer
from edge_runtime.ai.models.entry import Entry, unusable
from edge_runtime.ai.models.folder import ModelFolder
from edge_runtime.ai.models.importing import Registrar
from edge_runtime.ai.models.signers import Signer, read_signers, write_signers
from sync_protocol.signing import VerifyKey

Vouch = Callable[[Adapter], Signer]
"""Says whose key signed an adapter, and that it may be trusted; raises ModelError where it may not."""


class AdapterRegistrar:
    """Changes the adapters of this device's models."""

    def __init__(self, folder: ModelFolder, registrar: Registrar) -> None:
        """Change `folder`; `registrar` keeps its journal."""
        self._folder: Final = folder
        self._registrar = registrar

    def base_of(self, adapter: Adapter, models: tuple[Entry, ...]) -> Entry:
        """The model that an adapter was made for.

        Raises:
            ModelError: `adapter_base`: it is not here.
        """
        found = next((one for one in models if one.manifest.sha256 == adapter.base.hex()), None)
        if found is None:
            raise ModelError(
                "adapter_base",
                expected="an adapter for a model of this device",
                got=f"one for the model with digest {adapter.base.hex()[:12]}...",
                do="import that model first; an adapter fits no other",
            )
        return found

    def take(self, file: AdapterFile, models: tuple[Entry, ...], vouch: Vouch) -> tuple[Entry, ShelvedAdapter]:
        """Take an adapter in, its signer trusted already or vouched for now.

        Args:
            file: what came.
            models: those that are here.
            vouch: asked where the signer is not trusted yet; their key is remembered only if the adapter is good.

        Raises:
            ModelError: unsigned, by nobody trusted, for no model that is here, damaged; or its name is taken.
            RefusedError: the model is in use.
        """
        with self._folder.changing():
            trusted = read_signers(self._folder.signers)
            claimed = claimed_signer(file.signed)
            entry = self.base_of(claimed, models)
            new = () if claimed.signer in {one.key for one in trusted} else (vouch(claimed),)
            with self._folder.unused(entry.name):
                taken = shelve(self._folder.shelf(entry.name), file, (*trusted, *new), base=entry.manifest.sha256)
                if new:
                    self._write((*trusted, *new))
            self._registrar.settle()
        return entry, taken

    def drop(self, model: str, name: str) -> None:
        """Let an adapter go.

        Raises:
            ModelError: `adapter_unknown`.
            RefusedError: the model is in use.
        """
        with self._folder.changing():
            with self._folder.unused(model):
                unshelve(self._folder.shelf(model), name)
            self._registrar.settle()

    def distrust(self, key: VerifyKey) -> None:
        """Take a signer out: what they signed loads no more.

        Raises:
            ModelError: `signer_unknown`.
        """
        with self._folder.changing():
            trusted = read_signers(self._folder.signers)
            rest = tuple(one for one in trusted if one.key != key)
            if rest == trusted:
                raise ModelError(
                    "signer_unknown",
                    expected="a key that is trusted here",
                    got="another",
                    do="'fieldward model adapter list' names them",
                )
            self._write(rest)

    def _write(self, signers: tuple[Signer, ...]) -> None:
        try:
            write_signers(self._folder.signers, signers)
        except OSError as error:
            raise unusable(error) from None
