"""Taking models in: terms, digests, interruptions, disks and names."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from dataclasses import replace
from typing import NamedTuple

import pytest

from edge_runtime.ai.engine.litert_library import BundleFacts
from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models import inspecting, receiving
from edge_runtime.ai.models.catalogue import DEMONSTRATION
from edge_runtime.ai.models.entry import Unreadable
from edge_runtime.ai.models.folder import ModelFolder, models_folder
from edge_runtime.ai.models.importing import Registrar, check_offer
from edge_runtime.ai.models.journal import Action, read_journal
from edge_runtime.ai.models.offers import Wishes, offer_of_file, offer_of_path
from edge_runtime.ai.models.pieces import PIECE_BYTES, digest
from edge_runtime.ai.models.receiving import Progress
from edge_runtime.ai.models.sources import FileSource, source_gone
from edge_runtime.ai.models.wholeness import check_quickly
from edge_runtime.errors import InputError, RefusedError
from tests.unit.edge_runtime.ai.models.made import (
    DATA,
    NOW_MS,
    OTHER,
    WHOLE,
    Device,
    accepted,
    gemma_of,
    manifest_of,
)


class Free(NamedTuple):
    """What a disk says of itself, as far as it is asked."""

    free: int


class Pulled:
    """A source that ends after so many pieces, as a stick does that is pulled."""

    def __init__(self, source, pieces, error):
        self.source, self.left, self.error = source, pieces, error
        self.asked = []

    def piece(self, index):
        """A piece, until it is pulled."""
        self.asked.append(index)
        if self.left == 0:
            raise self.error
        self.left -= 1
        return self.source.piece(index)

    def close(self):
        """Close what it stands for."""
        self.source.close()


def pulled(device, pieces, error):
    """The offer of a model whose stick is pulled."""
    offer = device.offer()
    source = Pulled(offer.open(), pieces, error)
    return replace(offer, open=lambda: source)


def test_a_model_comes_whole(device):
    """What was imported is there with its bytes, closed to others; again is nothing."""
    first = device.take()
    assert (first.again, first.kept_bytes, first.uninspected) == (False, 0, False)
    assert first.entry.path.read_bytes() == DATA
    assert device.entry().manifest == manifest_of()
    assert stat.S_IMODE(device.folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(first.entry.path.stat().st_mode) == 0o600
    assert device.take().again
    assert device.folder.coming() == ()


def test_nothing_is_imported_without_agreement(device):
    """Terms that have to be accepted are, for this very manifest, or no byte moves; who agreed is kept."""
    offer = device.offer(manifest=gemma_of())
    other = accepted(gemma_of(OTHER))
    for said in (None, other, type(other)(licence="other", manifest=offer.digest, at_ms=1)):
        with pytest.raises(RefusedError) as error:
            device.registrar.take(offer, accepted=said)
        assert error.value.code == "licence_not_accepted"
        assert "ai.google.dev/gemma/terms" in error.value.expected
    assert not device.folder.models.exists()
    device.registrar.take(offer, accepted=accepted(offer.manifest))
    assert device.entry().kept.accepted == accepted(offer.manifest)
    assert device.entry().accepted


def test_no_agreement_is_noted_where_none_is_due(device):
    """A model that nobody has to agree to carries no agreement."""
    device.take()
    assert device.entry().kept.accepted is None
    assert device.entry().accepted


@pytest.mark.parametrize("error", [KeyboardInterrupt(), source_gone(OSError(errno.EIO, "Input/output error"))])
@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_an_interruption_keeps_what_came(device, pieces, error):
    """Ctrl-C and a pulled stick keep the pieces that came; the next import fetches the rest only."""
    with pytest.raises((KeyboardInterrupt, ModelError)):
        device.registrar.take(pulled(device, pieces, error), accepted=None)
    assert device.folder.entries() == ()
    again = pulled(device, 9, error)
    done = device.registrar.take(again, accepted=None)
    assert done.kept_bytes == pieces * PIECE_BYTES
    assert again.open().asked == list(range(pieces, 3))
    assert done.entry.path.read_bytes() == DATA


def test_a_piece_that_rotted_in_the_draft_is_fetched_again(device):
    """What lies in the draft counts only where its digest is right."""
    with pytest.raises(KeyboardInterrupt):
        device.registrar.take(pulled(device, 2, KeyboardInterrupt()), accepted=None)
    draft = device.folder.incoming / "made" / "model.litertlm"
    with draft.open("r+b") as file:
        file.seek(10)
        file.write(b"rot")
    again = pulled(device, 9, KeyboardInterrupt())
    assert device.registrar.take(again, accepted=None).kept_bytes == PIECE_BYTES
    assert again.open().asked == [0, 2]


def test_the_draft_of_another_model_is_dropped(device):
    """A draft counts for the very same manifest only."""
    with pytest.raises(KeyboardInterrupt):
        device.registrar.take(pulled(device, 2, KeyboardInterrupt()), accepted=None)
    assert device.take(OTHER).kept_bytes == 0
    assert device.entry().path.read_bytes() == OTHER


def test_a_draft_that_is_too_long_is_cut(device):
    """Bytes behind the end, of whatever came before, are not part of the model."""
    with pytest.raises(KeyboardInterrupt):
        device.registrar.take(pulled(device, 1, KeyboardInterrupt()), accepted=None)
    draft = device.folder.incoming / "made" / "model.litertlm"
    draft.write_bytes(DATA + b"more")
    assert device.take().entry.path.read_bytes() == DATA


def test_a_damaged_piece_is_named(device):
    """A piece of other bytes is refused by its number, a short one as cut off; the right ones are kept."""
    offer = device.offer()
    bad = bytearray(DATA)
    bad[PIECE_BYTES + 5] ^= 1
    device.on_stick(bytes(bad))
    with pytest.raises(ModelError) as error:
        device.registrar.take(offer, accepted=None)
    assert (error.value.code, "piece 2 of 3" in error.value.expected) == ("piece_damaged", True)
    device.on_stick(DATA[:-1])
    with pytest.raises(ModelError) as error:
        device.registrar.take(offer, accepted=None)
    assert "cut off" in error.value.got
    assert device.folder.entries() == ()
    device.on_stick(DATA)
    assert device.registrar.take(offer, accepted=None).kept_bytes == 2 * PIECE_BYTES


def test_a_manifest_that_lies_about_the_whole_is_refused(device):
    """Right pieces under a wrong digest of the whole are nothing, and nothing stays of them."""
    offer = device.offer(manifest=manifest_of(sha256="ab" * 32))
    with pytest.raises(ModelError) as error:
        device.registrar.take(offer, accepted=None)
    assert error.value.code == "model_digest"
    assert device.folder.coming() == ()
    assert device.folder.entries() == ()


def test_a_full_disk_is_seen_before_copying(device, monkeypatch):
    """Too little room is said with both numbers, before a byte is copied."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Free(1000))
    with pytest.raises(ModelError) as error:
        device.take()
    assert (error.value.code, error.value.got) == ("disk_full", "1,000")
    assert device.folder.entries() == ()


