"""Both sides know whom they speak with, over the bytes that travelled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_protocol.certificates import Trust
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import ForgedError, MalformedError, PeerError, UntrustedError
from sync_protocol.frames import unpack_frame
from sync_protocol.greeting_messages import Auth, Hello, NoteProof, Welcome
from sync_protocol.handshake import Said, authenticate, check_auth, check_welcome, welcome
from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import SigningKey
from tests.support.people import ADDRESS, Device, Organisation

ONE, OTHER = Organisation.make(1), Organisation.make(2)
NURSE, DOCTOR = ONE.device(Role.NURSE), ONE.device(Role.PHYSICIAN)
NOTE = b"a checkpoint, which nobody reads in a handshake"
PROOFS = (NoteProof(own=True, path=(Hash(b"h" * 32),)),)


def hello_of(device: Device, *, nonce: bytes = b"d" * 32, versions: tuple[int, ...] = (1,)) -> Said[Hello]:
    """A device's hello."""
    organisation = device.organisation.root.value.organisation
    return Said.say(
        Hello(versions=versions, organisation=organisation, certificate=device.name, nonce=nonce, notes=(NOTE,))
    )


def answered(hello: Said[Hello], organisation: Organisation = ONE) -> Said[Welcome]:
    """The relay's answer."""
    return welcome(
        hello,
        record=organisation.relay,
        nonce=b"r" * 32,
        note=NOTE,
        proofs=PROOFS,
        signer=organisation.relay_key,
    )


def proven(hello: Said[Hello], answer: Said[Welcome], device: Device = NURSE, *, address: str = ADDRESS) -> Auth:
    """The device's proof."""
    return authenticate(hello, answer, address=address, certificates=device.chain, signer=device.signer)


def admitted(
    hello: Said[Hello], answer: Said[Welcome], auth: Auth, *, now_ms: int = 0, trust: Trust | None = None
) -> bytes:
    """What the relay makes of it."""
    trust = trust or Trust(ONE.root)
    return check_auth(hello, answer, auth, trust=trust, addresses=[ADDRESS], now_ms=now_ms).hash


HELLO = hello_of(NURSE)
ANSWER = answered(HELLO)


def test_both_sides_know_each_other():
    """The device the relay's record, the relay the device's certificate, which it may never have seen."""
    assert check_welcome(HELLO, ANSWER, ONE.root).hash == ONE.relay.hash
    assert admitted(HELLO, ANSWER, proven(HELLO, ANSWER)) == NURSE.certificate.hash


def test_the_relay_refuses_another_organisation_and_another_version():
    """Before it signs anything."""
    with pytest.raises(UntrustedError):
        answered(hello_of(OTHER.device(Role.NURSE)))
    with pytest.raises(MalformedError):
        answered(hello_of(NURSE, versions=(2, 3)))
    assert answered(hello_of(NURSE, versions=(2, 1))).message.version == 1


def test_a_swapped_relay_key_is_refused():
    """The record names the key, and the key signs the answer."""
    thief = SigningKey(b"t" * 32)
    with pytest.raises(ForgedError):
        check_welcome(
            HELLO, welcome(HELLO, record=ONE.relay, nonce=b"r" * 32, note=NOTE, proofs=PROOFS, signer=thief), ONE.root
        )
    record = sign_hybrid(replace(ONE.relay.value, ed25519=thief.public), OTHER.root_key, Label.RELAY)
    with pytest.raises(ForgedError):
        check_welcome(
            HELLO, welcome(HELLO, record=record, nonce=b"r" * 32, note=NOTE, proofs=PROOFS, signer=thief), ONE.root
        )


def test_another_organisation_s_relay_is_refused():
    """Its record is not this root's word."""
    foreign = hello_of(OTHER.device(Role.NURSE))
    with pytest.raises(ForgedError):
        check_welcome(foreign, answered(foreign, OTHER), ONE.root)


