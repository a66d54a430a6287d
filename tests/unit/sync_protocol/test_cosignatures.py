"""Notes of any text and cosignatures: C2SP's published examples, messages byte by byte, known keys verify or refuse."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.checkpoints import Checkpoint, NoteKey, NoteVerifyKey, open_checkpoint, sign_checkpoint
from sync_protocol.cosignatures import (
    Cosigned,
    Cosigner,
    CosignerKey,
    WitnessKey,
    cosigned_message,
    open_cosigned,
    parse_verifier,
)
from sync_protocol.errors import ForgedError, LimitError, MalformedError, PeerError
from sync_protocol.ids import Hash
from sync_protocol.limits import LOG_SIZE_MAX, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, OPEN_NOTE_BYTES_MAX
from sync_protocol.notes import NoteVerifier, open_note
from sync_protocol.signing import CosigningKey, CosignSignature, CosignVerifyKey, SigningKey, VerifyKey

PUBLISHED_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLISHED_NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
PUBLISHED_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LOG_LINE = (
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
WITNESS_BLOB = (
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
WITNESS_LINE = f"\u2014 witness.example.com/w1 {WITNESS_BLOB}\n"

ORIGIN = "log.example/klinik-süd"
TIME_S = 1_760_000_000
LOG = NoteKey(ORIGIN, SigningKey(b"l" * 32))
COSIGNER = Cosigner(ORIGIN, CosigningKey(b"c" * 32))
CHECKPOINT = Checkpoint(origin=ORIGIN, size=70_000, root=Hash(bytes(range(32))))
NOTE = sign_checkpoint(CHECKPOINT, LOG)
LINE = COSIGNER.sign(CHECKPOINT, time_s=TIME_S)
WITNESS_SIGNER = SigningKey(b"w" * 32)
WITNESS = WitnessKey("witness.example/w1", WITNESS_SIGNER.public)


def line(name: str, blob: bytes) -> bytes:
    """A signature line by anybody."""
    return f"\u2014 {name} {base64.b64encode(blob).decode()}\n".encode()


def blob_of(signed: bytes) -> bytes:
    """What a signature line has in base64."""
    return base64.b64decode(signed.split(b" ")[2])


def witnessed(text: bytes, time_s: int, key: WitnessKey = WITNESS) -> bytes:
    """A witness's line, put together by hand."""
    signature = WITNESS_SIGNER.sign_note(f"cosignature/v1\ntime {time_s}\n".encode() + text)
    return line(key.name, key.key_id + struct.pack(">Q", time_s) + signature)


class TestPublished:
    def test_the_published_note_verifies(self) -> None:
        """C2SP signed-note's example key verifies "This is an example message.", and no other text."""
        key = parse_verifier(PUBLISHED_KEY)
        opened = open_note(PUBLISHED_NOTE.encode(), [key])
        assert opened.text == "This is an example message.\n"
        assert [(line.key, line.time_s) for line in opened.vouched] == [(key, None)]
        with pytest.raises(ForgedError):
            open_note(PUBLISHED_NOTE.replace("This", "That").encode(), [key])

    def test_the_published_checkpoint_has_our_form(self) -> None:
        """C2SP tlog-checkpoint's example reads and is written the same."""
        checkpoint = Checkpoint.parse(PUBLISHED_CHECKPOINT)
        assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
        assert checkpoint.text.decode() == PUBLISHED_CHECKPOINT

    def test_the_published_cosignature_has_our_layout(self) -> None:
        """Its note is well formed under strangers' keys, and the line states the time that the specification names."""
        note = f"{PUBLISHED_CHECKPOINT}\n{LOG_LINE}{WITNESS_LINE}".encode()
        with pytest.raises(ForgedError, match="a signature by"):
            open_note(note, [LOG.public])
        blob = base64.b64decode(WITNESS_BLOB)
        assert len(blob) == 4 + 8 + 64
        assert int.from_bytes(blob[4:12], "big") == 1679315147
        assert open_note(note + LOG.sign(PUBLISHED_CHECKPOINT.encode()), [LOG.public]).text == PUBLISHED_CHECKPOINT

    def test_a_time_is_in_the_message_as_published(self) -> None:
        """The example of an Ed25519 message: two lines, then the note's text."""
        text = PUBLISHED_CHECKPOINT.encode()
        signed = witnessed(text, 1679315147)
        (found,) = open_note(text + b"\n" + signed, [WITNESS]).vouched
        assert found.time_s == 1679315147


