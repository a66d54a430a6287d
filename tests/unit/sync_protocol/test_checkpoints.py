"""Checkpoints: one text form, the known key verifies, strangers' lines change nothing."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.checkpoints import Checkpoint, NoteKey, NoteVerifyKey, open_checkpoint, sign_checkpoint
from sync_protocol.errors import ForgedError, LimitError, MalformedError, PeerError
from sync_protocol.ids import Hash
from sync_protocol.limits import LOG_SIZE_MAX, NOTE_BYTES_MAX, NOTE_NAME_BYTES_MAX, NOTE_SIGNATURES_MAX
from sync_protocol.signing import SigningKey, VerifyKey

PUBLISHED = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
ORIGIN = "log.example/klinik-süd"
SIGNER = SigningKey(b"l" * 32)
KEY = NoteKey(ORIGIN, SIGNER)
STRANGER = NoteKey("witness.example/w1", SigningKey(b"w" * 32))
CHECKPOINT = Checkpoint(origin=ORIGIN, size=70_000, root=Hash(bytes(range(32))))
NOTE = sign_checkpoint(CHECKPOINT, KEY)
TEXT = CHECKPOINT.text
LINE = NOTE[len(TEXT) + 1 :]


def note(text: bytes, *lines: bytes) -> bytes:
    """Text, blank line, signature lines."""
    return text + b"\n" + b"".join(lines)


def signed(text: bytes) -> bytes:
    """A note with an honest signature over a strange text."""
    return note(text, KEY.sign(text))


def line(name: str, blob: bytes) -> bytes:
    """A signature line."""
    return f"\u2014 {name} {base64.b64encode(blob).decode()}\n".encode()


def test_a_checkpoint_reads_back():
    """`open_checkpoint` reverses `sign_checkpoint`."""
    assert open_checkpoint(NOTE, KEY.public) == CHECKPOINT


def test_a_note_looks_as_c2sp_says():
    """Origin, decimal size, base64 root; a blank line; em dash, name, base64 of key id and signature."""
    encoded = base64.b64encode(CHECKPOINT.root).decode()
    assert TEXT.decode() == f"{ORIGIN}\n70000\n{encoded}\n"
    assert TEXT + b"\n" + LINE == NOTE
    dash, name, blob = LINE.decode().removesuffix("\n").split(" ")
    assert (dash, name) == ("\u2014", ORIGIN)
    assert base64.b64decode(blob)[:4] == KEY.public.key_id
    assert base64.b64decode(blob)[4:] == SIGNER.sign_note(TEXT)


def test_the_published_verifier_key_reads_both_ways():
    """C2SP signed-note's example: name, key id and key."""
    key = NoteVerifyKey.parse(PUBLISHED)
    assert (key.name, key.key_id.hex()) == ("example.com/foo", "530d903a")
    assert key.text == PUBLISHED


@given(st.binary(min_size=32, max_size=32), st.text("abcä./-", min_size=1))
def test_a_verifier_key_reads_back(public: bytes, name: str):
    """`parse` reverses `text`, also where base64 holds plus signs."""
    key = NoteVerifyKey(name, VerifyKey(public))
    assert NoteVerifyKey.parse(key.text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo++AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv",
        "example.com/foo+530d903a+",
        "example.com/foo +530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        PUBLISHED + "\n",
        PUBLISHED + "+",
    ],
)
def test_only_the_one_form_of_a_verifier_key_is_read(text: str):
    """Missing parts, another type, another id, another length, another base64: MalformedError."""
    with pytest.raises(MalformedError):
        NoteVerifyKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u2028b", "\x00", "a\x1bb", "\ud800"])
def test_names_hold_no_space_plus_or_control_character(name: str):
    """Keys and origins with such names are never made."""
    with pytest.raises(MalformedError):
        NoteVerifyKey(name, SIGNER.public)
    with pytest.raises(MalformedError):
        Checkpoint(origin=name, size=0, root=Hash(bytes(32)))