def test_a_disk_that_fills_up_meanwhile_keeps_what_came(device, monkeypatch):
    """The system's own word for a full disk becomes the same error."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError) as error:
        device.take()
    assert error.value.code == "disk_full"
    monkeypatch.undo()
    assert not device.take().again


def test_a_name_belongs_to_one_model(device):
    """Another model under a name that is taken is refused; the one that is there stays."""
    device.take()
    with pytest.raises(ModelError) as error:
        device.take(OTHER)
    assert error.value.code == "model_exists"
    assert device.entry().path.read_bytes() == DATA
    device.take(OTHER, manifest_of(OTHER, name="other"))
    assert [one.name for one in device.folder.entries()] == ["made", "other"]


def test_the_demonstration_keeps_its_name(device):
    """No imported model may pass for the one of the package."""
    with pytest.raises(ModelError) as error:
        check_offer(device.offer(manifest=manifest_of(name=DEMONSTRATION)), None)
    assert error.value.code == "model_name_taken"


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (BundleFacts(context_tokens=512, dynamic=False, modalities=WHOLE.modalities, version_min=""), "manifest_wrong"),
        (BundleFacts(context_tokens=2048, dynamic=False, modalities=frozenset(), version_min=""), "manifest_wrong"),
    ],
)
def test_a_manifest_may_not_promise_more_than_the_file_holds(tmp_path, says, code):
    """Context and modalities are the file's; a manifest that says more costs the import, and the draft."""
    device = Device(tmp_path, says=says)
    with pytest.raises(ModelError) as error:
        device.take()
    assert error.value.code == code
    assert device.folder.coming() == ()


def test_a_file_that_does_not_say_its_context_is_taken_at_its_word(tmp_path):
    """Zero means that the file does not say; text is what a model takes at least."""
    device = Device(
        tmp_path, says=BundleFacts(context_tokens=0, dynamic=True, modalities=WHOLE.modalities, version_min="")
    )
    assert not device.take().uninspected


