"""`fieldward workflow sign` and `addend`: somebody answers for what a document says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.output import print_json, say, with_device
from edge_runtime.cli.text_file import read_text
from edge_runtime.clinical.layout import Section
from edge_runtime.errors import InputError
from sync_protocol.limits import ATTESTED_BYTES_MAX

if TYPE_CHECKING:
    from edge_runtime.runtime import Runtime
    from edge_runtime.signing.attesting import Preview
    from edge_runtime.signing.signatures import Signatures
    from sync_protocol.entries import VerifiedEntry
    from sync_protocol.ids import ChartId, DocumentId, Hash

_DOCUMENT: Final = click.option(
    "--document", "document_id", required=True, help="Its id or beginning, 'chart', or a workflow type."
)
_SECTION: Final = click.option(
    "--section", "sections", multiple=True, type=click.Choice([one.value for one in Section]), help="Only this section."
)


@click.command()
@click.argument("chart_id", metavar="CHART")
@_DOCUMENT
@_SECTION
@click.option("--beside", metavar="SIGNATURE", help="Sign beside a colleague, under the very same text.")
@click.option("--amend", metavar="SIGNATURE", help="Sign what it says now in place of what was signed; needs --reason.")
@click.option("--reason", help="Why it is amended; it is part of what you sign.")
@click.option("--read", metavar="SHA256", help="The digest that 'workflow sign --show' printed: sign that, or nothing.")
@click.option(
    "--show", "show_only", is_flag=True, help="Show the text that would be signed, and its digest; sign nothing."
)
@click.option("--yes", is_flag=True, help="Sign without being asked.")
@with_device()
def sign(
    runtime: Runtime,
    chart_id: str,
    document_id: str,
    sections: tuple[str, ...],
    beside: str | None,
    amend: str | None,
    reason: str | None,
    read: str | None,
    *,
    show_only: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Sign a document, or sections of it: the text that you are shown, with your name under it.

    What you sign is kept as it reads now; later changes stand beside it. Signing is for those whose role may.

    \b
    Examples:
      fieldward workflow sign 3f2a90bc --document encounter
      fieldward workflow sign 3f2a90bc --document encounter --section plan --yes
      fieldward workflow sign 3f2a90bc --document encounter --beside 91ab04 --show
      fieldward workflow sign 3f2a90bc --document encounter --amend 91ab04 --reason "wrong side"
    """
    from edge_runtime.audit.showing import open_to_show

    if beside is not None and (amend is not None or sections or reason is not None):
        raise click.UsageError("--beside signs what was signed: it takes neither --amend, --section nor --reason")
    if (amend is None) != (reason is None) or (amend is not None and sections):
        raise click.UsageError("--amend takes --reason, and signs what was signed before: no --section")
    charts, signing = runtime.charts, runtime.signing
    found = charts.find(chart_id)
    opened = open_to_show(charts, runtime.auditor, found)
    document = charts.find_document(opened, document_id)
    named = beside if amend is None else amend
    earlier = None if named is None else signing.signatures(opened, document).named(named)
    scope = [Section(name) for name in (sections if earlier is None else earlier.attestation.value.scope)]
    if earlier is not None and beside is not None:
        shown = signing.preview_beside(opened, document, earlier.fact.id)
    else:
        shown = signing.preview(opened, document, scope)
    if show_only:
        _show(shown, as_json=as_json)
        return
    wanted = _read_digest(read) or shown.sha256
    if read is None and not yes:
        _ask(shown, as_json=as_json)
    if earlier is None:
        entries = signing.sign(found, document, scope=scope, read=wanted)
    elif beside is not None:
        entries = signing.cosign(found, document, earlier.fact.id, read=wanted)
    else:
        entries = signing.amend(found, document, earlier.fact.id, reason=reason or "", read=wanted)
    _done(found, document, entries, as_json=as_json)


