"""Signed bytes are closed until they are verified, and are kept as they came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.certificates import Root, Session
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import ForgedError, MalformedError, PeerError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.labels import Label
from sync_protocol.signed import Signed, Verified, sign, sign_hybrid
from sync_protocol.signing import HybridSigningKey, SigningKey
from tests.support.people import Organisation

SIGNER, OTHER = SigningKey(b"a" * 32), SigningKey(b"b" * 32)
HYBRID = HybridSigningKey(b"h" * 64)
RECORD = Session(certificate=CertificateHash(b"c" * 32), nonce=b"n" * 16, started_ms=7)
GOOD = sign(RECORD, SIGNER, Label.SESSION)
GOOD_HYBRID = sign_hybrid(RECORD, HYBRID, Label.SESSION)


def envelope(wire: bytes) -> dict[int | str, Any]:
    """The envelope's fields, to be changed."""
    fields = decode(wire)
    assert isinstance(fields, dict)
    return dict(fields)


def test_verified_shows_the_record_its_hash_and_its_bytes():
    """The hash is over the payload alone, and the wire is what came."""
    verified = Signed(Session, GOOD.wire).verify(SIGNER.public, Label.SESSION)
    payload = envelope(GOOD.wire)[1]
    assert isinstance(payload, bytes)
    assert (verified.value, verified.wire) == (RECORD, GOOD.wire)
    assert verified.hash == GOOD.hash == Signed(Session, GOOD.wire).hash == Hash.of(payload)


def test_both_algorithms_verify_together():
    """A long-lived record holds under both keys."""
    assert Signed(Session, GOOD_HYBRID.wire).verify_hybrid(HYBRID.public, Label.SESSION).value == RECORD


def test_a_claim_decides_nothing():
    """What an unverified record says of itself can be read only under that name."""
    signed = Signed(Session, GOOD.wire)
    assert signed.claimed() == RECORD
    assert not hasattr(signed, "value")


@pytest.mark.parametrize(("key", "label"), [(OTHER, Label.SESSION), (SIGNER, Label.SEAL)])
def test_another_key_or_purpose_is_refused(key: SigningKey, label: Label):
    """A signature is worth nothing under another key or label."""
    with pytest.raises(ForgedError):
        Signed(Session, GOOD.wire).verify(key.public, label)


def test_the_number_of_signatures_is_part_of_what_is_expected():
    """Neither is a second signature ignored, nor a missing one forgiven."""
    with pytest.raises(ForgedError):
        Signed(Session, GOOD_HYBRID.wire).verify(HYBRID.public.ed25519, Label.SESSION)
    with pytest.raises(ForgedError):
        Signed(Session, GOOD.wire).verify_hybrid(HYBRID.public, Label.SESSION)
    with pytest.raises(ForgedError):
        Signed(Session, GOOD_HYBRID.wire).verify_hybrid(HYBRID.public, Label.ROOT)


@pytest.mark.parametrize("further", [{4: b""}, {64: b"x"}, {1 << 40: b"stuffing" * 1000}])
def test_the_envelope_has_no_room(further: dict[int | str, Any]):
    """The envelope is not signed: what anybody could add to it is refused, critical or not."""
    stuffed = encode({**envelope(GOOD.wire), **further})
    with pytest.raises(MalformedError):
        Signed(Session, stuffed)


def test_a_payload_of_another_kind_is_refused_after_its_signature():
    """Well signed, and still not such a record."""
    signed = Signed(Root, GOOD.wire)
    with pytest.raises(MalformedError):
        signed.verify(SIGNER.public, Label.SESSION)


def test_the_store_gives_back_what_was_verified():
    """Without checking the signature again."""
    again = Verified.from_store(Session, GOOD.wire)
    assert (again.value, again.hash, again.wire) == (RECORD, GOOD.hash, GOOD.wire)


def test_verified_is_made_by_verification_only():
    """There is no other way to make one."""
    with pytest.raises(AssertionError):
        Verified(object(), RECORD, b"", b"")


@given(st.data())
def test_no_changed_byte_survives(data: st.DataObject):
    """Whatever single byte differs, the record is refused, and by a peer's fault only."""
    at = data.draw(st.integers(0, len(GOOD.wire) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != GOOD.wire[at]))
    wire = GOOD.wire[:at] + bytes([value]) + GOOD.wire[at + 1 :]
    with pytest.raises(PeerError):
        Signed(Session, wire).verify(SIGNER.public, Label.SESSION)


@given(st.binary(max_size=200))
def test_other_bytes_are_no_envelope(data: bytes):
    """Arbitrary bytes are refused as a peer's fault."""
    with pytest.raises(PeerError):
        Signed(Session, data)


def test_records_of_one_organisation_are_not_another_s():
    """A root verifies by its own keys only."""
    one, other = Organisation.make(1), Organisation.make(2)
    with pytest.raises(ForgedError):
        Signed(Root, one.root.wire).verify_hybrid(other.root_key.public, Label.ROOT)
