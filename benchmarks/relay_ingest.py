"""Entries a second that a relay verifies and stores durably, by how many of them one seal signs.

The relay is the whole one: senders, each with one batch under way as devices have it, go through verification,
admission, group commit with a flush, the log, its signed checkpoint, and receipts with their paths. Only the network
is left out.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.engines import new_database, postgres, settings_of
from benchmarks.measuring import Case, Options, Report, Series, Step, interleaved
from benchmarks.raw_relay import RawInsert, RawPostgres, RawSqlite, Rows, insert_s, verify_s
from server.relay.app import Relay, open_relay
from server.relay.settings import RelaySettings
from sync_protocol.control import CreateChart, MintEpoch, chart_id, content_stream, control_stream
from sync_protocol.entries import WireEntry
from sync_protocol.ids import DocumentId, EntryHash, Hash, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.organisation_file import make_organisation_file
from sync_protocol.roles import Compartment, Role
from tests.support.people import DeviceSession, Organisation

_LOADS: Final = {1: (32, 16), 10: (32, 4), 100: (16, 2), 500: (8, 1)}
"""By entries a seal: how many senders, and how many batches each of them sends in a round."""
_RAW_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Batch:
    """What one sender sends at once: one seal and what lies under it."""

    proofs: Proofs
    entries: tuple[WireEntry, ...]


class _Sender:
    """A device with a chart of its own, that writes in memory what the relay is to take in."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.session: DeviceSession = organisation.device(Role.PHYSICIAN).session()
        nonce, document = organisation.entropy(16), DocumentId(organisation.entropy(16))
        chart = chart_id(self.session.device.name, nonce)
        founding = CreateChart(nonce=nonce, document=document)
        epoch = MintEpoch(
            compartment=Compartment.CLINICAL,
            parents=(),
            commitment=Hash(organisation.entropy(32)),
            nonce=organisation.entropy(32),
            wraps=(),
        )
        _, control = self.session.write_control(control_stream(chart), [founding, epoch])
        self._stream: StreamId = content_stream(chart, document, Compartment.CLINICAL)
        self._epoch: EntryHash = control[-1].hash
        self.first = Batch(self.session.proofs, tuple(entry.wire for entry in control))

    def write(self, entries: int) -> Batch:
        """A batch of entries under one seal."""
        seal, made = self.session.write(self._stream, self._organisation.bodies(entries), epoch=self._epoch)
        return Batch(Proofs(seals=(seal.wire,)), tuple(entry.wire for entry in made))


class _Database:
    """A relay on one database, and the raw table beside it."""

    def __init__(self, runner: asyncio.Runner, relay: Relay, raw: RawInsert, rows: Rows) -> None:
        self._runner = runner
        self._relay = relay
        self._raw = raw
        self._rows = rows
        self._turns: dict[int, Iterator[list[list[Batch]]]] = {}
        self.cpu: dict[int, list[float]] = {}
        """CPU seconds of this process for 10,000 entries, a round, by entries a seal."""

    def prepare(self, material: Sequence[Sequence[Batch]]) -> None:
        """Take in what comes first, unmeasured."""
        self._runner.run(self._send(material))

    def turns(self, size: int, material: Sequence[list[list[Batch]]]) -> None:
        """Lay out what each round sends, by entries a seal."""
        self._turns[size] = iter(material)

    def ingest(self, size: int) -> float:
        """Entries a second of one round."""
        material = next(self._turns[size])
        count = sum(len(batch.entries) for sender in material for batch in sender)
        cpu, began = time.process_time(), time.perf_counter()
        self._runner.run(self._send(material))
        took = time.perf_counter() - began
        self.cpu.setdefault(size, []).append(1e4 * (time.process_time() - cpu) / count)
        return count / took

    def insert(self, rows: int) -> float:
        """Seconds a row of the raw table."""
        return insert_s(self._raw, self._rows.take(rows))

    async def _send(self, material: Sequence[Sequence[Batch]]) -> None:
        ingest = self._relay.services.ingest

        async def send(batches: Sequence[Batch]) -> None:
            for batch in batches:
                done = await ingest.take(batch.proofs, batch.entries, stored=lambda _: None)
                assert not done.refused, done.refused
                assert len(done.leaves) == len(batch.entries), "a receipt for each entry"

        await asyncio.gather(*map(send, material))


class _Verifier:
    """The raw verification of one seal of each size."""

    def __init__(self, batches: dict[int, Batch]) -> None:
        self._batches = batches
        key = Ed25519PrivateKey.generate()
        self._key = key.public_key()
        self._message = bytes(160)
        self._signature = key.sign(self._message)

    def verify(self, size: int) -> float:
        """Seconds an entry."""
        entries = self._batches[size].entries
        return verify_s(entries, key=self._key, signature=self._signature, message=self._message)