def test_values_are_bounded():
    """Name, size and note have limits that name themselves."""
    NoteKey("a" * NOTE_NAME_BYTES_MAX, SIGNER)
    with pytest.raises(LimitError):
        NoteKey("ä" * (NOTE_NAME_BYTES_MAX // 2 + 1), SIGNER)
    Checkpoint(origin=ORIGIN, size=LOG_SIZE_MAX, root=Hash(bytes(32)))
    with pytest.raises(LimitError):
        Checkpoint(origin=ORIGIN, size=LOG_SIZE_MAX + 1, root=Hash(bytes(32)))
    with pytest.raises(MalformedError):
        Checkpoint(origin=ORIGIN, size=-1, root=Hash(bytes(32)))
    with pytest.raises(LimitError):
        open_checkpoint(NOTE + bytes(NOTE_BYTES_MAX), KEY.public)


def test_strangers_lines_are_ignored():
    """Unknown names, unknown ids of the known name, types and lengths nobody knows: before or after, no matter."""
    strangers = [
        STRANGER.sign(TEXT),
        line("witness.example/w2", b"\1\2\3\4" + b"s" * 2420),
        line(ORIGIN, b"\1\2\3\4" + b"s" * 64),
        line("x", b"12345"),
        line("other", KEY.public.key_id + b"s" * 64),
    ]
    assert open_checkpoint(note(TEXT, *strangers, LINE), KEY.public) == CHECKPOINT
    assert open_checkpoint(note(TEXT, LINE, *strangers), KEY.public) == CHECKPOINT
    many = note(TEXT, *[STRANGER.sign(TEXT)] * (NOTE_SIGNATURES_MAX - 1), LINE)
    assert NOTE_SIGNATURES_MAX >= 16
    assert open_checkpoint(many, KEY.public) == CHECKPOINT
    with pytest.raises(LimitError, match="signatures"):
        open_checkpoint(note(TEXT, *[STRANGER.sign(TEXT)] * NOTE_SIGNATURES_MAX, LINE), KEY.public)


def test_the_known_key_must_verify_wherever_it_stands():
    """One bad line of the known key refuses the note, even beside a good one."""
    bad = line(ORIGIN, KEY.public.key_id + bytes(64))
    short = line(ORIGIN, KEY.public.key_id + b"s" * 63)
    for lines in ((bad,), (LINE, bad), (bad, LINE), (short, LINE), (LINE, short)):
        with pytest.raises(ForgedError):
            open_checkpoint(note(TEXT, *lines), KEY.public)
    assert open_checkpoint(note(TEXT, LINE, LINE), KEY.public) == CHECKPOINT


def test_a_note_without_the_known_key_is_refused():
    """Strangers do not vouch for a log."""
    with pytest.raises(ForgedError, match="a signature by"):
        open_checkpoint(note(TEXT, STRANGER.sign(TEXT)), KEY.public)


def test_a_key_speaks_for_its_own_log_only():
    """Another origin under the log's key is refused by signer and reader."""
    other = Checkpoint(origin="log.example/other", size=1, root=Hash(bytes(32)))
    with pytest.raises(MalformedError):
        sign_checkpoint(other, KEY)
    with pytest.raises(ForgedError, match="another log"):
        open_checkpoint(signed(other.text), KEY.public)


ROOT = base64.b64encode(bytes(range(32)))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        TEXT + b"\n",
        TEXT + b"extension\n",
        ORIGIN.encode() + b"\n70000\n",
        b"\n70000\n" + ROOT + b"\n",
        ORIGIN.encode() + b"\n\n" + ROOT + b"\n",
        *(
            ORIGIN.encode() + b"\n" + size + b"\n" + ROOT + b"\n"
            for size in (b"070000", b"+7", b"-7", b" 7", b"7 ", b"7_0", b"0x7", b"00", b"1e3", "\u0667".encode())
        ),
        ORIGIN.encode() + b"\n" + b"9" * 16 + b"\n" + ROOT + b"\n",
        ORIGIN.encode() + b"\n7\n" + ROOT[:-1] + b"\n",
        ORIGIN.encode() + b"\n7\n" + ROOT + b" \n",
        ORIGIN.encode() + b"\n7\n" + ROOT[:-2] + b"9=\n",
        ORIGIN.encode() + b"\n7\n" + base64.urlsafe_b64encode(b"\xff" * 32) + b"\n",
        ORIGIN.encode() + b"\n7\n" + base64.b64encode(bytes(31)) + b"\n",
        ORIGIN.encode() + b"\n7\n" + "ü".encode() + b"\n",
    ],
)
def test_a_text_in_a_second_form_is_refused_though_signed(text: bytes):
    """Extension lines, signs, zeros, spaces, other digits, other base64: malformed even under the log's key."""
    with pytest.raises(MalformedError):
        open_checkpoint(signed(text), KEY.public)