def test_without_an_engine_nobody_looks_and_it_is_said(tmp_path):
    """Where no engine is installed the import works, and says that nobody looked into the file."""
    assert Device(tmp_path, says=None).take().uninspected


def test_a_model_for_a_later_engine_is_refused(device, monkeypatch):
    """The engine's version is compared by numbers, before a byte is copied."""
    offer = device.offer(manifest=manifest_of(engine_version_min="0.100"))
    monkeypatch.setattr(inspecting, "engine_version", lambda: "0.18.1")
    with pytest.raises(ModelError) as error:
        device.registrar.take(offer, accepted=None)
    assert error.value.code == "bundle_version"
    monkeypatch.setattr(inspecting, "engine_version", lambda: None)
    device.registrar.take(offer, accepted=None)


def test_a_linked_model_stays_where_it_is(device):
    """A link copies nothing; when the file is gone the model says so, and comes back with it."""
    offer = device.offer()
    entry = device.registrar.take(offer, accepted=None, link=True).entry
    assert entry.path.is_symlink()
    assert entry.kept.linked
    assert entry.path.read_bytes() == DATA
    offer.path.rename(offer.path.with_name("away"))
    with pytest.raises(ModelError) as error:
        check_quickly(entry)
    assert (error.value.code, "stick" in error.value.do) == ("model_missing", True)
    device.on_stick()
    assert device.take().entry.path.is_symlink() is False


def test_a_linked_file_that_changes_while_it_is_taken_in_is_not_loaded(device):
    """What is noted of a file is how it looked before it was read: a later change shows."""
    offer = device.offer()

    def change(path):
        assert path.is_symlink()
        os.utime(offer.path, ns=(0, 10**18))
        return WHOLE

    registrar = Registrar(device.folder, clock=lambda: NOW_MS, inspect=change)
    entry = registrar.take(offer, accepted=None, link=True).entry
    with pytest.raises(ModelError) as error:
        check_quickly(entry)
    assert error.value.code == "model_touched"


def test_a_pipe_on_a_stick_is_no_file(device):
    """A stick can hold what is no file and is waited at for ever: it is refused, whatever its name."""
    for name in ("manifest.json", "model.litertlm"):
        os.mkfifo(device.stick / name)
        with pytest.raises(ModelError) as error:
            offer_of_path(device.stick / name, Wishes(name="x", sha256="ab" * 32), inspect=lambda _: WHOLE)
        assert (error.value.code, error.value.got) == ("source_gone", "something that is no plain file")
    with pytest.raises(ModelError):
        FileSource(device.stick / "model.litertlm", 5)


def test_what_comes_from_a_peer_cannot_be_linked(device):
    """A link wants a file on this machine."""
    offer = device.offer()
    peer = replace(offer, path=None)
    with pytest.raises(ModelError) as error:
        device.registrar.take(peer, accepted=None, link=True)
    assert error.value.code == "model_link"


def test_two_imports_at_once_take_turns(tmp_path):
    """Of two that import the same model at once, one does and the other finds it there."""
    device, found = Device(tmp_path), []
    offer = device.offer()
    threads = [
        threading.Thread(target=lambda: found.append(device.registrar.take(offer, accepted=None).again))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True]


def test_whoever_waits_too_long_is_told(device):
    """A change that does not end is named; nothing hangs for ever."""
    other = ModelFolder(device.folder.path)
    with device.folder.changing(), pytest.raises(ModelError) as error, other.changing(wait_s=0):
        pass
    assert error.value.code == "models_busy"


def test_a_model_in_use_is_not_removed(device):
    """Removing waits for nobody: a loaded model refuses it; two may use one; afterwards it goes."""
    device.take()
    with device.folder.using("made"), device.folder.using("made"):
        with pytest.raises(RefusedError) as error:
            device.registrar.remove("made")
        assert error.value.code == "model_in_use"
        assert device.entry().path.exists()
    device.registrar.remove("made")
    assert device.folder.entries() == ()
    with pytest.raises(ModelError) as gone:
        device.registrar.remove("made")
    assert gone.value.code == "model_unknown"


@pytest.mark.parametrize("name", ["../models", "..", "", "a/b", ".removed-x"])
def test_no_name_leads_out_of_the_folder(device, name):
    """What is no name of a model is unknown, and touches nothing."""
    device.take()
    for ask in (device.folder.entry, device.registrar.remove):
        with pytest.raises(ModelError) as error:
            ask(name)
        assert error.value.code == "model_unknown"
    assert device.entry().path.exists()


