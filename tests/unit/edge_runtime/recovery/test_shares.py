"""Some holders open a seed together, fewer do not, and a wrong word is found before anything is put together."""

from __future__ import annotations

import itertools
import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shamir_mnemonic import combine_mnemonics, generate_mnemonics

from edge_runtime.errors import InputError, RefusedError
from edge_runtime.recovery import receipt
from edge_runtime.recovery.receipt import Receipted
from edge_runtime.recovery.seeds import DrillSeed, RecoveryKeys, RecoverySeed, drill_key
from edge_runtime.recovery.shares import check_live, combine_drill, combine_live, split_drill, split_live
from edge_runtime.recovery.sheets import Head
from edge_runtime.recovery.words import WORDS, DrillShare, LiveShare, Share, identifier_of, read_share
from sync_protocol.emergency_records import RecoveryRecord, issue_recovery
from sync_protocol.ids import ChartId, EntryHash, Hash
from sync_protocol.limits import WRAP_BYTES
from sync_protocol.signed import Verified
from tests.support.people import Organisation

SEED = RecoverySeed(bytes(range(32)))
DRILL = DrillSeed(bytes(range(32, 64)))


@cache
def _keys(seed: bytes) -> RecoveryKeys:
    return RecoveryKeys(RecoverySeed(seed))


@cache
def _record(threshold: int = 3, shares: int = 5, seed: bytes = SEED.reveal()) -> Verified[RecoveryRecord]:
    organisation = Organisation.make(1)
    record = RecoveryRecord(
        organisation=organisation.root.value.organisation,
        wrap=_keys(seed).wrap.public,
        signer=_keys(seed).signer.public,
        threshold=threshold,
        shares=shares,
        drill=drill_key(DRILL).public,
        canary=ChartId(b"c" * 16),
        canary_wrap=bytes(WRAP_BYTES),
        canary_body=b"body",
        issued_ms=1,
    )
    return issue_recovery(record, organisation.root_key)


@cache
def _live(threshold: int = 3, shares: int = 5) -> tuple[LiveShare, ...]:
    return split_live(SEED, public=_keys(SEED.reveal()).wrap.public, threshold=threshold, shares=shares)


@cache
def _drill() -> tuple[DrillShare, ...]:
    return split_drill(DRILL, public=drill_key(DRILL).public, threshold=3, shares=5)


def _receipted(recovery: Hash) -> Receipted:
    return Receipted(receipt._MINT, recovery=recovery, entry=EntryHash(bytes(32)), log_index=0)


def _combine(shares: tuple[LiveShare, ...], record: Verified[RecoveryRecord] | None = None) -> RecoverySeed:
    chosen = record or _record()
    return combine_live(_receipted(chosen.hash), shares, chosen)


def _code(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.code)


# ------------------------------------------------------------------------------------------------ together and alone


@pytest.mark.parametrize("chosen", list(itertools.combinations(range(5), 3)), ids=str)
def test_any_three_of_five_open_it(chosen: tuple[int, ...]):
    """Whichever they are, and in whatever order."""
    shares = [_live()[at] for at in chosen]
    random.Random(str(chosen)).shuffle(shares)
    assert _combine(tuple(shares)).reveal() == SEED.reveal()


@pytest.mark.parametrize("chosen", [(), *itertools.combinations(range(5), 1), *itertools.combinations(range(5), 2)])
def test_fewer_open_nothing(chosen: tuple[int, ...]):
    """They are counted before they are put together."""
    with pytest.raises(InputError) as error:
        _combine(tuple(_live()[at] for at in chosen))
    assert _code(error) == "too_few_shares"


def test_more_than_enough_do_as_well():
    """All five at the table."""
    assert _combine(_live()).reveal() == SEED.reveal()


@given(seed=st.binary(min_size=32, max_size=32), numbers=st.data())
def test_every_seed_and_split_comes_back(seed: bytes, numbers: st.DataObject):
    """For any number of holders and any threshold that SLIP-0039 knows."""
    shares = numbers.draw(st.integers(2, 16))
    threshold = numbers.draw(st.integers(2, shares))
    public = seed * 38  # any bytes will do for a name
    split = split_drill(DrillSeed(seed), public=public, threshold=threshold, shares=shares)
    chosen = numbers.draw(st.permutations(split))[:threshold]
    words = [" ".join(share.words) for share in chosen]
    assert combine_mnemonics(words) == seed
    assert {share.identifier for share in split} == {identifier_of(public)}


def test_other_programs_know_the_words():
    """They are SLIP-0039's, without a passphrase: the organisation is not bound to this program."""
    words = [" ".join(share.words) for share in _live()[1:4]]
    assert combine_mnemonics(words) == SEED.reveal()


@pytest.mark.parametrize(("threshold", "shares"), [(1, 1), (1, 5), (6, 5), (3, 17), (0, 5)])
def test_a_split_that_cannot_be_is_refused(threshold: int, shares: int):
    """One holder alone would hold the organisation."""
    with pytest.raises(InputError) as error:
        split_live(SEED, public=b"public", threshold=threshold, shares=shares)
    assert _code(error) == "share_numbers"


