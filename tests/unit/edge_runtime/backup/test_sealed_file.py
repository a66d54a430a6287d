"""A backup's file opens whole, under its passphrase, or says what is wrong with it."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.backup import sealed_file
from edge_runtime.backup.sealed_file import CHUNK_BYTES, SealedFile, write_sealed
from edge_runtime.errors import InputError, VaultError
from edge_runtime.vault.passphrase import Cost, Passphrase
from tests.support.people import Entropy

CHEAP = Cost(memory_kib=32, passes=1, lanes=1)
RIGHT = Passphrase("seal me", cost=CHEAP)


def _sealed(plain: bytes, seed: int = 1) -> bytes:
    file = io.BytesIO()
    write_sealed(file, [plain[:1000], plain[1000:]], RIGHT, Entropy(seed))
    return file.getvalue()


def _opened(data: bytes, keystore: Passphrase = RIGHT) -> bytes:
    return b"".join(SealedFile(io.BytesIO(data), keystore).parts())


def _refused(data: bytes, keystore: Passphrase = RIGHT) -> str:
    with pytest.raises((InputError, VaultError)) as error:
        _opened(data, keystore)
    return error.value.code


def _pieces(data: bytes) -> list[bytes]:
    """The magic with the header, then each chunk with its length."""
    at = len(b"fieldward backup\n")
    cuts = [0]
    while at < len(data):
        at += 4 + int.from_bytes(data[at : at + 4], "big")
        cuts.append(at)
    return [data[start:end] for start, end in pairwise(cuts)]


@pytest.mark.parametrize("size", [0, 1, 999, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_is_written_is_what_is_read(size: int):
    """At every border of a chunk, and twice over: parts may be read again."""
    plain = Entropy(size)(size)
    file = SealedFile(io.BytesIO(_sealed(plain)), RIGHT)
    assert b"".join(file.parts()) == plain
    assert b"".join(file.parts()) == plain


def test_another_passphrase_opens_nothing():
    """And is told from damage."""
    assert _refused(_sealed(b"plain"), Passphrase("other", cost=CHEAP)) == "wrong_passphrase"


def test_two_backups_share_no_key():
    """So nonces that count from nought repeat under none."""
    first, second = (_pieces(_sealed(b"plain", seed))[1] for seed in (1, 2))
    assert first != second


def test_another_file_is_no_backup():
    """Whatever it is."""
    for data in (b"", b"fieldward backup", b"SQLite format 3\0" * 10):
        assert _refused(data) == "no_backup"


@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject):
    """Anywhere in the file: it is refused, with a reason."""
    whole = _SMALL
    at = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    code = _refused(whole[:at] + bytes([value]) + whole[at + 1 :])
    assert code in {"no_backup", "backup_damaged", "backup_newer", "wrong_passphrase", "wrong_keystore"}


@given(st.integers(0, 10_000))
def test_no_cut_off_file_passes(size: int):
    """Wherever it ends: at the end of a chunk too."""
    whole = _SMALL
    if size < len(whole):
        assert _refused(whole[:size]) in {"no_backup", "backup_damaged"}


def test_chunks_that_are_moved_left_out_or_added_do_not_pass():
    """Each is bound to its place, and the last one says that it is the last."""
    head, first, second, third = _pieces(_sealed(Entropy(3)(2 * CHUNK_BYTES + 5)))
    assert _opened(head + first + second + third)
    other = _pieces(_sealed(Entropy(4)(2 * CHUNK_BYTES + 5), seed=2))
    for bad in (
        head + second + first + third,
        head + first + third,
        head + first + second,
        head,
        head + first + first + second + third,
        head + first + second + third + third,
        head + first + other[2] + third,
        other[0] + first + second + third,
        head + first + second + third + b"\0",
    ):
        assert _refused(bad) in {"backup_damaged", "wrong_passphrase"}


def test_a_newer_form_is_named(monkeypatch: pytest.MonkeyPatch):
    """Nothing of it is tried."""
    monkeypatch.setattr(sealed_file, "VERSION", 2)
    newer = _sealed(b"plain")
    monkeypatch.undo()
    assert _refused(newer) == "backup_newer"


def test_another_key_store_is_named(monkeypatch: pytest.MonkeyPatch):
    """A phone's, where a passphrase is given."""
    monkeypatch.setattr(Passphrase, "kind", "phone")
    other = _sealed(b"plain")
    monkeypatch.undo()
    assert _refused(other) == "wrong_keystore"


def test_parameters_that_cannot_be_meant_are_damage(monkeypatch: pytest.MonkeyPatch):
    """A header that asks for impossible work was not written by this program."""

    def unfit(*_: object, bound: bytes) -> None:
        del bound
        raise VaultError("vault_damaged", expected="a", got="b", do="c")

    data = _sealed(b"plain")
    monkeypatch.setattr(Passphrase, "unwrap", unfit)
    assert _refused(data) == "backup_damaged"


def test_a_header_that_is_none_is_damage():
    """Right magic, and then something else."""
    assert _refused(b"fieldward backup\n" + b"\0\0\0\x01\xa0" + bytes(100)) == "backup_damaged"


def test_a_passphrase_that_seals_nothing_is_refused_before_anything_is_written():
    """A blank one."""
    file = io.BytesIO()
    with pytest.raises(InputError) as error:
        write_sealed(file, [b"plain"], Passphrase("  ", cost=CHEAP), Entropy(1))
    assert error.value.code == "passphrase_unfit"
    assert file.getvalue() == b""


_SMALL = _sealed(b"a small device")
