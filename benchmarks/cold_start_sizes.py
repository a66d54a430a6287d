"""What packs weigh beyond the bodies, by how many entries one seal signs: five authors in three streams of a chart."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.measuring import Case, Options, Series, interleaved, milliseconds
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.frames import pack_frame, split_entries, split_proofs
from sync_protocol.ids import EntryHash
from sync_protocol.intake import Proofs
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.messages import Message
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.packs import split_packs
from sync_protocol.roles import Role
from sync_protocol.signed import Verified
from tests.support.people import DeviceSession, Organisation

_AUTHORS: Final = 5
_STREAMS: Final = 3
_SEEN: Final = 400
"""Entries back that an author has read when it writes."""
_BODY_BYTES: Final = 200
_PAUSE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes an entry beyond its body.

    Attributes:
        columns: compressed.
        hashes: of paths, of other packs' entries, of seals.
        signatures: 64 a seal.
        plain: all that PROOFS and ENTRIES take.
    """

    columns: float
    hashes: float
    signatures: float
    plain: float

    @property
    def headers(self) -> float:
        """All but signatures."""
        return self.columns + self.hashes


@dataclass(frozen=True, slots=True)
class Page:
    """What a relay feeds at once."""

    proofs: Proofs
    entries: tuple[VerifiedEntry, ...]

    def packed(self) -> list[bytes]:
        """As a backlog travels."""
        return [pack_frame(one) for one in self.packs()]

    def packs(self) -> list[Pack]:
        """The same before framing."""
        return list(split_packs(self.proofs, [PackedEntry.of(entry.wire, entry.header) for entry in self.entries]))

    def plain(self) -> list[bytes]:
        """As PROOFS and ENTRIES."""
        proofs = self.proofs
        frames: list[Message] = [
            *split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals),
            *split_entries(entry.wire for entry in self.entries),
        ]
        return list(map(pack_frame, frames))


def pages_of(entries: int, sealed: int) -> list[Page]:
    """Write entries, so many under one seal, and page them as a relay feeds them."""
    organisation, draw = Organisation.make(1), random.Random(2)
    sessions = [organisation.device(Role.NURSE).session() for _ in range(_AUTHORS)]
    written, seals = _write(organisation, sessions, entries, sealed, draw)
    pages: list[Page] = []
    for start in range(0, len(written), BATCH_ENTRIES_MAX):
        page = written[start : start + BATCH_ENTRIES_MAX]
        needed = dict.fromkeys((entry.header.session, entry.header.seal) for entry in page)
        proofs = Proofs(
            sessions=() if start else tuple(session.record.wire for session in sessions),
            seals=tuple(seals.pop(name) for name in needed if name in seals),
        )
        pages.append(Page(proofs, tuple(page)))
    return pages


def weigh(pages: Sequence[Page]) -> Weight:
    """What they weigh an entry, in packs and plain."""
    packs = [one for page in pages for one in page.packs()]
    hashes, signatures = sum(len(one.hashes) for one in packs), sum(len(one.signatures) for one in packs)
    bodies = sum(len(one.bodies) for one in packs)
    columns = sum(len(pack_frame(one)) for one in packs) - hashes - signatures - bodies
    plain = sum(len(frame) for page in pages for frame in page.plain()) - bodies
    count = sum(len(page.entries) for page in pages)
    return Weight(columns / count, hashes / count, signatures / count, plain / count)


def _write(
    organisation: Organisation, sessions: list[DeviceSession], entries: int, sealed: int, draw: random.Random
) -> tuple[list[VerifiedEntry], dict[tuple[bytes, int], bytes]]:
    """The entries in a relay's order, and the seals by session and number."""
    streams = [organisation.stream() for _ in range(_STREAMS)]
    epoch, organisation_head, chart_head = (EntryHash(organisation.entropy(32)) for _ in range(3))
    written: list[VerifiedEntry] = []
    seals: dict[tuple[bytes, int], bytes] = {}
    while len(written) < entries:
        session, stream = draw.choice(sessions), draw.choice(streams)
        seen = {
            entry.header.session: entry
            for entry in written[-_SEEN:]
            if entry.header.stream == stream and entry.header.session != session.id
        }
        session.see(seen.values())
        organisation.clock.now_ms += draw.randrange(_PAUSE_MS)
        made: tuple[Verified[Seal], tuple[VerifiedEntry, ...]] = session.write(
            stream,
            organisation.bodies(min(sealed, entries - len(written)), _BODY_BYTES),
            epoch=epoch,
            organisation_heads=[organisation_head],
            chart_heads=[chart_head],
        )
        seals[session.id, made[0].value.number] = made[0].wire
        written += made[1]
    return written, seals


def weights(pages: Mapping[int, Sequence[Page]], rounds: int) -> list[Case]:
    """Bytes an entry; the same in every round, because nothing of it is measured but counted."""
    cases: list[Case] = []
    for sealed, some in pages.items():
        weight = weigh(some)
        under = f"{sealed} under a seal" if sealed > 1 else "alone under its seal"
        whole = _constant(weight.headers + weight.signatures, rounds)
        plain = _constant(weight.plain, rounds)
        name = f"all beyond the body, {under}"
        cases.append(Case(name=name, series=whole, baseline="the same as PROOFS and ENTRIES", against=plain))
        parts = {
            "columns": weight.columns,
            "paths and other hashes": weight.hashes,
            "signatures": weight.signatures,
        }
        cases += [Case(name=f"{what}, {under}", series=_constant(size, rounds)) for what, size in parts.items()]
    return cases


def packing(pages: Mapping[int, Sequence[Page]], options: Options) -> list[Case]:
    """What one page of 512 entries costs the relay that packs it."""
    steps: dict[str, Callable[[], float]] = {}
    for sealed, (page, *_) in pages.items():
        steps[f"{sealed}, packed"] = partial(milliseconds, page.packed)
        steps[f"{sealed}, plain"] = partial(milliseconds, page.plain)
    found = interleaved(steps, rounds=options.rounds, each=options.size(5, 1))
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    return [
        Case(
            name=f"relay: packing a page of {len(some[0].entries)}, {sealed} a seal",
            series=series[f"{sealed}, packed"],
            baseline="its plain frames",
            against=series[f"{sealed}, plain"],
        )
        for sealed, some in pages.items()
    ]


def _constant(size: float, rounds: int) -> Series:
    return Series("B/entry", [[size]] * rounds)
