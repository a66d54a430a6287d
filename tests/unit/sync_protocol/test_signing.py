"""Signatures hold for one key, one label, one message, and hybrids for both algorithms or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import signing
from sync_protocol.errors import ForgedError, MalformedError, MisuseError
from sync_protocol.labels import Label
from sync_protocol.records import pack, unpack
from sync_protocol.signing import (
    Ed25519Signature,
    HybridPublicKey,
    HybridSignature,
    HybridSigningKey,
    MlDsaSignature,
    MlDsaVerifyKey,
    SigningKey,
    VerifyKey,
    check_verify_key,
    verify,
    verify_hybrid,
    verify_note,
)

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
KEY = SigningKey(b"s" * 32)
HYBRID = HybridSigningKey(b"h" * 64)
OTHER_HYBRID = HybridSigningKey(b"o" * 64)


def x_of(y: int) -> int | None:
    """An x coordinate for y on edwards25519, or None. Source: RFC 8032 section 5.1.3."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x * x % P == square else None


def doubled(point: tuple[int, int]) -> tuple[int, int]:
    """The point added to itself, in affine coordinates."""
    x, y = point
    t = D * x * x % P * y * y % P
    return 2 * x * y * pow(1 + t, -1, P) % P, (y * y + x * x) * pow(1 - t, -1, P) % P


@given(st.binary(max_size=200), st.sampled_from(Label))
def test_a_signature_holds_for_what_was_signed(message: bytes, label: Label):
    """The same key, label and message verify, and the signature is deterministic."""
    signature = KEY.sign(label, message)
    verify(KEY.public, label, message, signature)
    assert signature == KEY.sign(label, message)
    assert type(signature) is Ed25519Signature


@given(st.data())
def test_a_changed_bit_is_a_forgery(data: st.DataObject):
    """Any flipped bit of message or signature is refused."""
    message = data.draw(st.binary(min_size=1, max_size=40))
    signature = KEY.sign(Label.SEAL, message)
    signed = bytearray(message + signature)
    bit = data.draw(st.integers(0, 8 * len(signed) - 1))
    signed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ForgedError):
        verify(KEY.public, Label.SEAL, bytes(signed[:-64]), Ed25519Signature(bytes(signed[-64:])))


def test_a_signature_for_one_purpose_is_worthless_for_another():
    """Another label or key is refused, and so is a label moved into the message."""
    signature = KEY.sign(Label.SEAL, b"message")
    for public, label in ((KEY.public, Label.SEAL_LEAF), (SigningKey(b"t" * 32).public, Label.SEAL)):
        with pytest.raises(ForgedError):
            verify(public, label, b"message", signature)
    verify_note(KEY.public, Label.SEAL + b"message", signature)  # which is why a note may hold no NUL


def test_a_note_can_never_be_a_labelled_message():
    """The key refuses to sign a note with a NUL, and every label holds one."""
    verify_note(KEY.public, b"origin\n1\n", KEY.sign_note(b"origin\n1\n"))
    with pytest.raises(ForgedError):
        verify_note(KEY.public, b"origin\n2\n", KEY.sign_note(b"origin\n1\n"))
    for label in Label:
        with pytest.raises(MisuseError):
            KEY.sign_note(label + b"message")


def test_the_seed_restores_the_key():
    """What `reveal` gives makes the same key again."""
    assert SigningKey(KEY.reveal()).public == KEY.public
    assert HybridSigningKey(HYBRID.reveal()).public == HYBRID.public


def test_the_table_of_small_orders_is_whole():
    """It holds every encoding of the eight points whose order divides eight, computed here from the curve."""
    found = set()
    candidates = [y for code in signing._SMALL_ORDER if (y := int.from_bytes(code, "little") & (2**255 - 1)) < P]
    for y in candidates:
        x = x_of(y)
        assert x is not None
        eightfold = doubled(doubled(doubled((x, y))))
        assert eightfold == (0, 1)
        found |= {(x, y), (-x % P, y)}
    assert len(found) == 8
    assert len(signing._SMALL_ORDER) == 2 * len(set(candidates))


