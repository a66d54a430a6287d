"""A checked note for a person, a machine and a page: who signed which text, when, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from edge_runtime.cli.safe_text import safe
from edge_runtime.wording import when
from sync_protocol.attestation import Act

if TYPE_CHECKING:
    from edge_runtime.printing.note_pages import Addition, SignedNote, Signer
    from sync_protocol.ids import Hash
    from sync_protocol.note_checks import CheckedNote, SignedText

_ACTS = {
    Act.AUTHOR: "Signed by the author",
    Act.COSIGNATURE: "Signed beside the author",
    Act.AMENDMENT: "Amended",
    Act.ADDENDUM: "Addendum",
}


def note_json(found: CheckedNote, *, pinned: bool, texts: bool) -> dict[str, Any]:
    """The stable form; with the texts only where they are asked for.

    Args:
        found: what was checked.
        pinned: whether the root came from elsewhere; without that, anybody could have made the file.
        texts: whether they are asked for.
    """
    return {
        "ok": True,
        "pinned": pinned,
        "root": str(found.root.hash),
        "made_ms": found.made_ms,
        "maker": {"user": str(found.maker.user), "device": str(found.maker.device)},
        "signatures": [_signature_json(one) | ({"text": one.text} if texts else {}) for one in found.texts],
    }


def print_signatures(found: CheckedNote) -> None:
    """Print who signed, without a word of what."""
    console = Console(highlight=False)
    console.print(Text("Every signature holds.", "bold green"))
    console.print(Text(f"Organisation's root {found.root.hash.short}; file made {when(found.made_ms)}.", "dim"))
    replaced = _replaced(found)
    for one in found.texts:
        console.print(Group(*_warned(one, replaced), *_lines(one)))


def print_note(found: CheckedNote) -> None:
    """Print each text with who signed it."""
    console, replaced = Console(highlight=False), _replaced(found)
    console.print(Text("Every signature holds.", "bold green"))
    for one in found.texts:
        text = [] if one.attestation.value.act is Act.COSIGNATURE else [Text(safe(one.text)), Text()]
        console.print(Panel(Group(*_warned(one, replaced), *text, *_lines(one)), border_style="dim"))


def to_print(found: CheckedNote, *, pinned: bool) -> SignedNote:
    """The note for a page: the first text, and what was added to it or signed after it.

    Args:
        found: what was checked.
        pinned: whether the root came from elsewhere.
    """
    from edge_runtime.printing.note_pages import Addition, SignedNote

    first, *others = (one for one in found.texts if one.attestation.value.act is not Act.COSIGNATURE)
    root = found.root.hash.short
    outcome = (
        f"Every signature verifies to the root {root} of the organisation's file."
        if pinned
        else f"Every signature verifies to the root {root} that the file itself names: anybody could have made it."
    )
    additions: list[Addition] = [
        Addition(
            act=_ACTS[one.attestation.value.act],
            text=one.text,
            sha256=one.attestation.value.text.hex(),
            reason=one.attestation.value.reason,
            signers=_signers(found, one),
        )
        for one in others
    ]
    return SignedNote(
        name=f"Note {first.attestation.hash.short}",
        text=first.text,
        sha256=first.attestation.value.text.hex(),
        signers=_signers(found, first),
        additions=tuple(additions),
        outcome=outcome,
        good=pinned,
        hints=("fieldward note verify FILE --organisation ORGANISATION-FILE",),
    )


def _signers(found: CheckedNote, text: SignedText) -> tuple[Signer, ...]:
    """Who signed a text: its author, then who signed beside it."""
    beside = (
        one
        for one in found.texts
        if one.attestation.value.act is Act.COSIGNATURE and one.attestation.value.of == text.attestation.hash
    )
    return tuple(_signer(one) for one in (text, *beside))


def _signer(one: SignedText) -> Signer:
    from edge_runtime.printing.note_pages import Signer

    value = one.attestation.value
    return Signer(
        act=_ACTS[value.act],
        user=one.signer.user.short,
        device=one.signer.device.short,
        role=f"{one.signer.role.value}{f'; who made the file says: {one.stated}' if one.stated else ''}",
        certificate=value.certificate.short,
        signed_ms=value.signed_ms,
    )


def _replaced(found: CheckedNote) -> frozenset[Hash]:
    """The signatures in whose place another text was signed."""
    values = (one.attestation.value for one in found.texts)
    return frozenset(value.of for value in values if value.act is Act.AMENDMENT and value.of is not None)


def _warned(one: SignedText, replaced: frozenset[Hash]) -> list[Text]:
    value = one.attestation.value
    stale = one.attestation.hash in replaced or (value.act is Act.COSIGNATURE and value.of in replaced)
    return [Text("AMENDED SINCE: read the amendment below, which stands in place of this.", "bold yellow")] * stale


def _lines(one: SignedText) -> list[Text]:
    value = one.attestation.value
    lines = [
        Text.assemble(
            (_ACTS[value.act], "bold"),
            f"  {one.signer.role.value} {one.signer.user.short} on device {one.signer.device.short}",
            (f"  {when(value.signed_ms)}, by the signer's clock", "dim"),
        ),
        Text(f"  SHA-256 {value.text.hex()}", "dim"),
    ]
    if value.scope:
        lines.append(Text(f"  Only: {', '.join(safe(name) for name in value.scope)}"))
    if value.reason:
        lines.append(Text(f"  Reason: {safe(value.reason)}"))
    if one.stated:
        lines.append(Text(f"  Who made the file says: {safe(one.stated)}", "dim"))
    shown = one.shown
    if shown is not None:
        place = "not receipted when the file was made"
        if shown.index is not None:
            place = f"leaf {shown.index:,} of the relay's log, signed at size {shown.log_size:,}"
        lines.append(Text(f"  In the signer's chain as entry {shown.entry.short}; {place}.", "dim"))
    return lines


def _signature_json(one: SignedText) -> dict[str, Any]:
    value, shown = one.attestation.value, one.shown
    return {
        "attestation": str(one.attestation.hash),
        "act": value.act.value,
        "of": None if value.of is None else str(value.of),
        "chart": str(value.chart),
        "document": str(value.document),
        "scope": [*value.scope],
        "sha256": value.text.hex(),
        "signed_ms": value.signed_ms,
        "reason": value.reason,
        "signer": {
            "user": str(one.signer.user),
            "device": str(one.signer.device),
            "role": one.signer.role.value,
            "certificate": str(value.certificate),
        },
        "stated": one.stated,
        "entry": None if shown is None else str(shown.entry),
        "log_index": None if shown is None else shown.index,
        "log_size": None if shown is None else shown.log_size,
    }