def test_a_size_over_the_limit_is_refused_though_signed():
    """As many digits as the limit has, and yet above it."""
    digits = str(LOG_SIZE_MAX + 1).encode()
    with pytest.raises(LimitError):
        open_checkpoint(signed(ORIGIN.encode() + b"\n" + digits + b"\n" + ROOT + b"\n"), KEY.public)


@pytest.mark.parametrize("size", [0, 1, LOG_SIZE_MAX])
def test_every_allowed_size_reads_back(size: int):
    """From the empty log to the largest."""
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=Hash(bytes(32)))
    assert open_checkpoint(sign_checkpoint(checkpoint, KEY), KEY.public) == checkpoint


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT,
        TEXT + b"\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"x",
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace(b"70000", b"70000\x00"),
        NOTE + b"\xff",
        NOTE + line("a+b", b"12345"),
        NOTE + line("", b"12345"),
        NOTE + line("a", b"1234"),
        NOTE + b"- a MTIzNDU=\n",
        NOTE + "\u2014 a\n".encode(),
        NOTE + "\u2014 a MTIzNDU\n".encode(),
        NOTE + "\u2014 a MTIzNDV=\n".encode(),
        NOTE + "\u2014  MTIzNDU=\n".encode(),
        NOTE + "\u2014 a  MTIzNDU=\n".encode(),
        NOTE + "\u2014 a MTIzNDU= \n".encode(),
    ],
)
def test_a_note_in_a_second_form_is_refused(data: bytes):
    """No blank line, no last newline, control characters, bad lines even of strangers: MalformedError."""
    with pytest.raises(MalformedError):
        open_checkpoint(data, KEY.public)


@given(st.data())
def test_a_damaged_note_is_refused_or_says_the_same(data: st.DataObject):
    """Nothing but PeerError is raised, and what opens is what was signed."""
    start = data.draw(st.integers(0, len(NOTE)))
    end = data.draw(st.integers(start, min(len(NOTE), start + 3)))
    bad = NOTE[:start] + data.draw(st.binary(max_size=3)) + NOTE[end:]
    try:
        assert open_checkpoint(bad, KEY.public) == CHECKPOINT
    except PeerError:
        return


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_as_a_peers_fault(data: bytes):
    """Random bytes are no note."""
    with pytest.raises(PeerError):
        open_checkpoint(data, KEY.public)


def test_the_relays_side_loads_no_means_to_open_content():
    """Signing, merkle and checkpoints import neither sealing nor wrapping, nor the modules these stand on."""
    script = (
        "import sys, sync_protocol.signing, sync_protocol.merkle, sync_protocol.checkpoints\n"
        "names = ('sync_protocol.sealing', 'sync_protocol.key_wrap', 'cryptography.hazmat.primitives.ciphers.aead',\n"
        "         'cryptography.hazmat.primitives.hpke')\n"
        "print([name for name in names if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
