"""Every message travels in one form, and a reason cannot deceive whoever reads it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.errors import ExplainedError, PeerError, forged
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.greeting_messages import Ready
from sync_protocol.ids import EntryHash
from sync_protocol.limits import REASON_BYTES_MAX
from sync_protocol.messages import TYPES, Message
from sync_protocol.refusal_messages import Failure, Refused, ToldError, failure, refused, told
from tests.unit.sync_protocol.messages_samples import ENTRY, SAMPLES


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_every_message_travels(message: Message):
    """What is packed is what is unpacked."""
    assert unpack_frame(pack_frame(message)) == message


def test_there_is_a_sample_of_every_type():
    """Numbers ascend and are never reused: below 32 the relay's, from 32 on two devices', from 48 on a bundle's."""
    assert {type(message) for message in SAMPLES} == set(TYPES.values())
    assert len(SAMPLES) == len(TYPES)
    assert list(TYPES) == sorted(TYPES)


def test_what_is_optional_may_be_left_out():
    """And costs nothing then."""
    assert unpack_frame(pack_frame(Ready(token=None, expires_ms=None))) == Ready(token=None, expires_ms=None)
    assert len(pack_frame(Ready(token=None, expires_ms=None))) == 6


def test_a_reason_says_what_the_error_says():
    """Whether it ends the connection or only refuses an entry."""
    error = forged("a signature", "none")
    assert failure(error) == Failure(code="forged", expected="a signature", got="none", do=error.do)
    assert refused(ENTRY, error).entry == ENTRY
    assert refused(None, error).code == "forged"


TEXTS = st.text(max_size=600)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_error_can_be_told(code: str, expected: str, got: str, do: str):
    """However long its texts are, and whatever is in them: lone surrogates too."""
    error = ExplainedError(code, expected=expected, got=got, do=do)
    for message in (failure(error), refused(EntryHash(b"e" * 32), error)):
        assert unpack_frame(pack_frame(message)) == message
        for text in (message.expected, message.got, message.do):
            assert len(text.encode()) <= REASON_BYTES_MAX


def test_a_long_text_is_cut_at_a_character():
    """Not within one."""
    error = ExplainedError("long", expected="ä" * 500, got="x" * 399 + "ä", do="short")
    message = failure(error)
    assert message.expected == "ä" * 200
    assert message.got == "x" * 399
    assert message.do == "short"


HOSTILE = "rm\x1b[2J\x07\r\n\u202eevil\u2028\u200b\ufeff\x00 Ærø"


@pytest.mark.parametrize(
    "message",
    [
        Failure(code="SUDO rm", expected=HOSTILE, got=HOSTILE, do=HOSTILE),
        Refused(entry=None, code="SUDO rm", expected=HOSTILE, got=HOSTILE, do=HOSTILE),
    ],
)
def test_what_the_other_side_says_cannot_move_the_cursor(message: Failure | Refused):
    """No escape sequence, no line end, no change of direction reaches a screen or a log."""
    error = told(message)
    assert isinstance(error, ToldError)
    assert isinstance(error, PeerError)
    assert error.code == "unexplained"
    for text in (error.expected, error.got, error.do, str(error)):
        assert "evil" in text
        assert "Ærø" in text
        assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for letter in text)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("gap", "gap"),
        ("relay_log_split", "relay_log_split"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "unexplained"),
        ("", "unexplained"),
        ("Gap", "unexplained"),
        ("_", "unexplained"),
        ("gap\n", "unexplained"),
    ],
)
def test_a_code_is_a_word_for_machines(code: str, shown: str):
    """Anything else is no code, on the way out as on the way in."""
    assert failure(ExplainedError(code, expected="", got="", do="")).code == shown
    assert told(Failure(code=code, expected="", got="", do="")).code == shown