# --------------------------------------------------------------------------------------------------- wrong shares


def test_the_same_share_twice_is_no_two_shares():
    """A copy of a sheet adds nothing."""
    with pytest.raises(InputError) as error:
        _combine((_live()[0], _live()[1], _live()[1]))
    assert _code(error) == "share_twice"


def test_a_share_of_another_set_is_known_before_anything_is_combined():
    """By the name of the public key that stands in its words: an earlier key's, another organisation's."""
    other = split_live(RecoverySeed(b"o" * 32), public=_keys(b"o" * 32).wrap.public, threshold=3, shares=5)
    for shares in ((*_live()[:2], other[2]), other[:3]):
        with pytest.raises(InputError) as error:
            check_live(shares, _record().value)
        assert _code(error) == "share_set"
        with pytest.raises(InputError):
            _combine(shares)


def test_a_share_that_promises_another_threshold_is_of_another_set():
    """The record says how many there must be."""
    with pytest.raises(InputError) as error:
        check_live(_live(2, 5)[:2], _record().value)
    assert _code(error) == "share_set"


def test_shares_that_were_forged_to_fit_make_nothing():
    """Somebody who knows the public key can name a set after it; the digest inside does not hold."""
    forged = split_live(RecoverySeed(b"f" * 32), public=_keys(SEED.reveal()).wrap.public, threshold=3, shares=5)
    with pytest.raises(InputError) as error:
        _combine((_live()[0], _live()[1], forged[2]))
    assert _code(error) == "shares_wrong"


def test_where_more_holders_are_there_one_forged_share_does_no_harm():
    """Others are tried, until they make what the record says."""
    forged = split_live(RecoverySeed(b"f" * 32), public=_keys(SEED.reveal()).wrap.public, threshold=3, shares=5)
    assert _combine((forged[0], *_live()[1:4])).reveal() == SEED.reveal()
    assert _combine((*forged[:2], *_live()[2:])).reveal() == SEED.reveal()
    with pytest.raises(InputError) as error:
        _combine((*forged[:3], *_live()[3:]))
    assert _code(error) == "shares_wrong"


def test_nothing_is_combined_on_another_key_s_receipt():
    """The relay's log tells of the use of one key."""
    with pytest.raises(RefusedError) as error:
        combine_live(_receipted(Hash(b"x" * 32)), _live()[:3], _record())
    assert _code(error) == "not_receipted"


def test_a_receipt_cannot_be_made_up():
    """Only `check_receipted` makes one."""
    with pytest.raises(AssertionError):
        Receipted(object(), recovery=_record().hash, entry=EntryHash(bytes(32)), log_index=0)


def test_drill_shares_make_the_drill_s_seed():
    """And take no receipt, because they open no chart."""
    assert combine_drill(_drill()[2:], _record()).reveal() == DRILL.reveal()


# ------------------------------------------------------------------------------------------------------- words


def _read(text: str, kind: type[Share] = LiveShare) -> Share:
    return read_share(text, kind)


def test_words_are_read_however_they_are_written():
    """Case, spaces, line breaks, numbers and punctuation do not matter."""
    share = _live()[3]
    lines = [f"{at}. {word.upper()},\n\t " for at, word in enumerate(share.words, 1)]
    assert _read("".join(lines)) == share
    assert (share.number, share.threshold, len(share.words)) == (4, 3, WORDS)


@given(data=st.data())
def test_a_wrong_word_is_found_in_the_share_itself(data: st.DataObject):
    """Any one word, replaced by any other of the list: the checksum finds up to three for certain.

    What is said of it is the same whatever the words are, so none of them is in it.
    """
    from shamir_mnemonic.wordlist import WORDLIST

    at, said = data.draw(st.integers(0, WORDS - 1)), set()
    for share in _live()[:2]:
        words = list(share.words)
        words[at] = data.draw(st.sampled_from([word for word in WORDLIST if word != words[at]]))
        with pytest.raises(InputError) as error:
            _read(" ".join(words))
        assert _code(error) == "share_checksum"
        said.add(str(error.value))
    assert len(said) == 1


@given(at=st.integers(0, WORDS - 2))
def test_swapped_words_are_found(at: int):
    """Two neighbours in the other order."""
    words = list(_live()[0].words)
    if words[at] == words[at + 1]:
        return
    words[at], words[at + 1] = words[at + 1], words[at]
    with pytest.raises(InputError) as error:
        _read(" ".join(words))
    assert _code(error) == "share_checksum"


def test_a_word_that_is_none_is_named_by_its_place_only():
    """What was typed is not repeated: it may be most of a secret word."""
    words = list(_live()[0].words)
    words[6] = "acadmic"
    with pytest.raises(InputError) as error:
        _read(" ".join(words))
    assert _code(error) == "share_word"
    assert "place 7" in error.value.got
    assert "acadmic" not in str(error.value)


