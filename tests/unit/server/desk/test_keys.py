"""The desk's keys are made once, read by their owner alone, and known by a fingerprint."""

from __future__ import annotations

import pytest

from server.desk.errors import StartError
from server.desk.keys import fingerprint, load_keys, make_keys
from tests.support.people import Entropy


def test_keys_are_made_once(tmp_path):
    """They come back the same, and are never written over: wraps need them."""
    made = make_keys(tmp_path / "desk.key", Entropy(1))
    found = load_keys(tmp_path / "desk.key")
    assert (found.wrap.public, found.signer.public) == (made.wrap.public, made.signer.public)
    assert found.fingerprint == fingerprint(made.wrap.public, made.signer.public)
    assert (tmp_path / "desk.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(StartError):
        make_keys(tmp_path / "desk.key", Entropy(2))
    assert load_keys(tmp_path / "desk.key").fingerprint == made.fingerprint


def test_keys_that_others_may_read_are_refused(tmp_path):
    """The desk says which command mends it."""
    path = tmp_path / "desk.key"
    make_keys(path, Entropy(1))
    path.chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        load_keys(path)


def test_what_are_no_keys_is_refused(tmp_path):
    """No file, another length, a place that takes no file."""
    path = tmp_path / "desk.key"
    with pytest.raises(StartError, match="init"):
        load_keys(path)
    path.touch(mode=0o600)
    with pytest.raises(StartError, match="0 bytes"):
        load_keys(path)
    with pytest.raises(StartError):
        make_keys(tmp_path / "none" / "desk.key", Entropy(1))
