"""A signed note as a page: the text that was signed, who signed it, what was added since, and how to check it.

Owns how a signature reads on paper. It judges none: whoever verified the note says what came of it. But a text is never
printed beside a digest that is not its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.printing.page import Block, Heading, Notice, Page, Prose, Row, Rows, Signature, Span, Tone, plain
from edge_runtime.wording import when

_CHECK: Final = "Paper proves nothing. The note file does, with the program and the organisation's root alone:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One signature.

    Attributes:
        act: what the signature says, as `Author` or `Cosignature`.
        user: the signer's user, by the beginning of the id or by name.
        device: the device that signed, by the beginning of its id.
        role: what the signer was when signing.
        certificate: the certificate that the signature is checked with, by the beginning of its hash.
        signed_ms: by the signer's clock, in milliseconds since 1970.
        doubts: what speaks against it, each a sentence: revoked since, not verified; empty for a good one.
    """

    act: str
    user: str
    device: str
    role: str
    certificate: str
    signed_ms: int
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What was written after the signature: an amendment or an addendum.

    Attributes:
        act: which of the two, as `Amendment`.
        text: all of it, as it was signed.
        sha256: in hexadecimal, over the UTF-8 of the text; None where nobody signed it.
        reason: why it was written; None where nobody said.
        signers: who signed it; where nobody did, `written` says who wrote it.
        written: who wrote it and when, in words; empty where it is signed.
    """

    act: str
    text: str
    sha256: str | None
    reason: str | None
    signers: tuple[Signer, ...]
    written: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A note to print.

    Attributes:
        name: what the page calls it, with no patient's name in it: `Note 3f2a90bc`.
        text: the canonical text, as it was signed.
        sha256: in hexadecimal, over its UTF-8.
        signers: the author's signature first, then the others by time.
        additions: amendments and addenda, by time.
        outcome: one sentence on what was checked, as `Every signature verifies to the root 1f00aa.`.
        good: whether all was found good; otherwise the outcome stands on top, in a frame.
        hints: how to check the note, each a line; the command first.
    """

    name: str
    text: str
    sha256: str
    signers: tuple[Signer, ...]
    additions: tuple[Addition, ...] = ()
    outcome: str
    good: bool
    hints: tuple[str, ...]


def note_page(note: SignedNote, *, made_ms: int) -> Page:
    """A signed note as a page.

    Args:
        note: what was signed, and what came of checking it.
        made_ms: the time to state, in milliseconds since 1970.

    Raises:
        RefusedError: a digest is not that of its text.
    """
    blocks: list[Block] = []
    if note.good:
        blocks.append(Rows((Row("Checked", (Span(note.outcome, Tone.STRONG),)),)))
    else:
        blocks.append(Notice(Tone.DANGER, "DO NOT RELY ON THIS NOTE", (plain(note.outcome),)))
    if any(addition.sha256 for addition in note.additions):
        blocks.append(Notice(Tone.WARNING, "This note was amended or added to: read to the end"))
    blocks += [Heading(1, (Span("What was signed"),)), *_signed(note.text, note.sha256, note.signers, note.name)]
    for number, addition in enumerate(note.additions, 1):
        blocks += _addition(addition, f"{note.name}, addition {number}")
    blocks += [Heading(1, (Span("How to check it"),)), Notice(Tone.WARNING, _CHECK, tuple(map(plain, note.hints)))]
    footer = f"{note.name}. Patient data in the clear: destroy this page after use."
    return Page(title=note.name, blocks=tuple(blocks), footer=footer, made_ms=made_ms)


def _addition(addition: Addition, place: str) -> list[Block]:
    rows = [Row("Reason", plain(addition.reason))] if addition.reason else []
    rows += [Row("Written by", plain(addition.written))] if addition.written else []
    head: list[Block] = [Heading(1, (Span(addition.act),)), *([Rows(tuple(rows))] if rows else [])]
    if addition.sha256 is None:
        return [*head, Notice(Tone.WARNING, "Nobody signed this"), Prose(addition.text, place, exact=True)]
    return [*head, *_signed(addition.text, addition.sha256, addition.signers, place)]


def _signed(text: str, sha256: str, signers: Sequence[Signer], place: str) -> list[Block]:
    if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != sha256:
        raise RefusedError(
            "digest_mismatch",
            expected="a text with its own digest",
            got=f"another, in {place}",
            do="verify the note: 'fieldward note verify'",
        )
    digest = Rows((Row("SHA-256 of this text", plain(sha256)),))
    return [Prose(text, place, exact=True), digest, *map(_signature, signers)]


def _signature(signer: Signer) -> Signature:
    rows = [
        Row("Role when signing", plain(signer.role)),
        Row("User and device", plain(f"{signer.user} on device {signer.device}")),
        Row("Signed", plain(f"{when(signer.signed_ms)}, by the signer's clock")),
        Row("Certificate", plain(signer.certificate)),
        *(Row("Doubt", (Span(doubt, Tone.DANGER),)) for doubt in signer.doubts),
    ]
    return Signature(signer.act, tuple(rows))