@pytest.mark.parametrize("text", ["", " ".join(("academic",) * 20), " ".join(("academic",) * 34)], ids=range(3))
def test_too_few_or_too_many_words_are_counted(text: str):
    """A line that was left out, or typed twice."""
    with pytest.raises(InputError) as error:
        _read(text)
    assert _code(error) == "share_length"


def test_live_words_are_not_taken_for_drill_words_nor_the_other_way():
    """A drill that took live words would put the live key together."""
    for share, kind in ((_live()[0], DrillShare), (_drill()[0], LiveShare)):
        with pytest.raises(InputError) as error:
            _read(" ".join(share.words), kind)
        assert _code(error) == "share_kind"


@pytest.mark.parametrize(
    "options",
    [
        {"iteration_exponent": 3},
        {"iteration_exponent": 1, "extendable": False},
        {"iteration_exponent": 1, "group_threshold": 2, "groups": [(3, 5), (3, 5)]},
    ],
    ids=["exponent", "not extendable", "groups"],
)
def test_other_slip_0039_shares_are_none_of_ours(options: dict[str, Any]):
    """A wallet's words, for example."""
    made = generate_mnemonics(**({"group_threshold": 1, "groups": [(3, 5)], "master_secret": bytes(32)} | options))
    with pytest.raises(InputError) as error:
        _read(made[0][0])
    assert _code(error) == "share_form"


def test_a_share_does_not_show_itself():
    """Neither in a log nor in a traceback."""
    share = _live()[0]
    assert share.words[4] not in repr(share)
    assert "secret" in repr(SEED)


# -------------------------------------------------------------------------------------------------------- seeds


def test_each_purpose_has_a_key_of_its_own():
    """What signs does not wrap, what wraps does not seal, and a drill's seed makes none of them."""
    keys = _keys(SEED.reveal())
    same = drill_key(DrillSeed(SEED.reveal()))
    found = {keys.wrap.reveal(), keys.signer.reveal(), keys.escrow.reveal(), same.reveal(), SEED.reveal()}
    assert len(found) == 5
    assert RecoveryKeys(RecoverySeed(SEED.reveal())).wrap.public == keys.wrap.public


@pytest.mark.parametrize("count", range(6))
@given(data=st.data())
def test_nothing_but_enough_of_one_set_opens_it(count: int, data: st.DataObject):
    """Shares of two keys in any mixture: they open it when three or more are there, all different, all of its set."""
    other = _other()
    chosen = data.draw(st.lists(st.sampled_from([*_live(), *other]), min_size=count, max_size=count))
    whole = len(chosen) >= 3 and len({share.number for share in chosen}) == len(chosen) and not set(chosen) & set(other)
    try:
        opened = _combine(tuple(chosen)).reveal()
    except InputError:
        assert not whole
    else:
        assert whole
        assert opened == SEED.reveal()


@cache
def _other() -> tuple[LiveShare, ...]:
    return split_live(RecoverySeed(b"o" * 32), public=_keys(b"o" * 32).wrap.public, threshold=3, shares=5)


FIRST = """
    dough industry academic acid album income watch modern rumor already memory coastal fiction worthy photo amazing
    vegan burning energy primary express rocky wisdom game breathe eyebrow viral mobile liquid have decrease
    clay friendly
"""
SECOND = """
    dough industry academic agency agree erode pencil unkind pacific victim mason slow pants ranked aunt safari
    earth hairy crowd fitness element roster valid idea season coding early very vintage solution famous famous fumes
"""


def test_sheets_of_today_are_read_in_ten_years():
    """Words, names of sets, checks and derived keys are fixed: paper cannot be migrated."""
    shares = (read_share(FIRST, LiveShare), read_share(SECOND, LiveShare))
    seed = _combine(shares, _record(2, 2))
    keys = RecoveryKeys(seed)
    assert seed.reveal() == SEED.reveal()
    assert identifier_of(keys.wrap.public) == 7598
    assert Hash.of(keys.wrap.public).hex() == "c78700160f21258abc17f4220a5eed32f900ff9fe2fb0a0863dce8ee02a8ec4b"
    assert keys.signer.public.hex() == "52826a1197ed1b09e1ff2eb078e6b1fee258bb3793b924da878fff7ebe26ca1a"
    assert keys.escrow.reveal().hex() == "4e087fea5f8edc4862566e06cc1ee15c0ffac2203b593159ec3e4bec32255ed5"
    drill = drill_key(DrillSeed(SEED.reveal()))
    assert Hash.of(drill.public).hex() == "a9c14ce53d50f9728c1db2f7da565e514f3fd179750f771eb27467b11021861e"
    head = Head(number=1, shares=2, threshold=2, organisation="3f2a90bc", made_on="2026-11-22")
    assert head.check(LiveShare, shares[0].words) == "b608-6641"
    assert head.check(DrillShare, shares[0].words) == "8570-bf71"
