"""A crash at any moment of a change: afterwards the old is there, or the new, and the next attempt goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edge_runtime.ai.models.journal import read_journal
from edge_runtime.ai.models.wholeness import verify
from tests.unit.edge_runtime.ai.models.made import Device, manifest_of

DATA = b"a model of one piece"
OTHER = b"another model of one piece"


class CrashError(BaseException):
    """The process ended here."""


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[str]:
    """End the process before its `step`-th lasting change of the file system; the steps so far."""
    steps: list[str] = []

    def counted(name, real):
        def called(*arguments, **options):
            if len(steps) >= step:
                raise CrashError  # and whatever tidies up on the way out fails alike, as it would
            steps.append(name)
            return real(*arguments, **options)

        return called

    for owner, name in ((os, "fsync"), (Path, "rename"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir")):
        monkeypatch.setattr(owner, name, counted(name, getattr(owner, name)))
    monkeypatch.setattr(shutil, "rmtree", counted("rmtree", shutil.rmtree))
    return steps


def crashed(monkeypatch: pytest.MonkeyPatch, step: int, action) -> bool:
    """Whether an action was cut off at a step, rather than done before it."""
    with monkeypatch.context() as patch:
        crash_at(patch, step)
        try:
            action()
        except CrashError:
            return True
    return False


@pytest.mark.campaign
def test_an_import_that_crashes_anywhere_leaves_all_or_nothing(tmp_path, monkeypatch):
    """At each step the model is there and whole, or not there; importing again brings it, and the journal agrees."""
    step, cut = 0, True
    while cut:
        home = tmp_path / str(step)
        home.mkdir()
        device = Device(home)
        cut = crashed(monkeypatch, step, lambda: device.take(DATA))  # noqa: B023 called at once
        assert len(device.folder.found()) == len(device.folder.entries())
        for entry in device.folder.entries():
            verify(entry)
        assert device.take(DATA).entry.path.read_bytes() == DATA
        assert [one.present.model for one in read_journal(device.folder.journal).changes] == ["made"]
        assert device.folder.coming() == ()
        shutil.rmtree(home)
        step += 1
    assert step > 15, "the import has that many lasting steps"


@pytest.mark.campaign
def test_a_removal_that_crashes_anywhere_leaves_all_or_nothing(tmp_path, monkeypatch):
    """At each step the model is there and whole, or gone; another one is never touched."""
    step, cut = 0, True
    while cut:
        home = tmp_path / str(step)
        home.mkdir()
        device = Device(home)
        device.take(DATA)
        device.take(OTHER, manifest_of(OTHER, name="other"))
        cut = crashed(monkeypatch, step, lambda: device.registrar.remove("made"))  # noqa: B023 called at once
        assert len(device.folder.found()) == len(device.folder.entries())
        for entry in device.folder.entries():
            verify(entry)
        assert device.entry("other").path.read_bytes() == OTHER
        device.take(DATA)
        device.registrar.remove("made")
        assert [one.name for one in device.folder.entries()] == ["other"]
        assert {one.model for one in read_journal(device.folder.journal).present} == {"other"}
        shutil.rmtree(home)
        step += 1
    assert step > 3
