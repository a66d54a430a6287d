"""Verification: everything that evidence claims, checked offline and as a stream.

Believes nothing but the organisation's root, or its hash where the policy names one. Reads the evidence once, and again
only for what it reports. Memory: what the modules that it calls say that they keep, by certificates, sessions, seals,
chains, checkpoints and receipts; of the entries a bit each, and the newest few thousand.

What nobody but its author knows of, no receipt, no other device's chain, no meeting, can be cut off unnoticed. It is
counted: `DeviceReport.unwitnessed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.chain_checks import Chains
from sync_protocol.clock_checks import Clocks
from sync_protocol.evidence import Source
from sync_protocol.finding_list import FindingList, Policy
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.identity_checks import Identities, check_identities
from sync_protocol.ids import DeviceId, EntryHash, SessionId
from sync_protocol.leaf_checks import LeafWalk
from sync_protocol.log_checks import Notes, Receipts, check_consistency, check_transcripts
from sync_protocol.reference_checks import References
from sync_protocol.seal_checks import SealBook, check_seals

__all__ = ["DEFAULT_POLICY", "DeviceReport", "Policy", "Report", "verify"]

DEFAULT_POLICY: Final = Policy()
_STEP: Final = 512
"""Entries between two words about the progress."""
_HOLES_SHOWN: Final = 16
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """One device's share.

    Attributes:
        witnessed: entries that a receipt, the log or another device's chain covers.
        unwitnessed: the others: if they were cut off, nobody could tell.
    """

    device: DeviceId
    sessions: int
    entries: int
    witnessed: int
    unwitnessed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a verification found.

    Attributes:
        ok: no damage.
        entries: pieces that were read.
        findings: the first of each kind, damage before notices; `counts` has all.
        log_size: leaves, where the whole log was there.
    """

    ok: bool
    entries: int
    sessions: int
    devices: tuple[DeviceReport, ...]
    findings: tuple[Finding, ...]
    counts: Mapping[FindingKind, int]
    checkpoints: int
    receipts: int
    log_size: int | None

    @property
    def unwitnessed(self) -> int:
        """Entries that nobody but their author knows of."""
        return sum(device.unwitnessed for device in self.devices)


def verify(
    source: Source,
    *,
    now_ms: int | None = None,
    policy: Policy = DEFAULT_POLICY,
    progress: Progress | None = None,
    found: Iterable[Finding] = (),
) -> Report:
    """Check everything.

    Args:
        source: the evidence.
        now_ms: the verifier's clock, for devices that were silent for long; None leaves them out.
        policy: what an organisation lets pass.
        progress: told now and then how many pieces were read, and how many there are.
        found: what reading the evidence itself finds; it counts like everything else. Asked for once all is read.
    """
    findings = FindingList(policy.findings_max)
    known = check_identities(source, policy.root, findings)
    if known.root is None:
        findings.take_all(found)
        return _report(findings, known, None, notes=0, receipts=0, log_size=None)
    return _Run(source, policy, findings, known).run(now_ms, progress, found)


class _Run:
    """One pass."""

    def __init__(self, source: Source, policy: Policy, findings: FindingList, known: Identities) -> None:
        assert known.root is not None, "there is a root"
        self._root = known.root
        self._source = source
        self._findings = findings
        self._known = known
        self._notes = Notes(known.relays, findings)
        self._receipts = Receipts()
        self._clocks = Clocks(policy, findings)
        self._seals: dict[SessionId, SealBook] = {}
        self._references = References(
            has=source.has,
            reads=source.reads,
            authors=known.authors,
            organisation=known.root.value.control,
            clocks=self._clocks,
            findings=findings,
            kept_max=policy.findings_max,
        )
        self._late_max = policy.findings_max

    def run(self, now_ms: int | None, progress: Progress | None, found: Iterable[Finding]) -> Report:
        """Check what the entries need, the entries, and what only shows at their end."""
        source, findings = self._source, self._findings
        for note in source.checkpoints():
            self._notes.open(note)
        self._receipts.take(source.receipts(), self._notes, source.has, findings)
        self._receipts.rewritten(source.receipts, self._notes, findings)
        check_consistency(source.consistency(), self._notes, findings)
        check_transcripts(source.transcripts(), self._root, self._notes, findings)
        self._seals = check_seals(source.seals(), self._known.authors, findings)
        chains = Chains(
            authors=self._known.authors,
            seals=self._seals,
            references=self._references,
            clocks=self._clocks,
            findings=findings,
            late_max=self._late_max,
        )
        self._references.seek(source.witnesses())
        log_size = self._walk(chains, progress)
        for witness in source.witnesses():
            self._references.witnessed(witness)
        chains.finish(source.pieces)
        self._references.finish(chains.reached(), chains.broken, chains.missing)
        if log_size is not None:
            self._holes()
        self._clocks.finish(self._known.authors, lambda: chains.held(source.pieces))
        if now_ms is not None:
            self._clocks.unseen(self._known.devices, now_ms)
        findings.take_all(found)
        return _report(
            findings,
            self._known,
            chains,
            notes=len(self._notes),
            receipts=self._receipts.count,
            log_size=log_size,
        )

    def _walk(self, chains: Chains, progress: Progress | None) -> int | None:
        """Read the pieces, and the log beside them."""
        checkpoints = self._notes.of_log()
        leaves = self._source.leaves()
        walk = None if leaves is None else LeafWalk(leaves, checkpoints, self._findings)
        signed = checkpoints[-1].size if walk is not None and checkpoints else 0
        size = self._source.size()
        for piece in self._source.pieces():
            name = EntryHash.of(piece.header)
            point = chains.take(piece, name)
            if walk is not None:
                walk.entry(piece.log_index, name)
            logged = piece.log_index is not None and piece.log_index < signed
            if point is not None and (logged or self._receipts.cover(name)):
                self._references.cover((point.stream, point.author.session), point.seq)
            if progress is not None and chains.read % _STEP == 0:
                progress(chains.read, size)
        if progress is not None:
            progress(chains.read, size)
        return None if walk is None else walk.finish()

    def _holes(self) -> None:
        """Entries that seals cover and that did not come: a relay may get a session's streams by different ways."""
        for session, book in self._seals.items():
            for number, missing in book.holes():
                self._findings.add(
                    FindingKind.AWAITED,
                    device=self._known.authors[session].device,
                    session=session,
                    seal=number,
                    expected="every entry that the seal covers",
                    got=f"{len(missing)} not here",
                    places=missing[:_HOLES_SHOWN],
                )


def _report(
    findings: FindingList, known: Identities, chains: Chains | None, *, notes: int, receipts: int, log_size: int | None
) -> Report:
    shares: dict[DeviceId, list[int]] = {device: [0, 0, 0] for device in known.devices}
    for author in known.authors.values():
        shares[author.device][0] += 1
    for device, count, witnessed in () if chains is None else chains.shares():
        shares[device][1] += count
        shares[device][2] += witnessed
    devices = tuple(
        DeviceReport(device=device, sessions=sessions, entries=count, witnessed=seen, unwitnessed=count - seen)
        for device, (sessions, count, seen) in sorted(shares.items())
    )
    return Report(
        ok=not findings.damage,
        entries=0 if chains is None else chains.read,
        sessions=len(known.authors),
        devices=devices,
        findings=findings.kept,
        counts=findings.counts,
        checkpoints=notes,
        receipts=receipts,
        log_size=log_size,
    )