def test_an_answer_is_to_one_hello():
    """It cannot be replayed to another, nor carry a version that was not offered."""
    with pytest.raises(ForgedError):
        check_welcome(hello_of(NURSE, nonce=b"e" * 32), ANSWER, ONE.root)
    with pytest.raises(UntrustedError):
        check_welcome(HELLO, Said.say(replace(ANSWER.message, version=2)), ONE.root)
    with pytest.raises(ForgedError):
        check_welcome(HELLO, Said.say(replace(ANSWER.message, nonce=b"x" * 32)), ONE.root)
    with pytest.raises(ForgedError):
        check_welcome(HELLO, Said.say(replace(ANSWER.message, note=b"another")), ONE.root)
    for proofs in ((), (NoteProof(own=True, path=None),), (NoteProof(own=False, path=PROOFS[0].path),), PROOFS * 2):
        with pytest.raises(ForgedError):
            check_welcome(HELLO, Said.say(replace(ANSWER.message, proofs=proofs)), ONE.root)


def test_a_proof_is_for_one_handshake():
    """Not for another hello, nor another answer."""
    auth = proven(HELLO, ANSWER)
    for hello, answer in (
        (hello_of(NURSE, nonce=b"e" * 32), ANSWER),
        (HELLO, welcome(HELLO, record=ONE.relay, nonce=b"s" * 32, note=NOTE, proofs=PROOFS, signer=ONE.relay_key)),
    ):
        with pytest.raises(ForgedError):
            admitted(hello, answer, auth)


def test_a_relay_in_the_middle_cannot_pass_the_proof_on():
    """The device signs the address that it dialled, and the relay knows its own."""
    auth = proven(HELLO, ANSWER, address="https://evil.example")
    with pytest.raises(UntrustedError):
        admitted(HELLO, ANSWER, auth)
    with pytest.raises(ForgedError):
        admitted(HELLO, ANSWER, replace(auth, address=ADDRESS))


def test_nobody_speaks_for_another_device():
    """The hello names the certificate whose key must sign."""
    with pytest.raises(ForgedError):
        admitted(HELLO, ANSWER, proven(HELLO, ANSWER, DOCTOR), trust=ONE.trust())


def test_a_certificate_must_be_known_or_shown():
    """With everything up to the root."""
    auth = replace(proven(HELLO, ANSWER), certificates=())
    with pytest.raises(UntrustedError):
        admitted(HELLO, ANSWER, auth)
    assert admitted(HELLO, ANSWER, auth, trust=ONE.trust()) == NURSE.certificate.hash


def test_an_expired_certificate_opens_no_session():
    """To the millisecond."""
    auth, end = proven(HELLO, ANSWER), NURSE.certificate.value.not_after_ms
    assert admitted(HELLO, ANSWER, auth, now_ms=end)
    with pytest.raises(UntrustedError):
        admitted(HELLO, ANSWER, auth, now_ms=end + 1)


def test_a_newer_device_and_an_older_relay_sign_the_same_bytes():
    """A hello with a key that this version does not know is signed as it came, not as it was understood."""
    fields = decode(HELLO.frame[5:])
    assert isinstance(fields, dict)
    payload = encode({**fields, 64: "a newer version's"})
    frame = (len(payload) + 1).to_bytes(4, "big") + HELLO.frame[4:5] + payload
    message = unpack_frame(frame)
    assert isinstance(message, Hello)
    newer = Said(message, frame)
    answer = answered(newer)
    assert check_welcome(newer, answer, ONE.root).hash == ONE.relay.hash
    assert admitted(newer, answer, proven(newer, answer)) == NURSE.certificate.hash
    with pytest.raises(ForgedError):
        check_welcome(HELLO, answer, ONE.root)


@pytest.mark.parametrize("at", range(0, len(ANSWER.frame), 37))
def test_no_changed_byte_of_the_answer_survives(at: int):
    """Wherever it is."""
    frame = ANSWER.frame[:at] + bytes([ANSWER.frame[at] ^ 1]) + ANSWER.frame[at + 1 :]
    with pytest.raises(PeerError):
        check_welcome(HELLO, Said(_welcome(frame), frame), ONE.root)


def _welcome(frame: bytes) -> Welcome:
    message = unpack_frame(frame)
    if not isinstance(message, Welcome):
        raise MalformedError("other", expected="", got="", do="")
    return message
