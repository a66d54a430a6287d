"""A passphrase as key store."""

from __future__ import annotations

import contextlib

import pytest

from edge_runtime.errors import InputError, VaultError
from edge_runtime.vault.keys import DataKey
from edge_runtime.vault.passphrase import (
    DEFAULT_COST,
    LANES_MAX,
    MEMORY_KIB_MAX,
    PASSES_MAX,
    PASSPHRASE_BYTES_MAX,
    Cost,
    Passphrase,
    _Wrapped,
)
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import MalformedError
from sync_protocol.records import pack, unpack
from tests.support.people import Entropy

TINY = Cost(memory_kib=16, passes=1, lanes=1)
KEY = DataKey(bytes(range(32)))
BOUND = b"header"


def wrap(text: str, *, cost: Cost = TINY) -> bytes:
    """Wrap KEY under a passphrase."""
    return Passphrase(text, cost=cost).wrap(KEY, bound=BOUND, entropy=Entropy(1))


def opens(wrapped: bytes, text: str, *, bound: bytes = BOUND) -> bool:
    """Whether the passphrase opens it; nothing but "wrong_passphrase" may keep it from that."""
    try:
        found = Passphrase(text, cost=TINY).unwrap(wrapped, bound=bound)
    except VaultError as error:
        if error.code == "wrong_passphrase":
            return False
        raise
    return found.reveal() == KEY.reveal()


def test_the_same_words_open() -> None:
    """What a passphrase wrapped, the same passphrase opens, and no other, however near."""
    wrapped = wrap("korrekt horse Ärztin")
    assert opens(wrapped, "korrekt horse Ärztin")
    for other in ("korrekt horse ärztin", "korrekt horse Arztin", "korrekt  horse Ärztin", " korrekt horse Ärztin", ""):
        assert not opens(wrapped, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("\u00c5ngstr\u00f6m", "A\u030angstro\u0308m"), ("two\u00a0words", "two words"), ("two\u3000words", "two words")],
)
def test_a_keyboard_does_not_matter(one: str, other: str) -> None:
    """Composed or not, and with any Unicode space, it is the same passphrase (RFC 8265 OpaqueString)."""
    assert opens(wrap(one), other)
    assert opens(wrap(other), one)


def test_compatibility_forms_matter() -> None:
    """NFC, not NFKC: a full-width letter or a ligature is another character, as OpaqueString keeps it."""
    wrapped = wrap("\uff21fine")
    assert not opens(wrapped, "Afine")
    assert not opens(wrap("\ufb01ne"), "fine")


@pytest.mark.parametrize("text", ["", "   ", "\u00a0\u2003", "bell\a", "line\nbreak", "x\0", "half \ud83d", "€" * 342])
def test_unfit_passphrases_are_refused(text: str) -> None:
    """Blank, with control characters or half a character, or over 1,024 bytes: refused before anything is wrapped."""
    with pytest.raises(InputError) as caught:
        wrap(text)
    assert caught.value.code == "passphrase_unfit"
    assert not text.strip() or text not in str(caught.value)