class TestKeys:
    @pytest.mark.parametrize(
        "key",
        [LOG.public, WITNESS, COSIGNER.public, WitnessKey(ORIGIN, LOG.public.public)],
        ids=["ed25519", "witness", "cosigner", "another type of one key"],
    )
    def test_a_verifier_key_reads_back(self, key: NoteVerifyKey | WitnessKey | CosignerKey) -> None:
        """Name, id and typed key, for every kind; the type is part of the id."""
        assert parse_verifier(key.text) == key
        name, key_id, _ = key.text.split("+", 2)
        assert (name, key_id) == (key.name, key.key_id.hex())
        assert WitnessKey(ORIGIN, LOG.public.public).key_id != LOG.public.key_id

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            (b"\2" + bytes(32), MalformedError),
            (b"\5" + bytes(32), MalformedError),
            (b"\xff" + bytes(32), MalformedError),
            (b"\4" + bytes(31), MalformedError),
            (b"\6" + bytes(32), MalformedError),
            (b"\6" + bytes(1313), MalformedError),
            (b"\1", MalformedError),
        ],
    )
    def test_other_types_and_lengths_are_refused(self, typed: bytes, error: type[PeerError]) -> None:
        """Even under their right key id."""
        from sync_protocol.notes import verifier_text

        with pytest.raises(error):
            parse_verifier(verifier_text("a", typed))

    def test_ed25519_alone_is_a_logs_first_key(self) -> None:
        """`NoteVerifyKey.parse` takes no cosigner for the log's key."""
        with pytest.raises(MalformedError, match="type 6"):
            NoteVerifyKey.parse(COSIGNER.public.text)

    @pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "\ud800"])
    def test_names_are_those_of_notes(self, name: str) -> None:
        """No space, plus or control character in any kind of key."""
        with pytest.raises(MalformedError):
            WitnessKey(name, VerifyKey(bytes(32)))
        with pytest.raises(MalformedError):
            CosignerKey(name, CosignVerifyKey(bytes(1312)))

    def test_a_seed_has_one_key(self) -> None:
        """32 bytes, as FIPS 204 makes keys from; the library agrees, and nothing shows them."""
        key = CosigningKey(b"c" * 32)
        assert key.public == MLDSA44PrivateKey.from_seed_bytes(b"c" * 32).public_key().public_bytes_raw()
        assert repr(key) == "CosigningKey(secret)"
        with pytest.raises(MalformedError):
            CosigningKey(b"c" * 31)


