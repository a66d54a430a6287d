"""The token is a line of text that its passphrase opens, and nothing else does."""

from __future__ import annotations

import pytest

from edge_runtime.break_glass import token as token_room
from edge_runtime.break_glass.token import make_token, open_token, read_public
from edge_runtime.errors import InputError
from edge_runtime.vault.passphrase import Cost, Passphrase
from sync_protocol.key_wrap import WrapPublicKey
from tests.support.people import Entropy

CHEAP = Cost(memory_kib=8, passes=1, lanes=1)
TOKEN, PUBLIC = make_token(Passphrase("open sesame", cost=CHEAP), Entropy(1))


def opened(text, words="open sesame"):
    """Open a token cheaply."""
    return open_token(text, Passphrase(words, cost=CHEAP))


def test_the_line_opens_by_its_passphrase():
    """To the key whose public line was announced; typed off paper in capitals, with line breaks and spaces."""
    private = opened(TOKEN)
    assert private.public == read_public(PUBLIC)
    broken = "\n".join(TOKEN[at : at + 60] for at in range(0, len(TOKEN), 60))
    assert opened(broken).public == private.public
    assert b"open" not in TOKEN.encode()


def test_another_passphrase_opens_nothing():
    """And is told so."""
    with pytest.raises(InputError) as caught:
        opened(TOKEN, "open sesam")
    assert caught.value.code == "token_passphrase"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something else",
        PUBLIC,
        TOKEN[:-40],
        TOKEN.replace("fieldward-token-1:", "fieldward-token-1:1"),
        "fieldward-token-1:AAAA",
    ],
)
def test_a_damaged_line_opens_nothing(text):
    """Cut short, of another kind, with letters that are none."""
    with pytest.raises(InputError) as caught:
        opened(text)
    assert caught.value.code == "token"


def test_a_token_with_another_public_key_is_damaged():
    """The key that comes out must be the one that was announced with it."""
    from sync_protocol.records import pack, unpack

    data = unpack(token_room._Token, token_room._bare(token_room._TOKEN, TOKEN, ""))
    crossed = token_room._Token(wrapped=data.wrapped, public=WrapPublicKey(bytes(1216)))
    with pytest.raises(InputError):
        opened(token_room._armoured(token_room._TOKEN, pack(crossed)))


@pytest.mark.parametrize("text", [TOKEN, "", "fieldward-token-public-1:AAAA"])
def test_what_is_no_public_line_is_refused(text):
    """The secret one least of all."""
    with pytest.raises(InputError):
        read_public(text)
