"""Verifying an evidence file: the file as it was made, who made it, what it discloses, and all that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from sync_protocol.entries import read_header
from sync_protocol.errors import PeerError
from sync_protocol.evidence_file import Trailer
from sync_protocol.evidence_reader import EvidenceFile
from sync_protocol.evidence_survey import OpenAt, survey
from sync_protocol.finding_list import FindingList, Policy
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.identity_checks import Identities, check_identities
from sync_protocol.ids import EntryHash
from sync_protocol.labels import Label
from sync_protocol.signed import Signed
from sync_protocol.verification import DEFAULT_POLICY, Progress, Report, verify


def verify_evidence(
    open_at: OpenAt, *, now_ms: int | None = None, policy: Policy = DEFAULT_POLICY, progress: Progress | None = None
) -> Report:
    """Check a file; see `verification.verify`.

    Args:
        open_at: reads it.
        now_ms: the verifier's clock.
        policy: what an organisation lets pass.
        progress: told how many entries were read, and how many there are.
    """
    file = EvidenceFile(open_at, survey(open_at))
    return verify(file, now_ms=now_ms, policy=policy, progress=progress, found=_found(file, policy))


def _found(file: EvidenceFile, policy: Policy) -> Iterator[Finding]:
    """What is wrong with the file itself."""
    known = check_identities(file, policy.root, FindingList(0))  # its findings come again with the others
    for damage in file.survey.damages:
        author = None if damage.session is None else known.authors.get(damage.session)
        evidence = {
            "record": damage.kind,
            "frame": damage.frame,
            "offset": damage.offset,
            "entry": None if damage.entry is None else damage.entry.hex(),
            "expected": damage.expected,
            "got": damage.got,
        }
        yield Finding(
            kind=FindingKind.DAMAGED,
            device=None if author is None else author.device,
            session=damage.session,
            seq=damage.seq,
            evidence={name: value for name, value in evidence.items() if value is not None},
        )
    yield from _trailer(file, known)
    yield from _disclosures(file, known)


def _trailer(file: EvidenceFile, known: Identities) -> Iterator[Finding]:
    """Whether the session that the manifest names signed the frames that are there."""
    found, manifest = file.survey, file.survey.manifest
    if found.trailer is None or manifest is None:
        return  # the survey said so
    author = known.authors.get(manifest.exporter)
    if author is None:
        evidence = {"record": "trailer", "expected": "an exporter whose session hangs on the root", "got": "another"}
        yield Finding(kind=FindingKind.UNTRUSTED, session=manifest.exporter, evidence=evidence)
        return
    try:
        trailer = Signed(Trailer, found.trailer).verify(author.key, Label.EVIDENCE).value
    except PeerError as error:
        evidence = {"record": "trailer", "problem": error.code, "expected": error.expected, "got": error.got}
        yield Finding(kind=FindingKind.DAMAGED, device=author.device, session=author.session, evidence=evidence)
        return
    if (trailer.session, trailer.frames, trailer.digest) != (author.session, found.frames, found.digest):
        changed = "its hashes were changed, its frames were not" if trailer.digest == found.digest else "others"
        stated = " under the hashes that were signed" if trailer.digest == found.stated else ""
        evidence = {
            "record": "trailer",
            "expected": f"{trailer.frames} frames as they were signed",
            "got": f"{found.frames} frames, {changed}{stated}",
        }
        yield Finding(kind=FindingKind.DAMAGED, device=author.device, session=author.session, evidence=evidence)
    elif found.stated != found.digest:
        evidence = {"record": "digests", "expected": "the hashes of the frames", "got": "others"}
        yield Finding(kind=FindingKind.DAMAGED, device=author.device, session=author.session, evidence=evidence)


def _disclosures(file: EvidenceFile, known: Identities) -> Iterator[Finding]:
    """Keys that do not open the entry that they came with."""
    for piece, record in file.disclosed():
        if not isinstance(record, PeerError):
            continue
        evidence = {
            "record": "disclosure",
            "entry": EntryHash.of(piece.header).hex(),
            "expected": record.expected,
            "got": record.got,
        }
        try:
            header = read_header(piece.header)
        except PeerError:
            yield Finding(kind=FindingKind.FORGED, evidence=evidence)
            continue
        author = known.authors.get(header.session)
        yield Finding(
            kind=FindingKind.FORGED,
            device=None if author is None else author.device,
            session=header.session,
            seq=header.seq,
            evidence=evidence,
        )