class TestCosignature:
    def test_the_message_byte_by_byte(self) -> None:
        """C2SP tlog-cosignature, section ML-DSA-44 signed message: label, name, time, origin, 0, size, root."""
        name, origin = "cosigner/ä", "log/ö"
        point = Checkpoint(origin=origin, size=0x010203040506, root=Hash(bytes(range(32))))
        expected = (
            bytes.fromhex("737562747265652f76310a00")
            + bytes.fromhex("0b 636f7369676e65722fc3a4")
            + bytes.fromhex("0000000068e77800")
            + bytes.fromhex("06 6c6f672fc3b6")
            + bytes(8)
            + bytes.fromhex("0000010203040506")
            + bytes(range(32))
        )
        assert cosigned_message(name, 0x68E77800, point) == expected

    def test_the_line_is_a_timestamped_signature(self) -> None:
        """Key id, eight bytes of time, 2,420 bytes that the library verifies over the message."""
        blob = blob_of(LINE)
        assert blob[:4] == COSIGNER.public.key_id
        assert int.from_bytes(blob[4:12], "big") == TIME_S
        assert len(blob) == 4 + 8 + CosignSignature.SIZE == 4 + 8 + 2420
        message = cosigned_message(ORIGIN, TIME_S, CHECKPOINT)
        MLDSA44PublicKey.from_public_bytes(COSIGNER.public.public).verify(blob[12:], message)

    def test_a_cosigned_note_opens_under_both_keys_and_under_either(self) -> None:
        """Who knows the log's key alone passes over the other line."""
        assert open_cosigned(NOTE + LINE, LOG.public, COSIGNER.public) == Cosigned(checkpoint=CHECKPOINT, time_s=TIME_S)
        assert open_checkpoint(NOTE + LINE, LOG.public) == CHECKPOINT
        times = [line.time_s for line in open_note(NOTE + LINE, [LOG.public, COSIGNER.public]).vouched]
        assert times == [None, TIME_S]
        (alone,) = open_note(NOTE + LINE, [COSIGNER.public]).vouched
        assert alone.key == COSIGNER.public

    def test_the_newest_of_several_counts(self) -> None:
        """In whatever order they stand."""
        older = COSIGNER.sign(CHECKPOINT, time_s=TIME_S - 9)
        for lines in (older + LINE, LINE + older):
            assert open_cosigned(NOTE + lines, LOG.public, COSIGNER.public).time_s == TIME_S

    @pytest.mark.parametrize("note", [NOTE, CHECKPOINT.text + b"\n" + LINE], ids=["no cosignature", "no log's own"])
    def test_both_lines_must_be_there(self, note: bytes) -> None:
        """Either alone is not what a cosigned note says."""
        with pytest.raises(ForgedError, match="both keys"):
            open_cosigned(note, LOG.public, COSIGNER.public)

    @pytest.mark.parametrize("at", [4, 11, 12, 1000, -1])
    def test_a_changed_cosignature_refuses_the_note(self, at: int) -> None:
        """Its time and its signature are both covered; a good line beside it does not help."""
        blob = bytearray(blob_of(LINE))
        blob[at] ^= 1
        bad = line(ORIGIN, bytes(blob))
        for note in (NOTE + bad, NOTE + LINE + bad, NOTE + bad + LINE):
            with pytest.raises(PeerError):
                open_cosigned(note, LOG.public, COSIGNER.public)

    @pytest.mark.parametrize("change", [{"size": 70_001}, {"root": Hash(bytes(32))}])
    def test_it_covers_size_and_root(self, change: dict[str, Any]) -> None:
        """The same line under another checkpoint of the log is a forgery."""
        fields: dict[str, Any] = {"origin": ORIGIN, "size": 70_000, "root": CHECKPOINT.root}
        other = Checkpoint(**(fields | change))
        with pytest.raises(ForgedError):
            open_cosigned(sign_checkpoint(other, LOG) + LINE, LOG.public, COSIGNER.public)

    def test_it_covers_origin_and_name(self) -> None:
        """Neither another log nor another cosigner of the same key can use it."""
        other = NoteKey("log.example/other", SigningKey(b"l" * 32))
        point = Checkpoint(origin=other.public.name, size=70_000, root=CHECKPOINT.root)
        with pytest.raises(ForgedError):
            open_cosigned(sign_checkpoint(point, other) + LINE, other.public, COSIGNER.public)
        renamed = CosignerKey("other", COSIGNER.public.public)
        with pytest.raises(ForgedError):
            open_note(NOTE + line("other", renamed.key_id + blob_of(LINE)[4:]), [LOG.public, renamed])

    def test_a_log_cannot_pass_anothers_checkpoint(self) -> None:
        """Both keys sign a checkpoint whose origin is another name: refused."""
        point = Checkpoint(origin="log.example/other", size=1, root=CHECKPOINT.root)
        note = point.text + b"\n" + LOG.sign(point.text) + COSIGNER.sign(point, time_s=1)
        with pytest.raises(ForgedError, match="another log"):
            open_cosigned(note, LOG.public, COSIGNER.public)

    @pytest.mark.parametrize("size", [0, 1, 7, 8 + 2419, 8 + 2421])
    def test_another_length_is_a_forgery(self, size: int) -> None:
        """Even no time at all, as in a line of an Ed25519 key."""
        with pytest.raises(PeerError):
            open_note(NOTE + line(ORIGIN, COSIGNER.public.key_id + bytes(size)), [LOG.public, COSIGNER.public])

    def test_a_cosigner_signs_checkpoints_alone(self) -> None:
        """Its line under another text is refused, whatever it holds."""
        text = b"This is an example message.\n"
        with pytest.raises(MalformedError):
            open_note(text + b"\n" + line(ORIGIN, COSIGNER.public.key_id + bytes(2428)), [COSIGNER.public])

    @pytest.mark.parametrize("time_s", [0, 1, 2**63 - 1])
    def test_every_allowed_time_reads_back(self, time_s: int) -> None:
        """From 1970 to the end of 63 bits."""
        note = NOTE + COSIGNER.sign(CHECKPOINT, time_s=time_s)
        assert open_cosigned(note, LOG.public, COSIGNER.public).time_s == time_s

    def test_times_that_cannot_be_are_refused(self) -> None:
        """Neither signed nor believed. Source: C2SP tlog-cosignature, section Format."""
        with pytest.raises(MalformedError):
            COSIGNER.sign(CHECKPOINT, time_s=-1)
        with pytest.raises(LimitError):
            COSIGNER.sign(CHECKPOINT, time_s=2**63)
        blob = COSIGNER.public.key_id + struct.pack(">Q", 2**63) + bytes(2420)
        with pytest.raises(LimitError):
            open_note(NOTE + line(ORIGIN, blob), [COSIGNER.public])

    @given(st.integers(0, LOG_SIZE_MAX), st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1))
    def test_messages_are_distinct(self, size: int, root: bytes, time_s: int) -> None:
        """What is signed tells every field apart: it can be read back."""
        point = Checkpoint(origin=ORIGIN, size=size, root=Hash(root))
        message = cosigned_message("w", time_s, point)
        named = len(ORIGIN.encode())
        assert message[12:14] == b"\1w"
        assert struct.unpack_from(">Q", message, 14) == (time_s,)
        assert message[22] == named
        assert struct.unpack_from(">QQ", message, 23 + named) == (0, size)
        assert message[39 + named :] == root


