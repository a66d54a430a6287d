"""Attestations: what may be signed, and when a signature under a text holds."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import pytest

from sync_protocol.attestation import (
    Act,
    Attestation,
    check_reference,
    check_text,
    open_attestation,
    sign_attestation,
)
from sync_protocol.certificates import Trust
from sync_protocol.errors import ForgedError, MalformedError, PeerError, UntrustedError
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash, OrganisationId
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Envelope, sign
from tests.support.people import START_MS, Device, Organisation

CLINIC: Final = Organisation.make(81)
DOCTOR: Final = CLINIC.device(Role.PHYSICIAN)
NURSE: Final = CLINIC.device(Role.NURSE)
TEXT: Final = "Subjective\nCefalea, náuseas. ألم\n"


def attestation(by: Device = DOCTOR, words: str = TEXT, **changes: Any) -> Attestation:
    """One over a text, by a device."""
    made = Attestation(
        organisation=CLINIC.root.value.organisation,
        chart=ChartId(b"c" * 16),
        document=DocumentId(b"d" * 16),
        certificate=CertificateHash(by.certificate.hash),
        act=Act.AUTHOR,
        scope=("plan", "assessment"),
        text=Hash.of(words.encode()),
        size=len(words.encode()),
        frontier={Compartment.CLINICAL: (EntryHash(b"e" * 32),)},
        signed_ms=START_MS,
        of=None,
        reason=None,
    )
    return dataclasses.replace(made, **changes)


def trust() -> Trust:
    """What a verifier knows."""
    return CLINIC.trust()


def test_what_was_signed_opens_by_the_certificate_alone():
    """The record opens as it was made, and stands for exactly its text."""
    signed = sign_attestation(attestation(), DOCTOR.signer)
    opened = open_attestation(signed.wire, trust())
    assert opened.value == attestation()
    check_text(opened.value, TEXT)


@pytest.mark.parametrize("text", [TEXT + " ", TEXT[:-1], TEXT.replace("á", "a"), ""])
def test_another_text_is_not_what_was_signed(text: str):
    """One character more, less or other, and the signature is not under it."""
    with pytest.raises(ForgedError):
        check_text(attestation(), text)


def test_a_text_of_the_same_length_is_not_what_was_signed():
    """The hash decides, not the length."""
    with pytest.raises(ForgedError):
        check_text(attestation(), TEXT.replace("Cefalea", "Cefaleo"))


def test_every_changed_byte_is_found():
    """No bit of the signed record can be changed without somebody noticing."""
    wire = sign_attestation(attestation(), DOCTOR.signer).wire
    for place in range(len(wire)):
        changed = bytearray(wire)
        changed[place] ^= 1
        with pytest.raises(PeerError):
            open_attestation(bytes(changed), trust())


def test_nobody_signs_for_somebody_else():
    """A record names its signer's certificate, and no other key signs for it."""
    with pytest.raises(ForgedError):
        open_attestation(sign_attestation(attestation(), NURSE.signer).wire, trust())


def test_a_signer_whom_nobody_knows_proves_nothing():
    """A certificate outside the organisation's line to its root is not known."""
    stranger = Organisation.make(82).device(Role.PHYSICIAN)
    with pytest.raises(UntrustedError):
        open_attestation(sign_attestation(attestation(by=stranger), stranger.signer).wire, trust())


def test_an_attestation_of_another_organisation_is_refused():
    """A record says in which organisation it counts."""
    foreign = attestation(organisation=OrganisationId(b"o" * 16))
    with pytest.raises(UntrustedError):
        open_attestation(sign_attestation(foreign, DOCTOR.signer).wire, trust())


UNSOUND: Final = [
    {"of": Hash(b"a" * 32)},
    {"act": Act.COSIGNATURE},
    {"act": Act.ADDENDUM},
    {"act": Act.AMENDMENT, "reason": "wrong side"},
    {"act": Act.AMENDMENT, "of": Hash(b"a" * 32)},
    {"act": Act.AMENDMENT, "of": Hash(b"a" * 32), "reason": "  "},
]


@pytest.mark.parametrize("changes", UNSOUND)
def test_an_act_has_what_it_takes(changes: dict[str, Any]):
    """What refers to another names it, an author's own names none, an amendment says why; at both ends."""
    unsound = attestation(**changes)
    with pytest.raises(MalformedError):
        sign_attestation(unsound, DOCTOR.signer)
    with pytest.raises(MalformedError):
        open_attestation(sign(unsound, DOCTOR.signer, Label.ATTESTATION).wire, trust())


def test_a_reference_stands_beside_what_it_names():
    """A second signature is under the same text; an amendment and an addendum have their own."""
    first = sign_attestation(attestation(), DOCTOR.signer)
    of: dict[str, Any] = {"of": first.hash}
    check_reference(sign_attestation(attestation(NURSE, act=Act.COSIGNATURE, **of), NURSE.signer), first)
    amended = attestation(NURSE, "Other\n", act=Act.AMENDMENT, reason="wrong side", **of)
    check_reference(sign_attestation(amended, NURSE.signer), first)
    added = attestation(NURSE, "More\n", act=Act.ADDENDUM, **of)
    check_reference(sign_attestation(added, NURSE.signer), first)


@pytest.mark.parametrize(
    "changes",
    [
        {"of": Hash(b"a" * 32)},
        {"chart": ChartId(b"x" * 16)},
        {"document": DocumentId(b"x" * 16)},
        {"text": Hash.of(b"other")},
        {"size": 1},
        {"scope": ()},
    ],
)
def test_a_reference_that_does_not_fit_is_refused(changes: dict[str, Any]):
    """Nobody's signature is carried to another document, another text or another part of it."""
    first = sign_attestation(attestation(), DOCTOR.signer)
    beside = attestation(NURSE, **({"act": Act.COSIGNATURE, "of": first.hash} | changes))
    with pytest.raises(ForgedError):
        check_reference(sign_attestation(beside, NURSE.signer), first)


def test_an_amendment_stands_in_the_place_of_a_text_whole():
    """Of a document's text, in all of its scope: a part never stands for the whole, nor a text for a signature."""
    first = sign_attestation(attestation(), DOCTOR.signer)
    amended: dict[str, Any] = {"act": Act.AMENDMENT, "reason": "wrong side"}
    part = sign_attestation(attestation(NURSE, "Other\n", of=first.hash, scope=(), **amended), NURSE.signer)
    with pytest.raises(ForgedError):
        check_reference(part, first)
    beside = sign_attestation(attestation(NURSE, act=Act.COSIGNATURE, of=first.hash), NURSE.signer)
    other = sign_attestation(attestation(DOCTOR, "Other\n", of=beside.hash, **amended), DOCTOR.signer)
    with pytest.raises(ForgedError):
        check_reference(other, beside)


def test_what_is_no_envelope_is_refused():
    """Bytes that are no record, and a record that is none of these."""
    record = sign_attestation(attestation(), DOCTOR.signer)
    for wire in (
        b"",
        b"\xa0",
        record.wire + b"\0",
        pack(Envelope(payload=b"\xa0", ed25519=DOCTOR.signer.sign(Label.ATTESTATION, b"\xa0"))),
    ):
        with pytest.raises(MalformedError):
            open_attestation(wire, trust())