def test_a_key_that_signs_everything_is_refused():
    """Under the neutral point as key, R = s * B verifies for any message; such keys are no keys."""
    for code in signing._SMALL_ORDER:
        with pytest.raises(ForgedError, match="full order"):
            check_verify_key(VerifyKey(code))
    base_point = VerifyKey.parse("58" + "66" * 31)
    universal = Ed25519Signature(base_point + (1).to_bytes(32, "little"))
    neutral = VerifyKey((1).to_bytes(32, "little"))
    Ed25519PublicKey.from_public_bytes(neutral).verify(universal, b"anything")
    with pytest.raises(ForgedError):
        verify(neutral, Label.SEAL, b"anything", universal)


@pytest.mark.parametrize("y", [P, P + 1, P + 18])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_key_in_a_second_form_is_refused(y: int, sign: int):
    """A coordinate that is not reduced names a key twice, and libraries disagree on it."""
    with pytest.raises(ForgedError, match="canonical"):
        check_verify_key(VerifyKey((y | sign).to_bytes(32, "little")))


def test_a_point_off_the_curve_verifies_nothing():
    """A canonical encoding that is no point is a forged key, not a crash."""
    y = next(y for y in range(2, 50) if x_of(y) is None)
    with pytest.raises(ForgedError):
        verify(VerifyKey(y.to_bytes(32, "little")), Label.SEAL, b"", KEY.sign(Label.SEAL, b""))


@pytest.mark.parametrize("first", sorted(signing._SMALL_ORDER))
def test_a_signature_with_a_small_r_is_refused(first: bytes):
    """No honest signer makes one, and some libraries refuse it: so does everybody here."""
    with pytest.raises(ForgedError, match="R of full order"):
        verify(KEY.public, Label.SEAL, b"", Ed25519Signature(first + bytes(32)))


def test_a_malleable_s_is_refused():
    """S plus the group order would be a second signature over the same message."""
    signature = KEY.sign(Label.SEAL, b"")
    order = 2**252 + 27742317777372353535851937790883648493
    second = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    with pytest.raises(ForgedError):
        verify(KEY.public, Label.SEAL, b"", Ed25519Signature(signature[:32] + second))


def test_a_hybrid_signature_holds_by_both():
    """Both verify; two ML-DSA signatures of one message differ, and both hold."""
    first, second = HYBRID.sign(Label.ROOT, b"root"), HYBRID.sign(Label.ROOT, b"root")
    assert first.ed25519 == second.ed25519
    assert first.ml_dsa != second.ml_dsa
    for signature in (first, second):
        verify_hybrid(HYBRID.public, Label.ROOT, b"root", signature)


def test_a_hybrid_signature_fails_by_either():
    """A signature of somebody else on either side, another label, message or key: refused."""
    good, other = HYBRID.sign(Label.ROOT, b"root"), OTHER_HYBRID.sign(Label.ROOT, b"root")
    for bad in (replace(good, ed25519=other.ed25519), replace(good, ml_dsa=other.ml_dsa), other):
        with pytest.raises(ForgedError):
            verify_hybrid(HYBRID.public, Label.ROOT, b"root", bad)
    for public in (
        replace(HYBRID.public, ed25519=OTHER_HYBRID.public.ed25519),
        replace(HYBRID.public, ml_dsa=OTHER_HYBRID.public.ml_dsa),
        replace(HYBRID.public, ml_dsa=MlDsaVerifyKey(b"\xff" * 1952)),
    ):
        with pytest.raises(ForgedError):
            verify_hybrid(public, Label.ROOT, b"root", good)
    for label, message in ((Label.CERTIFICATE, b"root"), (Label.ROOT, b"toor")):
        with pytest.raises(ForgedError):
            verify_hybrid(HYBRID.public, label, message, good)


def test_hybrid_keys_and_signatures_travel_as_records():
    """They read back as themselves, and have the sizes of FIPS 204."""
    signature = HYBRID.sign(Label.ROOT, b"root")
    assert unpack(HybridPublicKey, pack(HYBRID.public)) == HYBRID.public
    assert unpack(HybridSignature, pack(signature)) == signature
    assert (len(HYBRID.public.ml_dsa), len(signature.ml_dsa)) == (1952, 3309)
    for kind in (VerifyKey, MlDsaVerifyKey, Ed25519Signature, MlDsaSignature):
        with pytest.raises(MalformedError):
            kind(bytes(kind.SIZE - 1))