@click.command()
@click.argument("chart_id", metavar="CHART")
@_DOCUMENT
@click.option("--to", metavar="SIGNATURE", help="What it belongs under; the newest signed text unless you say.")
@click.option("--text", help="The addendum.")
@click.option("--text-file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="A file with it.")
@click.option("--reason", help="Why it is added.")
@with_device()
def addend(
    runtime: Runtime,
    chart_id: str,
    document_id: str,
    to: str | None,
    text: str | None,
    text_file: Path | None,
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    """Sign a text that belongs under one that was signed, and leaves that as it is.

    \b
    Example:
      fieldward workflow addend 3f2a90bc --document encounter --text "Laboratory called at 14:10: potassium 6.8"
    """
    from edge_runtime.audit.showing import open_to_show

    if (text is None) == (text_file is None):
        raise click.UsageError("give either --text or --text-file")
    words = text
    if words is None:
        assert text_file is not None, "one of them is given"
        words = read_text(text_file, ATTESTED_BYTES_MAX)
    charts, signing = runtime.charts, runtime.signing
    found = charts.find(chart_id)
    opened = open_to_show(charts, runtime.auditor, found)
    document = charts.find_document(opened, document_id)
    signatures = signing.signatures(opened, document)
    under = signatures.named(to) if to is not None else signatures.last
    _done(found, document, signing.addend(found, document, under.fact.id, words, reason=reason), as_json=as_json)


def _show(shown: Preview, *, as_json: bool) -> None:
    if as_json:
        print_json({"text": shown.text, "sha256": shown.sha256.hex(), "open_reviews": shown.open_reviews})
        return
    say(shown.text)
    if shown.open_reviews:
        say(f"{shown.open_reviews} conflicts are not decided yet; the text names them.")
    say(f"SHA-256 {shown.sha256.hex()}")


def _ask(shown: Preview, *, as_json: bool) -> None:
    """Show what is signed, and ask.

    Raises:
        InputError: nobody is there to ask, or who was asked does not want to.
    """
    import sys

    if as_json or not sys.stdin.isatty():
        raise InputError(
            "not_confirmed",
            expected="somebody who read the text",
            got="nobody to ask",
            do="see it with --show, then sign with --read SHA256, or with --yes",
        )
    _show(shown, as_json=False)
    if not click.confirm("Sign this text?"):
        raise InputError(
            "not_confirmed", expected="a yes", got="a no", do="nothing was signed; change the document, then sign it"
        )


def _done(chart: ChartId, document: DocumentId, entries: tuple[VerifiedEntry, ...], *, as_json: bool) -> None:
    name = f"{entries[-1].hash}:0"
    if as_json:
        print_json({"chart": str(chart), "document": str(document), "signature": name})
        return
    say(f"Signed in document {document.short}: signature {entries[-1].hash.short}.")
    say(f"Take it along: fieldward note export {chart.short} --document {document.short} --out FILE")


def _read_digest(text: str | None) -> Hash | None:
    from sync_protocol.errors import PeerError
    from sync_protocol.ids import Hash

    try:
        return None if text is None else Hash.parse(text)
    except PeerError:
        raise InputError(
            "sha256", expected="the 64 hexadecimal digits that --show printed", got="other text", do="copy them whole"
        ) from None


def signatures_json(found: Signatures) -> list[dict[str, object]]:
    """The signatures of a document, for machines."""
    sound: list[dict[str, object]] = [
        {
            "signature": str(one.fact.id),
            "sound": True,
            "act": one.act.value,
            "of": None if one.of is None else str(one.of),
            "role": one.fact.author.role,
            "user": str(one.signer.user),
            "signed_ms": one.attestation.value.signed_ms,
            "sha256": one.attestation.value.text.hex(),
            "scope": [*one.attestation.value.scope],
        }
        for one in found.sound
    ]
    unsound: list[dict[str, object]] = [
        {"signature": str(one.fact.id), "sound": False, "expected": one.expected, "got": one.got}
        for one in found.unsound
    ]
    return sound + unsound
