"""A signed note on paper: the text as it was signed, each signature, and never a digest beside another text."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from edge_runtime.errors import RefusedError
from edge_runtime.printing.html import to_html
from edge_runtime.printing.note_pages import Addition, SignedNote, Signer, note_page
from edge_runtime.printing.page import Prose
from edge_runtime.printing.pdf import to_pdf
from sync_protocol.limits import ATTESTED_BYTES_MAX
from tests.unit.edge_runtime.printing.pages import NOON_MS
from tests.unit.edge_runtime.printing.reading import read_html, said_by_pdf

TEXT = "ENCOUNTER\n\nSubjective\n  Pain since three days <b>.\n\nPlan\n  Warfarin 5 mg"
SIGNER = Signer(
    act="Author", user="81c5d2aa", device="865f2600", role="physician", certificate="1f00aa23", signed_ms=NOON_MS
)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


NOTE = SignedNote(
    name="Note 3f2a90bc",
    text=TEXT,
    sha256=_sha256(TEXT),
    signers=(SIGNER, replace(SIGNER, act="Cosignature", role="nurse", doubts=("The device was revoked since.",))),
    additions=(
        Addition(
            act="Amendment", text="Plan\n  Warfarin 2.5 mg", sha256=_sha256("Plan\n  Warfarin 2.5 mg"),
            reason="wrong dose", signers=(SIGNER,),
        ),
        Addition(act="Addendum", text="Phoned.", sha256=None, reason=None, signers=(), written="nurse cca1cb40"),
    ),
    outcome="Every signature verifies to the root 1f00aa.",
    good=True,
    hints=("fieldward note verify FILE --root ORG.root",),
)  # fmt: skip


def test_a_note_says_what_was_signed_by_whom_and_what_came_after():
    """In both forms: text, digest, role, time, certificate, doubts; amendments with their reason; how to check it."""
    page = note_page(NOTE, made_ms=NOON_MS)
    html, pdf = read_html(to_html(page)).text, said_by_pdf(to_pdf(page))
    for words in (
        *("Pain since three days <b>.", "Warfarin 5 mg", NOTE.sha256, "Author", "Cosignature", "physician", "1f00aa23"),
        *("The device was revoked since.", "Amendment", "wrong dose", "Warfarin 2.5 mg", "Nobody signed this"),
        *("nurse cca1cb40", "Phoned.", "fieldward note verify FILE --root ORG.root", "Every signature verifies"),
        *("2025-10-09 08:53 UTC, by the signer's clock", "read to the end", "81c5d2aa on device 865f2600"),
    ):
        assert words in html, words
        assert words in pdf, words
    assert Prose(TEXT, "Note 3f2a90bc", exact=True) in page.blocks
    assert "DO NOT RELY" not in html


def test_a_bad_note_says_so_before_anything_else():
    """In a frame on top."""
    bad = replace(NOTE, good=False, outcome="One signature does not verify.", additions=())
    html = read_html(to_html(note_page(bad, made_ms=NOON_MS))).text
    assert html.index("DO NOT RELY ON THIS NOTE") < html.index("One signature does not") < html.index("What was signed")
    assert "read to the end" not in html


@pytest.mark.parametrize("place", ["text", "addition"])
def test_a_digest_stands_beside_its_own_text_alone(place: str):
    """One changed byte is refused, with the place and without the text."""
    changed = replace(NOTE, text=TEXT + " ")
    if place == "addition":
        changed = replace(NOTE, additions=(replace(NOTE.additions[0], text="Plan\n  Warfarin 25 mg"),))
    with pytest.raises(RefusedError) as caught:
        note_page(changed, made_ms=NOON_MS)
    assert caught.value.code == "digest_mismatch"
    assert "Warfarin" not in str(caught.value)
    assert ("addition 1" in caught.value.got) is (place == "addition")


def test_the_longest_note_can_be_printed():
    """As many bytes as one person signs at once, in short lines."""
    text = "word " * 8 + "\n"
    whole = (text * (ATTESTED_BYTES_MAX // len(text) + 1))[:ATTESTED_BYTES_MAX]
    page = note_page(replace(NOTE, text=whole, sha256=_sha256(whole)), made_ms=NOON_MS)
    assert to_pdf(page).startswith(b"%PDF")
