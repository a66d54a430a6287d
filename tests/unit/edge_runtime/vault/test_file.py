"""The vault's file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_runtime.errors import InputError, VaultError
from edge_runtime.vault.file import VERSION, _bound, _digest, _File, _Header, create, open_vault, rewrap
from edge_runtime.vault.keys import DataKey, Entropy, KeyStore
from edge_runtime.vault.passphrase import Cost, Passphrase
from sync_protocol.records import pack, unpack
from tests.support.people import Entropy as Seeded
from tests.unit.edge_runtime.store.traces import traces

TINY = Cost(memory_kib=16, passes=1, lanes=1)


@dataclass
class Counting:
    """A key store of a platform that wraps with a pad, and counts what it is asked."""

    kind: str = "pad"
    pad: bytes = bytes(range(32))
    calls: list[str] = field(default_factory=list)

    def wrap(self, key: DataKey, *, bound: bytes, entropy: Entropy) -> bytes:
        """See KeyStore."""
        self.calls.append("wrap")
        return bytes(a ^ b for a, b in zip(key.reveal(), self.pad, strict=True)) + bound + entropy(1)

    def unwrap(self, wrapped: bytes, *, bound: bytes) -> DataKey:
        """See KeyStore."""
        self.calls.append("unwrap")
        assert wrapped[32:-1] == bound
        return DataKey(bytes(a ^ b for a, b in zip(wrapped, self.pad, strict=False)))

    def burn(self) -> None:
        """See KeyStore."""
        self.calls.append("burn")


def words(text: str) -> Passphrase:
    """A passphrase at no cost."""
    return Passphrase(text, cost=TINY)


def refused(path: Path, keystore: KeyStore) -> str:
    """The code with which a vault does not open."""
    with pytest.raises(VaultError) as caught:
        open_vault(path, keystore)
    return caught.value.code


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a vault may lie."""
    return tmp_path / "vault.cbor"


def test_what_was_created_opens(path: Path) -> None:
    """The data key that `create` hands out is the one that `open_vault` finds; each vault has its own."""
    made = create(path, words("right"), Seeded(1))
    assert open_vault(path, words("right")).reveal() == made.reveal()
    other = create(path.with_name("other.cbor"), words("right"), Seeded(2))
    assert other.reveal() != made.reveal()


