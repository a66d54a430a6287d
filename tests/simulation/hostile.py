"""What a thief does: whoever has a stolen device (see `theft`) writes whatever its keys can sign, until it is revoked.

A thief signs well: what it writes is refused, quarantined or kept harmless by rules, never by a broken signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from edge_runtime.facts import Content, Fact, TextUpdate
from edge_runtime.recorder.batch import Batch
from edge_runtime.sections import TEXT, text_doc_id
from edge_runtime.store.uploads import UploadState
from edge_runtime.text.draft import client_id
from sync_protocol.control import Certify
from sync_protocol.entries import Draft, next_lamport, seal_batch
from sync_protocol.ids import ChartId, DocumentId, EntryHash, SealHash, SessionId
from sync_protocol.roles import Compartment
from tests.simulation import acts
from tests.simulation.device import SimDevice
from tests.simulation.network import Weather
from tests.simulation.stand_ins import forging
from tests.simulation.words import MARK, SECTIONS
from tests.simulation.world import Act, World


def forge(
    device: SimDevice, build: Callable[[Batch], object], *, twist: Callable[[Draft], Draft] | None = None
) -> None:
    """Seal what no honest program would, and keep it to be sent."""
    runtime = device.runtime
    batch = runtime.recorder.begin()
    build(batch)
    made = [twist(draft) for draft in batch.drafts] if twist is not None else list(batch.drafts)
    identity = runtime.identity
    session = identity.session
    last = runtime.store.last_seal(session.value.session)
    seal, entries = seal_batch(
        made,
        session=session.value,
        number=0 if last is None else last.value.number + 1,
        previous=None if last is None else SealHash(last.hash),
        signer=identity.keys.signer,
    )
    with runtime.store.writing() as writer:
        writer.put_session(session)
        writer.put_seal(seal)
        writer.append(entries, state=UploadState.PENDING)


def _place(world: World, device: SimDevice) -> tuple[ChartId, DocumentId] | None:
    charts = sorted(device.runtime.keyring.charts())
    if not charts:
        return None
    chart = world.rng.choice(charts)
    membership = device.runtime.keyring.membership(chart)
    return None if membership is None else (chart, world.rng.choice(sorted(membership.documents)))


def _note(kind: str, text: str) -> Content:
    return Content(facts=(Fact(kind=kind, payload={"text": f"{MARK} {text}"}, supersedes=()),), text=None)


def _hostile(kind: str, work: Callable[[World, SimDevice, ChartId, DocumentId], object]) -> Callable[..., None]:
    """An act of a thief in some document that it has."""

    def run(world: World, device: SimDevice) -> None:
        place = _place(world, device)
        if place is not None and world.guard(device, kind, lambda: work(world, device, *place)) == "done":
            world.fault(kind)

    return run


def _fork(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """Two histories under one number."""
    del world
    runtime = device.runtime
    batches = []
    for text in ("left", "right"):
        batch = runtime.recorder.begin()
        batch.content(chart, document, TEXT, _note("observation", text))
        batches.append(batch)
    identity = runtime.identity
    last = runtime.store.last_seal(identity.session.value.session)
    for batch in batches:
        seal, entries = seal_batch(
            list(batch.drafts),
            session=identity.session.value,
            number=0 if last is None else last.value.number + 1,
            previous=None if last is None else SealHash(last.hash),
            signer=identity.keys.signer,
        )
        with forging(), runtime.store.writing() as writer:
            writer.put_session(identity.session)
            writer.put_seal(seal)
            writer.append(entries, state=UploadState.PENDING)


def _lamport(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """A Lamport time out of thin air."""
    ahead = world.rng.randint(2, 10**6)
    with patch("edge_runtime.recorder.drafts.next_lamport", lambda parents: next_lamport(parents) + ahead):
        forge(device, lambda batch: batch.content(chart, document, TEXT, _note("observation", "early bird")))


def _role(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """A kind that its role may not state."""
    del world
    forge(
        device,
        lambda batch: batch.content(chart, document, Compartment.SAFETY, _note("diagnosis", "a thief's diagnosis")),
    )


def _orphan(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """An entry that follows one which nobody will ever have."""
    lost = {SessionId(world.rng.randbytes(32)): (3, EntryHash(world.rng.randbytes(32)))}

    def twist(draft: Draft) -> Draft:
        header = draft.header
        return replace(draft, header=replace(header, deps=dict(sorted({**header.deps, **lost}.items()))))

    forge(device, lambda batch: batch.content(chart, document, TEXT, _note("observation", "orphan")), twist=twist)


def _stranger(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """A record on the organisation's stream that is not its to write: it certifies itself."""
    del chart, document
    mine = device.runtime.identity.chain[-1].wire

    def build(batch: Batch) -> None:
        batch.organisation_control(Certify(certificate=mine))

    del world
    forge(device, build)


