"""Taking a model in, and letting it go: terms first, then bytes, then the renaming that makes it a model.

Owns the order of things. Nothing is imported whose terms nobody agreed to, whose digest nobody vouched for, or whose
manifest promises what its file does not hold. One change of the folder at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.adapter_shelf import adapters_on
from edge_runtime.ai.models.catalogue import DEMONSTRATION, check_terms
from edge_runtime.ai.models.demonstration import demonstration
from edge_runtime.ai.models.entry import Entry, Unreadable, read_entry, unknown_model, unusable
from edge_runtime.ai.models.folder import ModelFolder
from edge_runtime.ai.models.inspecting import Inspect, check_inspected, check_wanted
from edge_runtime.ai.models.journal import Present, write_down
from edge_runtime.ai.models.kept import Acceptance, Kept
from edge_runtime.ai.models.manifest import NAME, Manifest
from edge_runtime.ai.models.offers import Offer
from edge_runtime.ai.models.receiving import SILENT, Draft, Progress
from edge_runtime.ai.models.wholeness import is_untouched
from edge_runtime.errors import RefusedError

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import.

    Attributes:
        entry: the model.
        again: it was there already, whole; nothing was done.
        kept_bytes: how much of it had come in an attempt before.
        uninspected: no engine is installed that could look into the file.
    """

    entry: Entry
    again: bool = False
    kept_bytes: int = 0
    uninspected: bool = False


class Registrar:
    """Changes the models of this device."""

    def __init__(self, folder: ModelFolder, *, clock: Clock, inspect: Inspect) -> None:
        """Change `folder`; `inspect` looks into files, `clock` says when."""
        self._folder: Final = folder
        self._clock = clock
        self._inspect = inspect

    def take(
        self, offer: Offer, *, accepted: Acceptance | None, link: bool = False, progress: Progress = SILENT
    ) -> Imported:
        """Take a model in; what an attempt before had brought is not brought again.

        Args:
            offer: the model, its digest vouched for or confirmed.
            accepted: who agreed to its terms.
            link: let the file stay where it is.
            progress: told what goes on.

        Raises:
            RefusedError: `licence_not_accepted`, or a damaged model of that name is in use.
            ModelError: it is not what it is said to be, not for this engine, or does not fit on the disk; another
                model has its name.
            RemoteError: the device that shares it cannot be reached or does not keep to the form.
        """
        manifest = offer.manifest
        check_offer(offer, accepted)
        check_wanted(manifest)
        with self._folder.changing():
            self._folder.sweep()
            self.settle()
            there = self._there(manifest)
            if there is not None:
                return Imported(there, again=True)
            draft = Draft(self._folder, manifest, offer.data)
            kept_bytes = self._bring(draft, offer, link=link, progress=progress)
            stamp = draft.check(progress)
            said = self._look_into(draft, manifest)
            kept = Kept(
                imported_ms=self._clock(),
                linked=link,
                stamp=stamp,
                accepted=accepted if manifest.licence.must_accept else None,
            )
            place = draft.commit(kept)
            self.settle()
        return Imported(read_entry(place), kept_bytes=kept_bytes, uninspected=not said)

    def remove(self, name: str) -> None:
        """Let a model go, its adapters and whatever of it is still on its way.

        Raises:
            ModelError: there is none of that name.
            RefusedError: `model_in_use`.
        """
        with self._folder.changing():
            self._folder.sweep()
            parts = (self._folder.place(name), self._folder.incoming / name, self._folder.shelf(name))
            if NAME.fullmatch(name) is None or not any(part.is_dir() for part in parts[:2]):
                raise unknown_model()
            with self._folder.unused(name):
                for folder in parts:
                    if folder.is_dir():
                        self._folder.discard(folder)
            self.settle()

    def settle(self) -> None:
        """Write down what changed since the last line of the journal. The caller holds the folder's lock.

        Raises:
            ModelError: the folder cannot be written.
        """
        try:
            write_down(self._folder.journal, present_in(self._folder), now_ms=self._clock())
        except OSError as error:
            raise unusable(error) from None

    def _there(self, manifest: Manifest) -> Entry | None:
        """The very same model, whole; one that is damaged goes back to be mended.

        Raises:
            ModelError: `model_exists`: another model has the name.
            RefusedError: it is to be mended, and in use.
        """
        place = self._folder.place(manifest.name)
        if not place.exists():
            return None
        found = next((one for one in self._folder.found() if one.name == manifest.name), None)
        if isinstance(found, Entry) and found.manifest.sha256 != manifest.sha256:
            raise ModelError(
                "model_exists",
                expected="a name that no model has yet",
                got="the name of another model",
                do=f"remove that one first ('fieldward model remove {manifest.name}'), or give --name",
            )
        if isinstance(found, Entry) and is_untouched(found):
            return found
        with self._folder.unused(manifest.name):
            if isinstance(found, Unreadable):
                self._folder.discard(place)
            else:
                self._folder.take_back(manifest.name)
        return None

    @staticmethod
    def _bring(draft: Draft, offer: Offer, *, link: bool, progress: Progress) -> int:
        if offer.manifest.neutral:
            draft.put_neutral(offer.neutral())
        if link:
            if offer.path is None:
                raise ModelError(
                    "model_link",
                    expected="a file on this machine to link to",
                    got="a model from another device",
                    do="leave --link out",
                )
            draft.link(offer.path.resolve())
            return 0
        source = offer.open()
        try:
            return draft.fetch(source, progress)
        finally:
            source.close()

    def _look_into(self, draft: Draft, manifest: Manifest) -> bool:
        """Whether there was an engine to look into it; a file that is no such model costs the draft."""
        try:
            said = self._inspect(draft.path)
            if said is not None:
                check_inspected(manifest, said)
        except ModelError:
            draft.drop()
            raise
        return said is not None


def check_offer(offer: Offer, accepted: Acceptance | None) -> None:
    """Refuse what cannot be taken in, before a byte of it moves.

    Raises:
        RefusedError: `licence_not_accepted`.
        ModelError: its name is the demonstration model's, or its manifest contradicts what is known.
    """
    manifest = offer.manifest
    if manifest.name == DEMONSTRATION:
        raise ModelError(
            "model_name_taken",
            expected=f"another name than '{DEMONSTRATION}', which the model of the package has",
            got="that name",
            do="give the model another name with --name",
        )
    check_terms(manifest)
    licence = manifest.licence
    agreed = accepted is not None and (accepted.licence, accepted.manifest) == (licence.id, offer.digest)
    if licence.must_accept and not agreed:
        raise RefusedError(
            "licence_not_accepted",
            expected=f"somebody's agreement to the {licence.title}" + (f", {licence.url}" if licence.url else ""),
            got="none",
            do="read the terms, then give --accept-licence if you agree to them; nothing was imported",
        )


def present_in(folder: ModelFolder) -> tuple[Present, ...]:
    """Every model and every adapter that is there, for the journal."""
    found = []
    brought = demonstration()
    for entry in (*folder.entries(), *((brought,) if brought else ())):
        licence = entry.manifest.licence
        accepted = entry.kept is not None and entry.kept.accepted is not None
        model = Present(model=entry.name, digest=entry.manifest.sha256, licence=licence.id, accepted=accepted)
        if entry.kept is not None:  # the package's own comes and goes with the package
            found.append(model)
        found += [
            replace(
                model,
                adapter=one.record.name,
                digest=one.record.file.hex(),
                licence=one.record.licence,
                accepted=False,
            )
            for one in adapters_on(folder.shelf(entry.name))
        ]
    return tuple(found)