@contextmanager
def _databases(
    options: Options, runner: asyncio.Runner, organisation_file: bytes, like: WireEntry
) -> Iterator[tuple[dict[str, _Database], list[str]]]:
    """SQLite, and PostgreSQL where it starts; with what a reader must know of them."""
    with ExitStack() as stack:
        url = None if options.quick else stack.enter_context(postgres())
        relays = AsyncExitStack()
        stack.callback(lambda: runner.run(relays.aclose()))  # before the server goes

        def start(name: str, url: str | None, raw: RawInsert) -> _Database:
            stack.callback(raw.close)
            home = options.scratch / name
            home.mkdir()
            relay = open_relay(RelaySettings(home=home, database_url=url), organisation_file)
            runner.run(relays.enter_async_context(relay.app.router.lifespan_context(relay.app)))
            return _Database(runner, relay, raw, Rows(like))

        found = {"SQLite": start("sqlite", None, RawSqlite(options.scratch / "raw.db"))}
        if url is None:
            yield found, ["PostgreSQL was not measured: " + ("a quick run" if options.quick else "none starts here")]
            return
        raw = RawPostgres(new_database(url, "raw"))
        found["PostgreSQL"] = start("postgresql", new_database(url, "relay"), raw)
        words = ", ".join(f"{name} {value}" for name, value in settings_of(url).items())
        yield found, [f"PostgreSQL: {words}; its own processes' CPU is not counted"]


def run(options: Options) -> Report:
    """Measure."""
    organisation = Organisation.make(1)
    file = make_organisation_file(organisation.root, organisation.admin.certificate)
    loads = {size: (options.size(many, 4), options.size(batches, 1)) for size, (many, batches) in _LOADS.items()}
    senders = [_Sender(organisation) for _ in range(max(many for many, _ in loads.values()))]
    # Chains go on from round to round, so what is sent later is written later.
    material: dict[int, list[list[list[Batch]]]] = {size: [] for size in loads}
    for number in range(options.rounds):
        for size in list(loads) if number % 2 == 0 else list(loads)[::-1]:  # as `interleaved` takes them
            many, batches = loads[size]
            material[size].append([[sender.write(size) for _ in range(batches)] for sender in senders[:many]])
    samples = {size: rounds[0][0][0] for size, rounds in material.items()}
    with asyncio.Runner() as runner, _databases(options, runner, file, samples[1].entries[0]) as (databases, notes):
        verifier = _Verifier(samples)
        steps: dict[str, Step] = {}
        for database in databases.values():
            database.prepare([[sender.first] for sender in senders])
            for size, turns in material.items():
                database.turns(size, turns)
        for size in loads:
            for name, database in databases.items():
                steps[f"{name} {size}"] = partial(database.ingest, size)
            steps[f"verify {size}"] = partial(verifier.verify, size)
        for name, database in databases.items():
            steps[f"{name} insert"] = partial(database.insert, options.size(_RAW_ROWS, 200))
        found = interleaved(steps, rounds=options.rounds)
    return _report(found, databases, samples, notes)


def _report(
    found: dict[str, list[list[float]]], databases: dict[str, _Database], samples: dict[int, Batch], notes: list[str]
) -> Report:
    cases: list[Case] = []
    sizes = list(samples)
    for name in databases:
        insert = Series("s", found[f"{name} insert"])
        for size in sorted(sizes, key=lambda size: size != 100):  # the headline first
            limit = [
                [1 / (verify_s + raw_s) for verify_s, raw_s in zip(*one, strict=True)]
                for one in zip(found[f"verify {size}"], insert.rounds, strict=True)
            ]
            cases.append(
                Case(
                    name=f"{name}, {size} a seal, {_LOADS[size][0]} senders",
                    series=Series("entries/s", found[f"{name} {size}"]),
                    baseline="1 / (verify + raw insert by 100)",
                    against=Series("entries/s", limit),
                )
            )
        cases.append(Case(name=f"{name}, raw insert by 100", series=insert.map("rows/s", lambda s: 1 / s)))
    for size in sizes:
        verify = Series("s", found[f"verify {size}"])
        cases.append(Case(name=f"raw verify, {size} a seal", series=verify.map("entries/s", lambda s: 1 / s)))
    entry = samples[1].entries[0]
    facts: dict[str, str | int | float] = {"bytes an entry": len(entry.header) + len(entry.body)}
    for name, database in databases.items():
        for size, spent in database.cpu.items():
            facts[f"CPU s per 10,000 entries, {name}, {size} a seal"] = round(statistics.median(spent), 2)
    return Report(cases=cases, facts=facts, notes=notes)