class TestOpening:
    def test_a_witness_vouches_with_a_time(self) -> None:
        """Type 0x04 over any text; a bad one refuses the note."""
        for text in (CHECKPOINT.text, b"a text\n\nwith an empty line\n"):
            (found,) = open_note(text + b"\n" + witnessed(text, 7), [WITNESS]).vouched
            assert (found.key, found.time_s) == (WITNESS, 7)
            blob = bytearray(blob_of(witnessed(text, 7)))
            blob[11] ^= 1
            with pytest.raises(ForgedError):
                open_note(text + b"\n" + line(WITNESS.name, bytes(blob)), [WITNESS])

    def test_unknown_keys_are_ignored_and_known_ones_must_hold(self) -> None:
        """Sixteen signatures and more; only those whose name and id are both known count."""
        strangers = [
            line(WITNESS.name, COSIGNER.public.key_id + bytes(64)),
            line(ORIGIN, WITNESS.key_id + bytes(64)),
            line(ORIGIN, b"\1\2\3\4" + bytes(2428)),
            *[line(f"w{number}", b"12345" + bytes(64)) for number in range(NOTE_SIGNATURES_MAX - 5)],
        ]
        note = NOTE + b"".join(strangers) + LINE
        assert len(note.split(b"\n\n")[1].splitlines()) == NOTE_SIGNATURES_MAX >= 16
        assert len(open_note(note, [LOG.public, COSIGNER.public, WITNESS]).vouched) == 2
        with pytest.raises(LimitError):
            open_note(note + LINE, [LOG.public])
        with pytest.raises(ForgedError):
            open_note(CHECKPOINT.text + b"\n" + b"".join(strangers), [LOG.public, COSIGNER.public, WITNESS])

    def test_a_note_may_hold_sixteen_large_signatures(self) -> None:
        """C2SP asks verifiers to accept at least 16, of up to 5 kB; a checkpoint in the exchange is kept smaller."""
        sixteen = b"".join(line(f"w{number}", b"12345" + bytes(4995)) for number in range(15)) + LINE
        assert open_cosigned(NOTE + sixteen, LOG.public, COSIGNER.public).checkpoint == CHECKPOINT
        with pytest.raises(LimitError):
            open_note(NOTE + sixteen + bytes(OPEN_NOTE_BYTES_MAX), [LOG.public])
        fits = (NOTE_BYTES_MAX - len(NOTE)) // len(LINE)
        assert open_checkpoint(NOTE + LINE * fits, LOG.public) == CHECKPOINT
        with pytest.raises(LimitError):
            open_checkpoint(NOTE + LINE * (fits + 1), LOG.public)

    def test_without_keys_nothing_opens(self) -> None:
        """A note that nobody vouches for says nothing."""
        with pytest.raises(ForgedError):
            open_note(NOTE, [])

    @given(st.data())
    def test_a_damaged_note_is_refused_or_says_the_same(self, data: st.DataObject) -> None:
        """Nothing but PeerError is raised, and what opens under both keys is what both signed."""
        note = NOTE + LINE
        start = data.draw(st.integers(0, len(note)))
        end = data.draw(st.integers(start, min(len(note), start + 3)))
        bad = note[:start] + data.draw(st.binary(max_size=3)) + note[end:]
        try:
            assert open_cosigned(bad, LOG.public, COSIGNER.public).checkpoint == CHECKPOINT
        except PeerError:
            return


def test_verifiers_are_one_interface():
    """Every kind of key opens notes through the same call."""
    keys: list[NoteVerifier] = [LOG.public, COSIGNER.public, WITNESS]
    note = NOTE + LINE + witnessed(CHECKPOINT.text, TIME_S)
    assert [found.key for found in open_note(note, keys).vouched] == keys
