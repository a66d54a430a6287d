"""Signing what a document says: as its author, beside another, in another's place with a reason, or below.

Owns what is signed: the text in its canonical form, as this device shows it now, with the newest entries that it shows.
Refuses to sign what a person must decide first: a text that is disputed, or that this device cannot show whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.charts import Charts
from edge_runtime.clinical.canonical import canonical_text
from edge_runtime.clinical.layout import Kind, Section
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact, FactId
from edge_runtime.identity import Clock, Identity
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_consent, check_writable
from edge_runtime.signing.signatures import Signature, Signatures, signatures_of
from sync_protocol.attestation import TEXTS, Act, Attestation, sign_attestation
from sync_protocol.encoding import Value
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, Hash
from sync_protocol.limits import ATTESTED_BYTES_MAX, ATTESTED_HEADS_MAX, ATTESTED_REASON_BYTES_MAX
from sync_protocol.roles import Compartment
from sync_protocol.signed import Verified

_SIGNS_AGAIN: Final = "sign again what is shown now"
_NAMES_THE_TEXT: Final = "name the signature of the author; add to an addendum with 'fieldward workflow addend'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What somebody is about to sign.

    Attributes:
        text: all of it.
        sha256: of its UTF-8: who signs says by it that this is what they read.
        open_reviews: how many conflicts of the document nobody has decided yet; the text names them.
    """

    text: str
    sha256: Hash
    open_reviews: int