def _garbage(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """A body under the right key that says nothing anybody knows."""
    with patch("edge_runtime.recorder.batch.pack_content", lambda _: world.rng.randbytes(80)):
        forge(device, lambda batch: batch.content(chart, document, TEXT, _note("observation", "none")))


def _future_delete(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    """An update that deletes what others are yet to type: their next letters would vanish as they come."""
    sessions = [world.devices[name].runtime.identity.session.value.session for name in world.writers()]

    def build(batch: Batch) -> None:
        for section in SECTIONS:
            doc = text_doc_id(document, TEXT, section)
            ranges = (_varint(client_id(one, doc)) + _varint(1) + _varint(0) + _varint(10_000) for one in sessions)
            update = _varint(0) + _varint(len(sessions)) + b"".join(ranges)
            batch.content(chart, document, TEXT, Content(facts=None, text=TextUpdate(section=section, update=update)))

    forge(device, build)


def _varint(value: int) -> bytes:
    """A number as Yjs writes it."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _sync_twice(world: World, device: SimDevice) -> None:
    """Everything that it sends, it sends twice."""
    if device.runtime.store.size():
        world.fault("hostile_repeats")
        with _every_link(world, Weather(again=1.0)):
            acts.sync(world, device)


def _absurd(world: World, device: SimDevice) -> None:
    """It claims to hold what nobody ever wrote."""
    others = [one for one in world.running() if one is not device]
    if not others:
        return
    world.fault("absurd_frontiers")
    store: Any = device.store
    real = store.frontier
    rng = world.rng

    def frontier(stream: Any) -> Mapping[SessionId, tuple[int, EntryHash]]:
        found = dict(real(stream))
        claims = {session: (place[0] + 10**6, EntryHash(rng.randbytes(32))) for session, place in found.items()}
        claims[SessionId(rng.randbytes(32))] = (2**40, EntryHash(rng.randbytes(32)))
        return claims

    store.frontier = frontier
    try:
        acts.meet(world, device, rng.choice(others))
    finally:
        del store.frontier


@contextmanager
def _every_link(world: World, weather: Weather) -> Iterator[None]:
    """Every link that is dialled meanwhile has this weather."""
    with patch.object(world, "weather", lambda: weather):
        yield


def _sync(world: World, device: SimDevice) -> None:
    acts.sync(world, device)


def _meet(world: World, device: SimDevice) -> None:
    others = [one for one in world.running() if one is not device]
    if others:
        acts.meet(world, device, world.rng.choice(others))


HOSTILE: Final[tuple[Act, ...]] = (
    Act("hostile fork", 2, _hostile("hostile_fork", _fork)),
    Act("hostile lamport", 2, _hostile("hostile_lamport", _lamport)),
    Act("hostile role", 2, _hostile("hostile_role", _role)),
    Act("hostile orphan", 1, _hostile("hostile_orphan", _orphan)),
    Act("hostile stranger", 1, _hostile("hostile_record", _stranger)),
    Act("hostile garbage", 1, _hostile("hostile_body", _garbage)),
    Act("hostile delete", 3, _hostile("hostile_future_delete", _future_delete)),
    Act("hostile twice", 1.5, _sync_twice),
    Act("hostile absurd", 1, _absurd),
    Act("hostile sync", 1.5, _sync),
    Act("hostile meet", 1.5, _meet),
)
"""What a thief does when it is its turn."""
