"""The composition root: puts a relay together from its settings and the organisation file, and takes it apart again.

Here alone the clock is read and entropy drawn, and here the database is opened.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from server.relay.archive import TileArchive
from server.relay.backed import Backups
from server.relay.blob_book import BlobBook
from server.relay.blob_files import BlobFolder
from server.relay.blobs import BlobQuotas, Blobs
from server.relay.budgets import Budgets, DiskFloor
from server.relay.cold_bodies import ColdBodies
from server.relay.committer import Committer
from server.relay.cosigning import Cosigning
from server.relay.database import migrate, open_engine
from server.relay.enrolment import Enrolment
from server.relay.errors import StartError
from server.relay.fanout import Fanout
from server.relay.growth import LogGrowth
from server.relay.homes import cold_bodies
from server.relay.identity import COSIGNER_FILE, KEY_FILE, Identity, load_cosigner, load_key
from server.relay.ingest import Ingest
from server.relay.published import Published
from server.relay.purging import Purger
from server.relay.rates import Rates
from server.relay.recall import recall_directory, recall_forks, recall_trust
from server.relay.restoring import check_restored
from server.relay.revocations import Revocations
from server.relay.routes.about import about
from server.relay.routes.control import control
from server.relay.routes.desk import desk
from server.relay.routes.log import log
from server.relay.routes.principals import principals
from server.relay.routes.requests import ANSWERS
from server.relay.routes.socket import socket
from server.relay.routes.sync import Seats, sync
from server.relay.seen import Policy, Watch, begin_watching, recall_arrivals
from server.relay.services import Services
from server.relay.settings import MIB, RelaySettings
from server.relay.store import SqlStore
from server.relay.upkeep import Upkeep
from server.relay.window import Archive, Tip, Window
from sync_protocol.errors import PeerError
from sync_protocol.organisation_file import open_organisation_file

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sync_protocol.certificates import Certificate, Root
    from sync_protocol.signed import Verified

_VERIFIERS: Final = 2
"""Threads for cryptography; it frees the interpreter for one other thread or two, not for more."""
_READERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a relay stands in: the system's, or a simulation's.

    Attributes:
        now_ms, entropy: the clock in Unix milliseconds, and random bytes of a length.
        verifiers, readers: threads for cryptography, and for the store.
        store: makes the store of a database, the archive of its log, and the bodies beside it.
        committer: what stores.
    """

    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    verifiers: Executor
    readers: Executor
    store: Callable[[Engine, TileArchive, ColdBodies], SqlStore] = SqlStore
    committer: type[Committer] = Committer


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay, opened: the application that a server runs, and its parts.

    Attributes:
        services: its parts; `services.listening` is set by whoever binds the socket, before the application runs.
        app: the ASGI application; its lifespan starts the writer and closes everything.
    """

    services: Services
    app: FastAPI


def open_relay(settings: RelaySettings, organisation_file: bytes) -> Relay:
    """Open a relay's key and database and get everything ready but the writer; see `open_services`."""
    around = Surroundings(
        now_ms=_now_ms,
        entropy=os.urandom,
        verifiers=ThreadPoolExecutor(_VERIFIERS, thread_name_prefix="fieldward-verifier"),
        readers=ThreadPoolExecutor(_READERS, thread_name_prefix="fieldward-reader"),
    )
    services, engine = open_services(settings, organisation_file, around)
    return Relay(services, _app(services, engine, around, organisation_file))


