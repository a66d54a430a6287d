"""What the files show: no word, no id, no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.settings import Home
from edge_runtime.store.boxes import Boxes, Table
from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.file import create
from edge_runtime.vault.passphrase import Cost, Passphrase
from tests.support.people import Entropy
from tests.unit.edge_runtime.store.traces import traces
from tests.unit.edge_runtime.store.world import DATA_KEY, World, open_store

PHRASES = (
    b"Penicillin anaphylaxis 1987",
    b"Zofia Wielgus-Nowak",
    "Müller-Lüdenscheidt".encode(),
    b"HIV positive since",
)
NAMES = ("epoch/Wielgus", "patient/PESEL-87032112345")


def secrets_of(world: World) -> list[bytes]:
    """Every id, hash and signed record of a world."""
    found: list[bytes] = [*world.streams, *(session.id for session in world.sessions)]
    for certificate in world.organisation.certificates:
        value = certificate.value
        found += [value.device, value.user, value.organisation, value.ed25519, certificate.hash]
    for seal, entries in (*world.batches, world.own):
        found += [seal.hash, seal.value.root, seal.wire[:60]]
        for entry in entries:
            found += [entry.hash, entry.wire.header, entry.header.body_hash, entry.body[:40]]
    return found


def contents(folder: Path) -> bytes:
    """The bytes of all files of a home, one after the other."""
    return b"\n".join(file.read_bytes() for file in sorted(folder.iterdir()))


def plant(world: World, home: Home) -> tuple[DeviceStore, list[bytes]]:
    """A home full of phrases; what must not be found in it."""
    data_key = create(
        home.vault, Passphrase("seven quiet herons", cost=Cost(memory_kib=16, passes=1, lanes=1)), Entropy(3)
    )
    store = DeviceStore(home.store, data_key, Entropy(4))
    world.fill(store)
    session = world.organisation.admin.session()
    _, entries = session.write(world.streams[0], [phrase * 3 for phrase in PHRASES])
    with store.writing() as writer:
        writer.append(entries)
        for at, name in enumerate(NAMES):
            writer.put_value(name, b"%d: " % at + b"; ".join(PHRASES))
        writer.put_value("removed", PHRASES[0])
        writer.put_value("a/key", data_key.reveal())
        writer.mark_refused(world.own[1][2].hash, "limit", PHRASES[1].decode())
    with store.writing() as writer:
        writer.put_value("removed", None)
    secrets = [*PHRASES, *(name.encode() for name in NAMES), data_key.reveal(), b"seven quiet herons"]
    secrets += [data_key.derive(b"store/box/" + table.value) for table in Table]
    secrets += [data_key.derive(b"store/name/" + table.value) for table in Table]
    return store, secrets + secrets_of(world)


def test_no_file_shows_anything(world: World, tmp_path: Path) -> None:
    """No planted phrase, name, id, hash, record or key is in any file of the home, open or closed, in any form."""
    home = Home(tmp_path)
    store, secrets = plant(world, home)
    sought = {trace for secret in secrets for trace in traces(secret)}
    shown = contents(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    assert not [trace for trace in sought if trace in shown]
    store.close()
    shown = contents(tmp_path)
    assert not [trace for trace in sought if trace in shown]


def test_the_search_would_find_it(world: World, tmp_path: Path) -> None:
    """The same search over a file that holds the phrases, one a form, finds every one of them."""
    for phrase in PHRASES:
        for at, trace in enumerate(traces(phrase)):
            (tmp_path / "leak").write_bytes(bytes(at) + trace + bytes(9))
            assert [found for found in traces(phrase) if found in contents(tmp_path)]
    entry = world.own[1][0]
    (tmp_path / "leak").write_bytes(entry.wire.header)
    assert [secret for secret in secrets_of(world) if secret in contents(tmp_path)]


def test_equal_records_look_different(path: Path) -> None:
    """The same value under two names, and the same value put again, are other bytes each time."""
    with open_store(path) as store:
        boxes: list[bytes] = []
        for name in ("a", "b", "a"):
            with store.writing() as writer:
                writer.put_value(name, b"x" * 100)
            (box,) = store._writer_connection.execute(
                "SELECT box FROM value WHERE id = ?", (1 + (name == "b"),)
            ).fetchone()
            boxes.append(box)
    assert len({box[at : at + 16] for box in boxes for at in range(len(box) - 15)}) > 300


def test_names_differ_by_table_and_key() -> None:
    """One id has another name in each table and under each data key: tables cannot be joined by them."""
    boxes = Boxes(DATA_KEY, Entropy(1))
    assert len({boxes.name(table, b"id") for table in Table}) == len(Table)
    assert boxes.name(Table.VALUE, b"id") != boxes.name(Table.VALUE, b"ie")
    assert all(len(boxes.name(table, b"id")) == 16 for table in Table)


def test_no_nonce_twice(world: World, path: Path) -> None:
    """Every box that is ever written has a nonce of its own."""
    drawn: list[bytes] = []
    source = Entropy(9)

    def entropy(size: int) -> bytes:
        drawn.append(source(size))
        return drawn[-1]

    with DeviceStore(path, DATA_KEY, entropy) as store:
        world.fill(store)
    assert {len(nonce) for nonce in drawn} == {12}
    assert len(set(drawn)) == len(drawn) > len(world.entries)


def test_errors_show_nothing(world: World, path: Path) -> None:
    """What a damaged store says names table and number, no id, no name, no value."""
    with open_store(path) as store:
        with store.writing() as writer:
            writer.put_value(NAMES[0], PHRASES[0])
            writer.append(world.batches[0][1])
        store._writer_connection.execute("UPDATE value SET box = zeroblob(60)")
        store._writer_connection.execute("UPDATE entry SET box = zeroblob(600)")
        for ask in (
            lambda store: store.get_value(NAMES[0]),
            lambda store: store.arrivals(after=0, limit=3),
            lambda store: store.values(),
        ):
            with pytest.raises(StoreError) as caught:
                ask(store)
            text = f"{caught.value} {caught.value!r} {store!r}"
            assert not [phrase for phrase in (*NAMES, *map(bytes.decode, PHRASES)) if phrase in text]
            assert not [entry for entry in world.entries if entry.hash.hex() in text]