def test_what_is_on_its_way_can_be_given_up(device):
    """A draft counts as something to remove."""
    with pytest.raises(KeyboardInterrupt):
        device.registrar.take(pulled(device, 1, KeyboardInterrupt()), accepted=None)
    assert device.folder.coming() == (("made", PIECE_BYTES),)
    device.registrar.remove("made")
    assert device.folder.coming() == ()


@pytest.mark.parametrize("spoil", ["manifest.json", "kept.json"])
def test_a_folder_that_says_nothing_usable_is_named_and_mended(device, spoil):
    """One bad folder hides no other; importing the model again puts it right."""
    device.take()
    device.take(OTHER, manifest_of(OTHER, name="other"))
    (device.folder.place("made") / spoil).write_bytes(b"{}")
    found = device.folder.found()
    assert isinstance(found[0], Unreadable)
    assert [one.name for one in device.folder.entries()] == ["other"]
    device.take()
    assert len(device.folder.entries()) == 2


def test_a_renamed_folder_is_no_model(device):
    """The folder's name and the manifest's have to agree."""
    device.take()
    device.folder.place("made").rename(device.folder.place("new"))
    (bad,) = device.folder.found()
    assert bad.error.code == "model_misnamed"


def test_every_change_is_in_the_journal(device):
    """Imported, removed: a line each; what a crash kept from being written is written by the next change."""
    device.take()
    device.registrar.remove("made")
    actions = [change.action for change in read_journal(device.folder.journal).changes]
    assert actions == [Action.IMPORTED, Action.REMOVED]
    device.take()
    device.folder.journal.unlink()
    device.take(OTHER, manifest_of(OTHER, name="other"))
    assert {one.present.model for one in read_journal(device.folder.journal).changes} == {"made", "other"}


def test_a_crash_in_a_removal_leaves_nothing(device):
    """What a removal left behind is swept away by the next change."""
    device.take()
    left = device.folder.incoming / ".removed-old"
    left.mkdir()
    device.registrar.remove("made")
    assert not left.exists()


def test_progress_tells_of_three_passes(device):
    """Reading what is there, fetching, checking: each begins with its size and ends at it."""
    begun: list[tuple[str, int]] = []
    done: list[int] = []
    progress = Progress(begin=lambda words, size: begun.append((words, size)), done=done.append)
    with pytest.raises(KeyboardInterrupt):
        device.registrar.take(pulled(device, 1, KeyboardInterrupt()), accepted=None)
    device.registrar.take(device.offer(), accepted=None, progress=progress)
    assert begun == [("Reading what is there", PIECE_BYTES), ("Fetching", len(DATA)), ("Checking", len(DATA))]
    assert done[-1] == len(DATA)


def test_a_folder_is_offered_by_its_manifest(device):
    """A folder with manifest.json offers the file under the manifest's name for it, or under ours; so does the file."""
    from edge_runtime.ai.models.manifest import write_manifest

    device.on_stick()
    (device.stick / "manifest.json").write_bytes(write_manifest(manifest_of()))
    for path in (device.stick, device.stick / "manifest.json"):
        offer = offer_of_path(path, Wishes(), inspect=lambda _: None)
        assert (offer.manifest, offer.vouched, offer.path.name) == (manifest_of(), False, "made.litertlm")
    (device.stick / "made.litertlm").rename(device.stick / "model.litertlm")
    offer = offer_of_path(
        device.stick, Wishes(name="mine", sha256=manifest_of().sha256.upper()), inspect=lambda _: None
    )
    assert (offer.manifest.name, offer.vouched, offer.path.name) == ("mine", True, "model.litertlm")


def test_a_bare_file_wants_a_name_and_a_digest(device):
    """A file that nobody knows says what is missing; with both it is taken as its own header says."""
    path, digest = device.on_stick(), manifest_of().sha256
    for wishes in (Wishes(), Wishes(name="x"), Wishes(sha256=digest)):
        with pytest.raises(ModelError) as error:
            offer_of_path(path, wishes, inspect=lambda _: WHOLE)
        assert error.value.code == "model_unknown"
    wishes = Wishes(name="x", sha256=digest, prompt_style="completion")
    offer = offer_of_path(path, wishes, inspect=lambda _: WHOLE)
    assert (offer.manifest.context_tokens, offer.manifest.prompt_style) == (2048, "completion")
    assert offer.manifest.licence.must_accept
    with pytest.raises(ModelError) as error:
        offer_of_path(path, wishes, inspect=lambda _: None)
    assert error.value.code == "engine_missing"