def test_the_longest_passphrase_is_fit() -> None:
    """1,024 bytes of UTF-8 will do."""
    text = "é" * (PASSPHRASE_BYTES_MAX // 2)
    assert opens(wrap(text), text)


@pytest.mark.parametrize("text", ["", "x\0", "half \ud83d"])
def test_what_could_not_be_set_is_a_wrong_passphrase(text: str) -> None:
    """Opening does not judge what was typed: it fails as any other wrong passphrase does."""
    assert not opens(wrap("right"), text)


def test_each_wrap_is_another() -> None:
    """Salt and nonce are drawn anew, so that two vaults of one passphrase have nothing in common."""
    entropy = Entropy(2)
    one, two = (
        unpack(_Wrapped, Passphrase("same", cost=TINY).wrap(KEY, bound=BOUND, entropy=entropy)) for _ in range(2)
    )
    assert one.salt != two.salt
    assert one.nonce != two.nonce
    assert one.box != two.box


def test_the_header_is_bound() -> None:
    """A wrapped key under another header does not open."""
    assert not opens(wrap("right"), "right", bound=b"another")


@pytest.mark.parametrize("field", ["salt", "nonce", "box"])
def test_every_byte_is_bound(field: str) -> None:
    """Whatever byte of the wrapped key changed, it does not open."""
    raw = unpack(_Wrapped, wrap("right"))
    parts = {name: getattr(raw, name) for name in ("cost", "salt", "nonce", "box")}
    for at in range(len(parts[field])):
        changed = bytearray(parts[field])
        changed[at] ^= 1
        assert not opens(pack(_Wrapped(**{**parts, field: bytes(changed)})), "right")


def test_the_cost_is_bound() -> None:
    """Who lowers the parameters in the file makes it useless: they are authenticated, and derive another key."""
    raw = unpack(_Wrapped, wrap("right", cost=Cost(memory_kib=32, passes=2, lanes=1)))
    assert opens(pack(raw), "right")
    for cost in (Cost(memory_kib=16, passes=2, lanes=1), Cost(memory_kib=32, passes=1, lanes=1)):
        assert not opens(pack(_Wrapped(cost=cost, salt=raw.salt, nonce=raw.nonce, box=raw.box)), "right")


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"),
    [
        (MEMORY_KIB_MAX + 1, 1, 1),
        (16, PASSES_MAX + 1, 1),
        (1024, 1, LANES_MAX + 1),
        (0, 1, 1),
        (7, 1, 1),
        (31, 1, 4),
        (16, 0, 1),
        (16, 1, 0),
    ],
)
def test_unbounded_parameters_are_damage(
    memory_kib: int, passes: int, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file cannot make the device work for hours or run out of memory, nor ask for no work at all."""
    asked: list[Cost] = []

    def derive(_: Passphrase, cost: Cost, __: bytes) -> bytes:
        asked.append(cost)
        return bytes(32)

    monkeypatch.setattr(Passphrase, "_derive", derive)
    parts = decode(wrap("right"))
    assert isinstance(parts, dict)
    asked.clear()
    parts[1] = {1: memory_kib, 2: passes, 3: lanes}
    with pytest.raises(VaultError) as caught:
        Passphrase("right", cost=TINY).unwrap(encode(parts), bound=BOUND)
    assert caught.value.code == "vault_damaged"
    assert asked == [TINY], "one derivation by this program's own parameters, none by the file's"


def test_a_cost_below_the_least_wraps_nothing() -> None:
    """Parameters that Argon2id does not have are refused when a vault is made, too."""
    with pytest.raises(MalformedError):
        wrap("right", cost=Cost(memory_kib=1, passes=1, lanes=1))


def test_every_attempt_costs_one_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right, wrong, damaged: each attempt derives exactly once, so that time does not tell them apart."""
    wrapped = wrap("right")
    derived: list[Cost] = []
    derive = Passphrase._derive

    def counting(self: Passphrase, cost: Cost, salt: bytes) -> bytes:
        derived.append(cost)
        return derive(self, cost, salt)

    monkeypatch.setattr(Passphrase, "_derive", counting)
    for bytes_, text in ((wrapped, "right"), (wrapped, "wrong"), (wrapped, ""), (b"\xa0", "right")):
        derived.clear()
        with contextlib.suppress(VaultError):
            Passphrase(text, cost=TINY).unwrap(bytes_, bound=BOUND)
        assert derived == [TINY]


def test_default_cost() -> None:
    """64 MiB, three passes, four lanes (RFC 9106 section 4), and the vault says so."""
    assert Cost(memory_kib=65_536, passes=3, lanes=4) == DEFAULT_COST
    wrapped = wrap("right", cost=DEFAULT_COST)
    assert unpack(_Wrapped, wrapped).cost == DEFAULT_COST
    assert opens(wrapped, "right")


def test_it_has_no_repr() -> None:
    """A passphrase shows itself to no log."""
    secret = Passphrase("very private words", cost=TINY)
    assert "private" not in f"{secret!r} {secret}"
