"""A small world to store: certificates, sessions, seals and entries of several chains, values, upload states."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.vault.keys import DataKey
from sync_protocol.entries import Seal, VerifiedEntry, WireEntry
from sync_protocol.roles import Role
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived
from tests.support.people import Device, DeviceSession, Entropy, Organisation

DATA_KEY: Final = DataKey(bytes(range(100, 132)))
ALL: Final = 1_000_000


def open_store(path: Path, seed: int = 7, *, create: bool = True) -> DeviceStore:
    """Open the store of DATA_KEY; each opening draws other nonces."""
    return DeviceStore(path, DATA_KEY, Entropy(seed), create=create)


Question: TypeAlias = Callable[[DeviceStore], Any]
Batch: TypeAlias = tuple[Verified[Seal], tuple[VerifiedEntry, ...]]


def put(writer: DeviceWriter, batch: Batch, *, state: UploadState = UploadState.RECEIPTED) -> None:
    """Store a seal and what lies under it."""
    writer.put_seal(batch[0])
    writer.append(batch[1], state=state)


class World:
    """Three devices that wrote in turns to four streams; one forked once, one batch pends, one entry is refused."""

    def __init__(self, seed: int = 1, rounds: int = 4) -> None:
        self.organisation = Organisation.make(seed)
        self.streams = [self.organisation.stream() for _ in range(4)]
        devices: list[Device] = [self.organisation.device(Role.NURSE) for _ in range(3)]
        self.sessions: list[DeviceSession] = [device.session() for device in devices]
        self.batches: list[Batch] = []
        for number in range(rounds):
            for session in self.sessions:
                bodies = self.organisation.bodies(3, 120)
                places = [self.streams[(number + at) % 4] for at in range(3)]
                self.batches.append(session.write_all(list(zip(places, bodies, strict=True))))
        twin = self.sessions[2].branch()
        self.batches.append(self.sessions[2].write(self.streams[0], self.organisation.bodies(2)))
        self.batches.append(twin.write(self.streams[0], self.organisation.bodies(1)))
        self.own = self.sessions[0].write(self.streams[1], self.organisation.bodies(3))
        self.values = {f"kind/{number % 3}/{number}": bytes([number]) * (10 + 60 * number) for number in range(12)}

    @property
    def entries(self) -> list[VerifiedEntry]:
        """Every entry in order of arrival."""
        return [entry for _, entries in (*self.batches, self.own) for entry in entries]

    def fill(self, store: DeviceStore) -> None:
        """Store all of it, in several blocks."""
        with store.writing() as writer:
            for certificate in self.organisation.certificates:
                writer.put_certificate(certificate)
            for session in self.sessions:
                writer.put_session(session.record)
        for batch in self.batches:
            with store.writing() as writer:
                put(writer, batch)
        with store.writing() as writer:
            put(writer, self.own, state=UploadState.PENDING)
            for name, value in self.values.items():
                writer.put_value(name, value)
        with store.writing() as writer:
            writer.mark_receipted({self.own[1][0].hash: 41})
            writer.mark_refused(self.own[1][1].hash, "limit", "too many")

    def questions(self) -> dict[str, Question]:
        """Everything that one can ask the store, by name."""
        one, two = self.streams[2:3], self.streams[:2]
        ask = {
            "size": on(DeviceStore.size),
            "streams": on(DeviceStore.streams),
            "certificates": on(DeviceStore.certificates, records),
            "sessions": on(DeviceStore.sessions, records),
            "arrivals": on(DeviceStore.arrivals, wires, after=0, limit=ALL),
            "some arrivals": on(DeviceStore.arrivals, wires, after=3, limit=20),
            "arrivals of two": on(DeviceStore.arrivals, wires, after=0, limit=ALL, streams=two),
            "arrivals of one": on(DeviceStore.arrivals, wires, after=0, limit=7, streams=one),
            "values": on(DeviceStore.values),
            "values under": on(DeviceStore.values, prefix="kind/1/"),
            "pending": on(DeviceStore.pending, wires, limit=ALL),
            "refused": on(DeviceStore.refused, lambda found: [(r.index, r.name, r.code, r.text) for r in found]),
            "counts": on(DeviceStore.upload_counts),
            "oldest": on(DeviceStore.oldest_pending_ms),
            "no value": on(DeviceStore.get_value, name="never written"),
        }
        for name in self.values:
            ask[f"value {name}"] = on(DeviceStore.get_value, name=name)
        for session in (session.id for session in self.sessions):
            ask[f"last seal {session}"] = on(DeviceStore.last_seal, lambda seal: seal.wire, session=session)
            ask[f"seals {session}"] = on(DeviceStore.seals_from, records, session=session, number=0, limit=ALL)
        for stream in self.streams:
            ask[f"frontier {stream}"] = on(DeviceStore.frontier, stream=stream)
            ask[f"forked {stream}"] = on(DeviceStore.forked, stream=stream)
            for session in (session.id for session in self.sessions):
                chain = partial(on, DeviceStore.chain, wires, stream=stream, session=session)
                ask[f"chain {stream} {session}"] = chain(first=0, limit=ALL)
                ask[f"tail {stream} {session}"] = chain(first=2, limit=2)
        return ask

    def lookups(self) -> dict[str, Question]:
        """Look-ups by hash or id alone; a damaged index may answer None to them, and `check` tells."""
        ask: dict[str, Question] = {}
        for entry in self.entries[::5]:
            ask[f"entry {entry.hash}"] = on(DeviceStore.entry, lambda found: found and wires([found]), name=entry.hash)
        for session in self.sessions:
            ask[f"session {session.id}"] = on(DeviceStore.session, lambda found: found and found.wire, name=session.id)
        return ask


def on(method: Callable[..., Any], shape: Callable[[Any], Any] | None = None, **arguments: Any) -> Question:
    """The question that calls a method with these arguments, its answer in a shape that compares by content."""

    def ask(store: DeviceStore) -> Any:
        answer = method(store, **arguments)
        return answer if shape is None else shape(answer)

    return ask


def wires(found: Iterable[Arrived]) -> list[tuple[int, WireEntry]]:
    """Entries by their arrival index and bytes."""
    return [(arrived.index, arrived.entry.wire) for arrived in found]


def records(found: Iterable[Verified[Any]]) -> list[bytes]:
    """Signed records by their bytes."""
    return [record.wire for record in found]