def test_a_wrong_digest_is_seen_before_copying(device):
    """--sha256 is compared with the manifest's, and with a bare file's bytes; the messages shorten both."""
    path = device.on_stick()
    for ask in (
        lambda: offer_of_path(path, Wishes(name="x", sha256="ab" * 32), inspect=lambda _: WHOLE),
        lambda: offer_of_file(manifest_of(), path, sha256="ab" * 32),
    ):
        with pytest.raises(ModelError) as error:
            ask()
        assert error.value.code == "model_digest"
        assert "ab" * 32 not in str(error.value)


def test_a_cut_file_is_seen_by_its_size(device):
    """A file shorter or longer than its manifest says is refused before it is opened."""
    for data in (DATA[:-1], DATA + b"x"):
        with pytest.raises(ModelError) as error:
            offer_of_file(manifest_of(), device.on_stick(data), sha256=None)
        assert error.value.code == "model_size"


def test_a_known_file_of_another_size_is_refused(device):
    """The catalogue's size is compared for a file that is called as a known one."""
    path = device.on_stick(name="gemma-3n-E2B-it-int4.litertlm")
    with pytest.raises(ModelError) as error:
        offer_of_path(path, Wishes(), inspect=lambda _: WHOLE)
    assert error.value.code == "model_size"


def test_a_path_that_is_none(device):
    """No file, an empty file: one clear error each."""
    with pytest.raises(ModelError) as error:
        offer_of_path(device.stick / "none", Wishes(name="x", sha256="ab" * 32), inspect=lambda _: WHOLE)
    assert error.value.code == "source_gone"
    with pytest.raises(ModelError) as error:
        offer_of_path(device.stick, Wishes(), inspect=lambda _: WHOLE)
    assert error.value.code == "source_gone"
    with pytest.raises(InputError):
        offer_of_path(device.on_stick(b""), Wishes(name="x", sha256="ab" * 32), inspect=lambda _: WHOLE)
    with pytest.raises(ModelError):
        FileSource(device.stick / "none", 5)
    with pytest.raises(ModelError):
        offer_of_file(manifest_of(), device.stick / "none", sha256=None)


def test_the_folder_is_named_by_setting_or_standard(tmp_path):
    """FIELDWARD_MODELS first, then the XDG folder for data where it is absolute, then the home's."""
    assert models_folder({"FIELDWARD_MODELS": str(tmp_path)}) == tmp_path
    assert models_folder({"XDG_DATA_HOME": "/data", "HOME": "/h"}).as_posix() == "/data/fieldward/models"
    for found in ({"HOME": "/h"}, {"HOME": "/h", "XDG_DATA_HOME": "relative"}):
        assert models_folder(found).as_posix() == "/h/.local/share/fieldward/models"


def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    """A file in the folder's place is explained."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError) as error, ModelFolder(tmp_path / "file").changing():
        pass
    assert error.value.code == "models_unusable"
    assert ModelFolder(tmp_path / "file").found() == ()


def test_spare_room_is_left_for_the_homes(device, monkeypatch):
    """The disk is not filled to its last byte by a model."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Free(len(DATA) + receiving.SPARE_BYTES - 1))
    with pytest.raises(ModelError):
        device.take()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Free(len(DATA) + receiving.SPARE_BYTES))
    assert Modality.TEXT in device.take().entry.manifest.modalities


def test_the_adapter_that_changes_nothing_comes_along(device):
    """A model that takes adapters has it beside it, by its digest; without it nothing is imported, nor loaded."""
    manifest = manifest_of(neutral=digest(b"zeros"))
    offer = device.offer(manifest=manifest)
    with pytest.raises(ModelError) as error:
        device.registrar.take(offer, accepted=None)
    assert error.value.code == "source_gone"
    beside = device.stick / "neutral.lora"
    beside.write_bytes(b"others")
    with pytest.raises(ModelError) as error:
        device.registrar.take(offer, accepted=None)
    assert error.value.code == "neutral_damaged"
    beside.write_bytes(b"zeros")
    entry = device.registrar.take(offer, accepted=None).entry
    assert entry.neutral.read_bytes() == b"zeros"
    check_quickly(entry)
    for spoil in (lambda: entry.neutral.write_bytes(b"other"), entry.neutral.unlink):
        spoil()
        with pytest.raises(ModelError) as error:
            check_quickly(entry)
        assert error.value.code == "model_damaged"
    assert not device.registrar.take(offer, accepted=None).again
    check_quickly(device.entry())