class Signing:
    """Signatures by the user of one device."""

    def __init__(self, charts: Charts, identity: Identity, clock: Clock) -> None:
        """Sign as `identity`, dated by `clock`."""
        self._charts = charts
        self._identity = identity
        self._clock = clock

    def signatures(self, opened: OpenChart, document: DocumentId) -> Signatures:
        """The signatures of a document.

        Raises:
            RefusedError: no such document.
        """
        return signatures_of(opened.chart, opened.found(document), self._identity.trust)

    def preview(self, opened: OpenChart, document: DocumentId, scope: Collection[Section] = ()) -> Preview:
        """What would be signed now.

        Raises:
            RefusedError: no such document, the patient does not permit it, or something of it cannot be signed.
            InputError: a section that nobody wrote in, or a longer text than one signature covers.
        """
        check_consent(opened.chart, opened.lacks)
        found, state = opened.found(document), opened.document(document)
        wanted = tuple(section for section in Section if not scope or section in scope)
        sections: dict[Section, str] = {}
        for section in wanted:
            written = found.text(section)
            if section not in found.texts:
                if scope:
                    raise _empty(section)
                continue
            if not written.complete:
                raise _unsignable(f"a section {section} that this device shows whole", "a part of it", "sync first")
            if written.disputed:
                raise _unsignable(
                    f"a section {section} that is settled", "one that is disputed", f"edit {section}: say what it reads"
                )
            sections[section] = written.text
        text = canonical_text(state, sections, chart=opened.state, scope=scope)
        size = len(text.encode())
        if size > ATTESTED_BYTES_MAX:
            raise InputError(
                "too_long_to_sign",
                expected=f"a text of at most {ATTESTED_BYTES_MAX} bytes",
                got=f"{size} bytes",
                do="sign it in parts: name the sections with --section",
            )
        reviews = sum(review.open for review in state.reviews)
        return Preview(text=text, sha256=Hash.of(text.encode()), open_reviews=reviews)

    def sign(
        self, chart: ChartId, document: DocumentId, *, scope: Collection[Section] = (), read: Hash | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """Sign what a document says, as its author.

        Args:
            chart: where.
            document: where in it.
            scope: the sections that are signed; none for the whole document.
            read: the hash of the text that the signer had before them; None for whoever was shown none.

        Raises:
            RefusedError, InputError: see `preview`; or this role signs nothing, or the text is another than was read.
        """
        opened = self._charts.open(chart)
        shown = self.preview(opened, document, scope)
        if read is not None and read != shown.sha256:
            raise _unsignable("the text that was read", "a text that changed since", _SIGNS_AGAIN)
        return self._attest(opened, document, Act.AUTHOR, shown.text, scope=scope)

    def preview_beside(self, opened: OpenChart, document: DocumentId, of: FactId) -> Preview:
        """What would be signed beside somebody: the text that they signed, whatever the document says by now.

        Raises:
            RefusedError: see `cosign`.
        """
        text = self._beside(opened, document, of).text
        return Preview(text=text, sha256=Hash.of(text.encode()), open_reviews=0)

    def cosign(
        self, chart: ChartId, document: DocumentId, of: FactId, *, read: Hash | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """Sign beside somebody, under the same text.

        Raises:
            RefusedError: no such signature, one's own, another text than was read, or this role signs nothing, or the
                patient does not permit it.
        """
        opened = self._charts.open(chart)
        earlier = self._beside(opened, document, of)
        if read is not None and read != earlier.attestation.value.text:
            raise _unsignable("the text that was read", "another text", _SIGNS_AGAIN)
        scope = [Section(name) for name in earlier.attestation.value.scope]
        return self._attest(opened, document, Act.COSIGNATURE, earlier.text, scope=scope, of=earlier)

    def amend(
        self, chart: ChartId, document: DocumentId, of: FactId, *, reason: str, read: Hash | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """Sign what the document says now in place of what was signed; the earlier text stays on record.

        Raises:
            RefusedError, InputError: see `sign`; or no such signature, nothing that changed, or no reason.
        """
        opened = self._charts.open(chart)
        earlier = self._earlier(opened, document, of)
        if earlier.act not in TEXTS:
            raise _unsignable("an author's text, or its amendment, to amend", earlier.act.value, _NAMES_THE_TEXT)
        scope = [Section(name) for name in earlier.attestation.value.scope]
        shown = self.preview(opened, document, scope)
        if read is not None and read != shown.sha256:
            raise _unsignable("the text that was read", "a text that changed since", _SIGNS_AGAIN)
        if shown.text == earlier.text:
            raise _unsignable("a text that differs from the one that was signed", "the same", "change it first")
        return self._attest(opened, document, Act.AMENDMENT, shown.text, scope=scope, of=earlier, reason=reason)

    def addend(
        self, chart: ChartId, document: DocumentId, of: FactId, text: str, *, reason: str | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """Sign a text that belongs under one that was signed.

        Raises:
            RefusedError, InputError: see `sign`; or no such signature.
        """
        opened = self._charts.open(chart)
        earlier = self._earlier(opened, document, of)
        return self._attest(opened, document, Act.ADDENDUM, text, of=earlier, reason=reason)

    def _beside(self, opened: OpenChart, document: DocumentId, of: FactId) -> Signature:
        earlier = self._earlier(opened, document, of)
        if earlier.signer.user == self._identity.certificate.user:
            raise _unsignable("somebody else's signature to sign beside", "one's own", "ask a colleague to sign")
        return earlier

    def _earlier(self, opened: OpenChart, document: DocumentId, of: FactId) -> Signature:
        check_consent(opened.chart, opened.lacks)
        found = self.signatures(opened, document).of(of)
        if found is None:
            raise _unsignable(
                "a signature of this document that holds",
                "none of that name",
                "list them with 'fieldward workflow show'",
            )
        return found

    def _attest(
        self,
        opened: OpenChart,
        document: DocumentId,
        act: Act,
        text: str,
        *,
        scope: Collection[Section] = (),
        of: Signature | None = None,
        reason: str | None = None,
    ) -> tuple[VerifiedEntry, ...]:
        kind = Kind.ADDENDUM if act is Act.ADDENDUM else Kind.ATTESTATION
        check_writable(kind, self._charts.writable)
        if act is Act.AMENDMENT and not (reason or "").strip():
            raise InputError("reason", expected="why the text is amended", got="nothing", do="give --reason")
        _check_words(text, reason)
        found = opened.found(document)
        frontier = {
            compartment: tuple(sorted(heads))[:ATTESTED_HEADS_MAX]
            for compartment, heads in found.newest.items()
            if heads
        }
        record = sign_attestation(
            Attestation(
                organisation=self._identity.root.value.organisation,
                chart=opened.chart,
                document=document,
                certificate=CertificateHash(self._identity.chain[-1].hash),
                act=act,
                scope=tuple(section.value for section in scope),
                text=Hash.of(text.encode()),
                size=len(text.encode()),
                frontier=frontier,
                signed_ms=self._clock(),
                of=None if of is None else of.attestation.hash,
                reason=reason,
            ),
            self._identity.keys.signer,
        )
        fact = Fact(kind=kind, payload=_payload(record, text, of), supersedes=())
        # The text tells what any document of the chart says of allergies and medications, what is kept apart included.
        kept_apart = any(Compartment.SENSITIVE in document.newest for document in opened.documents.values())
        apart = Compartment.SENSITIVE if kept_apart else None
        return self._charts.add_facts(opened.chart, document, [fact], compartment=apart)


def _payload(record: Verified[Attestation], text: str, of: Signature | None) -> dict[str, Value]:
    value = record.value
    payload: dict[str, Value] = {"signed": record.wire}
    if value.act is not Act.ADDENDUM:
        scope: Sequence[Value] = [name for name in value.scope]  # noqa: C416 a list of values, not of names
        payload |= {"act": value.act.value, "scope": list(scope)}
    if value.act is not Act.COSIGNATURE:
        payload["text"] = text
    if of is not None:
        payload["of"] = str(of.fact.id)
    if value.reason is not None:
        payload["reason"] = value.reason
    return payload


def _check_words(text: str, reason: str | None) -> None:
    size, most = len(text.encode()), ATTESTED_BYTES_MAX
    if not text.strip() or size > most:
        raise InputError(
            "text_to_sign",
            expected=f"text of 1 to {most} bytes",
            got=f"{size} bytes",
            do="shorten it, or sign in parts",
        )
    if reason is not None and len(reason.encode()) > ATTESTED_REASON_BYTES_MAX:
        raise InputError(
            "reason",
            expected=f"at most {ATTESTED_REASON_BYTES_MAX} bytes",
            got=f"{len(reason.encode())} bytes",
            do="say it in fewer words",
        )


def _empty(section: Section) -> InputError:
    return InputError(
        "section", expected="a section in which something was written", got=section.value, do="write it first"
    )


def _unsignable(expected: str, got: str, do: str) -> RefusedError:
    return RefusedError("cannot_sign", expected=expected, got=got, do=do)
