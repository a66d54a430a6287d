"""Shares: a seed split so that some of the holders open it together and fewer learn nothing, and put together again.

The package draws the polynomial's random bytes from the operating system itself, as HPKE and ML-DSA draw theirs: the
third exception to "entropy is an argument". It is imported when shares are made or read, never at start-up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from edge_runtime.errors import InputError, RefusedError
from edge_runtime.recovery.receipt import Receipted
from edge_runtime.recovery.seeds import DrillSeed, RecoveryKeys, RecoverySeed, drill_key
from edge_runtime.recovery.words import DrillShare, LiveShare, Share, identifier_of
from sync_protocol.emergency_records import SHARES_OPENING_MIN, RecoveryRecord
from sync_protocol.limits import RECOVERY_SHARES_MAX
from sync_protocol.signed import Verified

if TYPE_CHECKING:
    from shamir_mnemonic.share import Share as RawShare

    from sync_protocol.secret import Secret

_TRIES_MAX: Final = 600
"""Choices of shares that are tried where there are more than needed: all of 16 holders' with a threshold of 3."""

S = TypeVar("S", bound=Share)
T = TypeVar("T", RecoverySeed, DrillSeed)


def split_live(seed: RecoverySeed, *, public: bytes, threshold: int, shares: int) -> tuple[LiveShare, ...]:
    """Split the recovery seed.

    Args:
        seed: 32 bytes.
        public: the public wrapping key that it makes.
        threshold: how many shares open it.
        shares: how many there are.

    Raises:
        InputError: no such split.
    """
    return _split(LiveShare, seed, public=public, threshold=threshold, shares=shares)


def split_drill(seed: DrillSeed, *, public: bytes, threshold: int, shares: int) -> tuple[DrillShare, ...]:
    """Split the seed of drills; see `split_live`."""
    return _split(DrillShare, seed, public=public, threshold=threshold, shares=shares)


def check_set(shares: Sequence[Share], *, public: bytes, threshold: int) -> None:
    """Check that shares are of one set, the one of this public key, and enough. Nothing is combined.

    Raises:
        InputError: "share_set", "share_twice" or "too_few_shares".
    """
    wanted = identifier_of(public)
    for at, share in enumerate(shares, 1):
        if (share.identifier, share.threshold) != (wanted, threshold):
            raise InputError(
                "share_set",
                expected="shares of the recovery key that the organisation has now",
                got=f"share {at} of another set: of an earlier key, or of another organisation",
                do="take the sheets of the date that 'fieldward recovery status' shows",
            )
    numbers = [share.number for share in shares]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise InputError(
            "share_twice",
            expected="shares of different holders",
            got=f"share {twice[0]} more than once",
            do="take another holder's sheet",
        )
    if len(shares) < threshold:
        raise InputError(
            "too_few_shares",
            expected=f"{threshold} shares",
            got=f"{len(shares)}",
            do="ask further holders; fewer shares say nothing about the key",
        )


def check_live(shares: Sequence[LiveShare], record: RecoveryRecord) -> None:
    """Check that these shares open this recovery key; see `check_set`."""
    check_set(shares, public=record.wrap, threshold=record.threshold)


def check_drill(shares: Sequence[DrillShare], record: RecoveryRecord) -> None:
    """Check that these shares open the canary of this recovery key; see `check_set`."""
    check_set(shares, public=record.drill, threshold=record.threshold)


def combine_live(receipted: Receipted, shares: Sequence[LiveShare], record: Verified[RecoveryRecord]) -> RecoverySeed:
    """Put the recovery seed together, which the relay's log already tells of.

    Raises:
        RefusedError: what is receipted is the use of another recovery key.
        InputError: see `check_set`; or "shares_wrong": together they do not make what the record says.
    """
    if receipted.recovery != record.hash:
        raise RefusedError(
            "not_receipted",
            expected="a receipt for the use of this recovery key",
            got="one for another key",
            do="begin again: the organisation has a newer recovery key",
        )
    check_live(shares, record.value)
    value = record.value

    def fits(seed: RecoverySeed) -> bool:
        made = RecoveryKeys(seed)
        return made.wrap.public == value.wrap and made.signer.public == value.signer

    return _combine(shares, value.threshold, RecoverySeed, fits)


def combine_drill(shares: Sequence[DrillShare], record: Verified[RecoveryRecord]) -> DrillSeed:
    """Put the seed of drills together.

    Raises:
        InputError: see `check_set`; or "shares_wrong": together they do not make what the record says.
    """
    check_drill(shares, record.value)
    value = record.value
    return _combine(shares, value.threshold, DrillSeed, lambda seed: drill_key(seed).public == value.drill)


def _split(kind: type[S], seed: Secret, *, public: bytes, threshold: int, shares: int) -> tuple[S, ...]:
    if not SHARES_OPENING_MIN <= threshold <= shares <= RECOVERY_SHARES_MAX:
        raise InputError(
            "share_numbers",
            expected=f"{SHARES_OPENING_MIN} to {RECOVERY_SHARES_MAX} shares, and as many or fewer that open the key",
            got=f"{threshold} of {shares}",
            do="choose other numbers; 3 of 5 serve most organisations",
        )
    from shamir_mnemonic import EncryptedMasterSecret, split_ems  # noqa: PLC0415 few commands need it

    sealed = EncryptedMasterSecret.from_master_secret(
        seed.reveal(), b"", identifier_of(public), extendable=True, iteration_exponent=kind.exponent
    )
    (group,) = split_ems(1, [(threshold, shares)], sealed)
    return tuple(_of(kind, raw) for raw in group)


def _of(kind: type[S], raw: RawShare) -> S:
    return kind(raw.index + 1, raw.member_threshold, raw.identifier, tuple(raw.words()))


def _combine(shares: Sequence[Share], threshold: int, kind: type[T], fits: Callable[[T], bool]) -> T:
    """The seed that fits the record. Where there are more shares than needed, one that was forged does no harm."""
    from shamir_mnemonic import MnemonicError, combine_mnemonics  # noqa: PLC0415 few commands need it

    for chosen in itertools.islice(itertools.combinations(shares, threshold), _TRIES_MAX):
        try:
            seed = kind(combine_mnemonics([" ".join(share.words) for share in chosen]))
        except MnemonicError:
            continue
        if fits(seed):
            return seed
    raise _wrong_shares()


def _wrong_shares() -> InputError:
    """Shares that look alike and together make another seed than the record's, or none."""
    return InputError(
        "shares_wrong",
        expected="shares that together make the organisation's recovery key",
        got="shares that make none, or another",
        do="take the newest sheets; if these are they, one of them was made by somebody else",
    )
