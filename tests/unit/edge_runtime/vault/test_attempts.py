"""Failed attempts to open the vault are counted while nothing can be sealed, and the count survives a crash."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from edge_runtime.errors import VaultError
from edge_runtime.vault.attempts import Attempts, counting, failed_attempts, forget_attempts


def fail(path: Path, code: str, now_ms: int = 0) -> None:
    """One attempt that ends with an error of the vault."""
    with pytest.raises(VaultError), counting(path, lambda: now_ms):
        raise VaultError(code, expected="", got="", do="")


def test_wrong_passphrases_are_counted_with_the_first_and_the_last_time(tmp_path: Path) -> None:
    """The first time stays, the last one moves on."""
    path = tmp_path / "attempts.cbor"
    assert failed_attempts(path) is None
    for now_ms in (10, 20, 35):
        fail(path, "wrong_passphrase", now_ms)
    assert failed_attempts(path) == Attempts(count=3, first_ms=10, last_ms=35)
    forget_attempts(path)
    assert failed_attempts(path) is None
    forget_attempts(path)


def test_what_is_no_attempt_to_get_in_is_not_counted(tmp_path: Path) -> None:
    """A damaged or missing vault, and an opening that went well."""
    path = tmp_path / "attempts.cbor"
    for code in ("vault_damaged", "no_vault", "vault_newer"):
        fail(path, code)
    with counting(path, lambda: 0):
        pass
    assert not path.exists()


@pytest.mark.parametrize("data", [b"", b"noise", b"x" * 4096])
def test_a_file_that_says_nothing_counts_as_one_attempt(tmp_path: Path, data: bytes) -> None:
    """Somebody was there; what they tried is lost."""
    path = tmp_path / "attempts.cbor"
    path.write_bytes(data)
    assert failed_attempts(path) == Attempts(count=1, first_ms=0, last_ms=0)
    fail(path, "wrong_passphrase", 7)
    assert failed_attempts(path) == Attempts(count=2, first_ms=0, last_ms=7)


def test_a_disk_that_takes_nothing_changes_nothing_about_the_refusal(tmp_path: Path) -> None:
    """The wrong passphrase is still what a person is told of."""
    fail(tmp_path / "nowhere" / "attempts.cbor", "wrong_passphrase")


def test_the_file_holds_a_count_and_two_times(tmp_path: Path) -> None:
    """However many attempts there were, it stays small."""
    path = tmp_path / "attempts.cbor"
    for now_ms in itertools.islice(itertools.count(1 << 47), 300):
        fail(path, "wrong_passphrase", now_ms)
    assert path.stat().st_size < 40