def open_services(settings: RelaySettings, organisation_file: bytes, around: Surroundings) -> tuple[Services, Engine]:
    """Open a relay's key and database and put its parts together, but for the writer.

    Args:
        settings: its home exists, and nobody else uses it.
        organisation_file: whom it serves.
        around: its clock, entropy and threads.

    Raises:
        StartError: the key, the organisation file and the database do not go together, or one is damaged.
        StorageError: the database cannot be opened or brought up to date.
    """
    check_restored(settings.home)
    root, administrator = _organisation(organisation_file)
    key = load_key(settings.home / KEY_FILE, around.entropy)
    cosigner = load_cosigner(settings.home / COSIGNER_FILE, around.entropy)
    engine = open_engine(settings.storage_url)
    try:
        migrate(engine)
        store = around.store(engine, TileArchive(settings.archive_folder), cold_bodies(settings, engine))
        store.prepare(around.now_ms())
        trust = recall_trust(store, root, administrator)
        identity = Identity(store=store, root=root, key=key, cosigner=cosigner)
        window = Window(_newest(store, identity), recall_forks(engine))
        directory = recall_directory(store, engine, trust)
        policy = Policy(unseen_after_days=settings.unseen_after_days, since_ms=begin_watching(store, around.now_ms()))
        watch = Watch(trust, recall_arrivals(engine), policy)
    except BaseException:
        engine.dispose()
        raise
    verifiers, readers = around.verifiers, around.readers
    fanout = Fanout(directory)
    disk = DiskFloor(settings.home, free_bytes_min=settings.disk_free_bytes_min)
    services = Services(
        settings=settings,
        identity=identity,
        trust=trust,
        directory=directory,
        revocations=Revocations(store, directory),
        store=store,
        window=window,
        archive=Archive(store, window.forks),
        fanout=fanout,
        growth=LogGrowth(store, readers),
        ingest=Ingest(store=store, trust=trust, window=window, fanout=fanout, verifiers=verifiers, readers=readers),
        enrolment=Enrolment(store=store, directory=directory, trust=trust),
        blobs=Blobs(
            BlobFolder(settings.blobs_folder),
            BlobBook(engine),
            directory,
            quotas=BlobQuotas(
                chart_bytes_max=settings.chart_blobs_mib * MIB, uploader_bytes_max=settings.device_blobs_mib * MIB
            ),
            signer=key,
            now_ms=around.now_ms,
            check_disk=disk.check,
        ),
        rates=Rates(),
        backups=Backups(store, key.public),
        budgets=Budgets(
            entries_an_hour=settings.entries_an_hour, bytes_an_hour=settings.bytes_an_hour, now_ms=around.now_ms
        ),
        disk=disk,
        watch=watch,
        verifiers=verifiers,
        readers=readers,
        now_ms=around.now_ms,
        entropy=around.entropy,
    )
    return services, engine


def writer_of(
    services: Services, engine: Engine, around: Surroundings, *, confirmed: Callable[[], None] = lambda: None
) -> Committer:
    """The relay's one writer, not started yet; `confirmed` is explained at Committer."""
    return around.committer(
        store=services.store,
        directory=services.directory,
        sign=services.identity.sign,
        origin=services.identity.origin,
        publish=services.ingest.published,
        entries_max=services.settings.commit_entries_max,
        now_ms=services.now_ms,
        watch=services.watch,
        revocations=services.revocations,
        recall=lambda streams: recall_directory(services.store, engine, services.trust, streams=streams),
        confirmed=confirmed,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _organisation(data: bytes) -> tuple[Verified[Root], Verified[Certificate]]:
    try:
        return open_organisation_file(data, expected=None)
    except PeerError as error:
        raise StartError(
            "organisation_file",
            expected="an organisation file as `fieldward org` wrote it",
            got=f"one that is damaged ({error.expected}; got {error.got})",
            do="copy the file again from an administrator's device",
        ) from None


def _newest(store: SqlStore, identity: Identity) -> Tip:
    """The log's newest checkpoint; an empty log gets its first."""
    with store.writing() as writer:
        tip = Tip(*writer.commit_log(identity.sign, identity.origin))
    if tip.checkpoint.origin != identity.origin:
        raise StartError(
            "other_key",
            expected=f"the key of this database's log, {tip.checkpoint.origin}",
            got=f"the key of {identity.origin}",
            do=f"restore {KEY_FILE} from the backup that belongs to this database",
        )
    return tip


def _app(services: Services, engine: Engine, around: Surroundings, organisation_file: bytes) -> FastAPI:
    cosigning = Cosigning(services.store, services.identity)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        purger = Purger(services.store, services.directory, now_ms=services.now_ms)
        upkeep = Upkeep(services, cosigning, purger)
        committer = writer_of(services, engine, around, confirmed=upkeep.confirmed)
        purger.destroyed = services.ingest.destroyed
        services.revocations.changed = services.ingest.judged
        services.ingest.start(committer)
        await upkeep.start()
        yield
        await upkeep.stop()
        await services.ingest.stop()
        services.verifiers.shutdown()
        services.readers.shutdown()
        engine.dispose()

    # No generated documentation pages: they load scripts from elsewhere.
    app = FastAPI(title="Fieldward relay", lifespan=lifespan, openapi_url=None)
    seats = Seats(services)
    published = Published(services.store, engine)
    for router in (
        about(services, organisation_file),
        control(services),
        desk(services, seats),
        principals(services, seats),
        sync(services, seats),
        socket(services),
        log(services, published, cosigning),
    ):
        app.include_router(router)
    ANSWERS.install(app)
    return app