def test_only_its_owner_reads_it(path: Path) -> None:
    """The file has mode 0600 whatever the umask says."""
    before = os.umask(0)
    try:
        create(path, words("right"), Seeded(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_wrong_passphrase(path: Path) -> None:
    """Another passphrase is told as that, and the file stays as it is."""
    create(path, words("right"), Seeded(1))
    before = path.read_bytes()
    assert refused(path, words("wrong")) == "wrong_passphrase"
    assert path.read_bytes() == before


def test_no_vault(path: Path) -> None:
    """A home without a vault is told at once: there is nothing to guess."""
    keystore = Counting()
    assert refused(path, keystore) == "no_vault"
    assert keystore.calls == []


def test_vault_exists(path: Path) -> None:
    """A vault is never written over: its store would be lost."""
    create(path, words("right"), Seeded(1))
    before = path.read_bytes()
    with pytest.raises(VaultError) as caught:
        create(path, words("other"), Seeded(2))
    assert caught.value.code == "vault_exists"
    assert path.read_bytes() == before


def test_an_unfit_passphrase_leaves_no_vault(path: Path) -> None:
    """What cannot be set is refused before a file is there."""
    with pytest.raises(InputError):
        create(path, words(""), Seeded(1))
    assert list(path.parent.iterdir()) == []


def test_every_flipped_bit_is_damage(path: Path) -> None:
    """Whatever bit of the file flipped, the right passphrase is told "vault_damaged", never that it is wrong."""
    create(path, words("right"), Seeded(1))
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert refused(path, words("right")) == "vault_damaged"
    path.write_bytes(whole)
    open_vault(path, words("right"))


def test_every_cut_is_damage(path: Path) -> None:
    """A file that ends too early, or goes on, or is huge, is damaged."""
    create(path, words("right"), Seeded(1))
    whole = path.read_bytes()
    for bytes_ in (*(whole[:size] for size in range(len(whole))), whole + b"\0", whole + bytes(1_000_000)):
        path.write_bytes(bytes_)
        assert refused(path, words("right")) == "vault_damaged"


def test_a_folder_in_its_place_is_damage(path: Path) -> None:
    """What cannot be read as a file is damage, not a stack trace."""
    path.mkdir()
    assert refused(path, words("right")) == "vault_damaged"


def write(path: Path, header: bytes, wrapped: bytes) -> None:
    """Write a vault whose digest holds."""
    path.write_bytes(pack(_File(header=header, wrapped=wrapped, digest=_digest(header, wrapped))))


def test_a_newer_vault_asks_for_an_update(path: Path) -> None:
    """A version that this program does not know is refused as that, not as damage."""
    write(path, pack(_Header(version=VERSION + 1, kind="pad")), b"x")
    assert refused(path, Counting()) == "vault_newer"


def test_another_key_store_is_refused(path: Path) -> None:
    """A vault of a phone's key store does not open by a passphrase, and says what it wants."""
    create(path, Counting(), Seeded(1))
    assert refused(path, words("right")) == "wrong_keystore"


def test_a_header_that_is_none_is_damage(path: Path) -> None:
    """A header is read strictly even where the digest holds."""
    write(path, b"\xff", b"x")
    assert refused(path, Counting()) == "vault_damaged"


def test_wrapped_bytes_that_are_none_are_damage(path: Path) -> None:
    """What the key store wrote is read strictly even where the digest holds."""
    write(path, pack(_Header(version=VERSION, kind="passphrase")), b"\xff")
    assert refused(path, words("right")) == "vault_damaged"


def test_a_failed_opening_costs_the_same(path: Path) -> None:
    """Whatever is wrong with a vault that is there, the key store works once: by unwrapping, or for nothing."""
    keystore = Counting()
    create(path, keystore, Seeded(1))
    whole = path.read_bytes()
    other = pack(_Header(version=VERSION, kind="other"))
    newer = pack(_Header(version=VERSION + 1, kind="pad"))
    broken = [whole[:-1], b"", pack(_File(header=other, wrapped=b"x", digest=_digest(other, b"x")))]
    broken += [pack(_File(header=newer, wrapped=b"x", digest=_digest(newer, b"x")))]
    for bytes_ in broken:
        path.write_bytes(bytes_)
        keystore.calls.clear()
        refused(path, keystore)
        assert keystore.calls == ["burn"]
    path.write_bytes(whole)
    keystore.calls.clear()
    open_vault(path, keystore)
    assert keystore.calls == ["unwrap"]


def test_a_key_store_is_bound_to_the_header(path: Path) -> None:
    """A key store authenticates label and header with the key, so that it can be used for nothing else."""
    create(path, Counting(), Seeded(1))
    stored = unpack(_File, path.read_bytes())
    assert stored.wrapped[32:-1] == _bound(stored.header) == b"fieldward/1/vault\0" + stored.header


def test_a_change_of_passphrase_keeps_the_key(path: Path) -> None:
    """After a change the new passphrase opens the same data key, and the old one opens nothing."""
    made = create(path, words("old"), Seeded(1))
    rewrap(path, words("old"), words("new"), Seeded(2))
    assert open_vault(path, words("new")).reveal() == made.reveal()
    assert refused(path, words("old")) == "wrong_passphrase"


def test_a_change_to_another_key_store(path: Path) -> None:
    """A kit's vault can move to a platform's key store and back."""
    made = create(path, words("old"), Seeded(1))
    rewrap(path, words("old"), Counting(), Seeded(2))
    assert open_vault(path, Counting()).reveal() == made.reveal()
    rewrap(path, Counting(), words("new"), Seeded(3))
    assert open_vault(path, words("new")).reveal() == made.reveal()


@pytest.mark.parametrize(("old", "new", "error"), [("wrong", "new", VaultError), ("old", "  ", InputError)])
def test_a_refused_change_changes_nothing(path: Path, old: str, new: str, error: type[Exception]) -> None:
    """With a wrong old or an unfit new passphrase the vault stays, byte by byte."""
    create(path, words("old"), Seeded(1))
    before = path.read_bytes()
    with pytest.raises(error):
        rewrap(path, words(old), words(new), Seeded(2))
    assert path.read_bytes() == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_vault(path: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing or renaming fails, the old vault stands, no part of a new one is left, and the error says so."""
    create(path, words("old"), Seeded(1))
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, fail)
    with pytest.raises(VaultError) as caught:
        rewrap(path, words("old"), words("new"), Seeded(2))
    assert caught.value.code == "vault_unwritable"
    assert "No space" in caught.value.got
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_crash_left_is_no_hindrance(path: Path) -> None:
    """A part of a new vault, left by a crash, is written over, and never opened."""
    path.with_name("vault.cbor.part").write_bytes(b"half")
    made = create(path, words("right"), Seeded(1))
    assert open_vault(path, words("right")).reveal() == made.reveal()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_nothing_secret_is_in_the_file(path: Path) -> None:
    """The file holds neither the data key nor the passphrase, as bytes, hexadecimal digits or base64."""
    made = create(path, words("seven quiet herons"), Seeded(1))
    stored = path.read_bytes()
    assert not [
        trace for secret in (made.reveal(), b"seven quiet herons") for trace in traces(secret) if trace in stored
    ]


def test_each_purpose_derives_another_key() -> None:
    """Keys derived for two purposes, or from two data keys, have nothing in common; the same twice are the same."""
    one, two = DataKey(bytes(32)), DataKey(bytes([1]) * 32)
    assert len({one.derive(b"a"), one.derive(b"b"), two.derive(b"a"), one.reveal()}) == 4
    assert one.derive(b"a") == DataKey(bytes(32)).derive(b"a")
    assert len(one.derive(b"a")) == 32


def test_a_data_key_has_no_repr() -> None:
    """The data key shows itself to no log."""
    assert repr(DataKey(b"k" * 32)) == "DataKey(secret)"
