"""Secrets do not leak by accident: the same rules for every class of key."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import traceback

import pytest

from sync_protocol.errors import MalformedError, MisuseError
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.sealing import ContentKey
from sync_protocol.secret import Secret
from sync_protocol.signing import HybridSigningKey, SigningKey

KINDS = [Secret, ContentKey, SigningKey, HybridSigningKey, WrapPrivateKey]


@pytest.fixture(name="secret", params=KINDS)
def secret_fixture(request: pytest.FixtureRequest) -> Secret:
    """A key of each kind, its bytes a phrase that would be seen anywhere."""
    kind: type[Secret] = request.param
    return kind((b"planted phrase" * 5)[: kind.SIZE])


def test_no_text_form_shows_the_secret(secret: Secret):
    """Repr, str, format and a log line name the type only."""
    stream = io.StringIO()
    logger = logging.Logger("test")  # noqa: LOG001 - a logger of its own, so that nothing is left behind
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("key %s %r", secret, secret)
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {stream.getvalue()}"
    assert "planted" not in shown
    assert b"planted".hex() not in shown
    assert repr(secret) == f"{type(secret).__name__}(secret)"


def test_a_secret_is_not_copied_or_pickled(secret: Secret):
    """Pickle, copy and deepcopy are refused; there is one way out, and it is called `reveal`."""
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(MisuseError, match="vault"):
            attempt(secret)
    assert secret.reveal() == (b"planted phrase" * 5)[: secret.SIZE]


def test_a_secret_has_no_dictionary(secret: Secret):
    """`vars` and serializers that walk attributes find nothing."""
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_another_length_is_refused_unseen(kind: type[Secret]):
    """The error tells the lengths and not the bytes."""
    with pytest.raises(MalformedError) as caught:
        kind(b"planted"[:7])
    assert "planted" not in "".join(traceback.format_exception_only(caught.value))


def test_two_secrets_do_not_compare():
    """Equality would invite a comparison that takes as long as the bytes agree."""
    assert ContentKey(b"k" * 32) != ContentKey(b"k" * 32)
