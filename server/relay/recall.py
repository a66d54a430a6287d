"""What a starting relay works out from its store: the directory, the forks, who is trusted.

Control entries are read once, in the order of the log, and applied as they were when they came. Nothing is verified
again: only this relay writes its store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from server.relay import arrivals
from server.relay.database import slices
from server.relay.directory import Directory
from server.relay.errors import StartError
from server.relay.models import EntryRow, RequestState, SealRow, table
from server.relay.revocations import judge
from server.relay.stored import Stored
from sync_protocol.certificates import Certificate, Root, Trust
from sync_protocol.control import Certify, Control, UnknownControl, unpack_control
from sync_protocol.control_entry import written
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, SessionId, StreamId
from sync_protocol.revocation import Revoke
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from server.relay.store import SqlStore

_ORGANISATION: Final = "organisation"
ORGANISATION_ROOT: Final = "organisation_root"
"""The root as it is signed, so that the database alone can be verified."""
_ASKED_MAX: Final = 400
"""Entries in one statement."""
_PAGE_ENTRIES: Final = 1024
_ENTRY: Final = table(EntryRow)
_SEAL: Final = table(SealRow)


def recall_trust(store: SqlStore, root: Verified[Root], administrator: Verified[Certificate]) -> Trust:
    """The certificates that the store kept; a new store keeps the organisation's first ones.

    Raises:
        StartError: the store is another organisation's.
        StorageError: it cannot be read or written.
    """
    kept = store.get_value(_ORGANISATION)
    if kept is None:
        store.put_value(_ORGANISATION, root.hash)
        with store.writing() as writer:
            writer.put_certificate(administrator)
    elif kept != root.hash:
        raise StartError(
            "other_organisation",
            expected=f"the organisation of this database, root {kept[:4].hex()}",
            got=f"root {root.hash.short}",
            do="name the right organisation file, or another home or database",
        )
    if store.get_value(ORGANISATION_ROOT) is None:
        store.put_value(ORGANISATION_ROOT, root.wire)
    trust = Trust(root)
    for certificate in (administrator, *store.certificates()):
        trust.restore(certificate)
    return trust


def recall_directory(
    store: SqlStore, engine: Engine, trust: Trust, *, streams: Collection[StreamId] | None = None
) -> Directory:
    """The directory as it was when the log was last extended, and requests marked that were answered since.

    Args:
        store: what it is worked out from.
        engine: the store's.
        trust: the organisation's certificates.
        streams: the control streams of the charts that are wanted; None for all charts.

    Raises:
        StorageError: the store cannot be read.
        StartError: a control entry in it does not decode.
    """
    directory = Directory(trust)
    purged = store.purges()
    cut_off: dict[ChartId, dict[SessionId, int]] = {}
    _judge(store, directory)
    draft = directory.draft()
    authors: dict[SessionId, CertificateHash] = {
        session.value.session: trust.principal(session.value.certificate) for session in store.sessions()
    }
    charts = _chart_control_streams(engine) if streams is None else streams
    for item in _entries_of(store, {directory.organisation, *charts}):
        entry = item.entry
        place = draft.place(entry.header.stream)
        if entry.is_stripped and place is not None and place.chart in purged:
            chains, header = cut_off.setdefault(place.chart, {}), entry.header
            chains[header.session] = min(header.seq, chains.get(header.session, header.seq))
            continue
        author = authors[entry.header.session]
        excluded = author in directory.revoked and directory.excludes(written(entry, author, store))
        draft.apply(
            Stored(
                stream=entry.header.stream,
                record=_record(item),
                author=author,
                name=entry.hash,
                index=item.index,
                saw=store.saw,
                heads=entry.header.organisation_heads,
                undone=directory.revoked_at if excluded else None,
            )
        )
    directory.adopt(draft)
    for chart in (one for one in purged if directory.chart(one) is not None):
        directory.purging(chart)
        directory.cut_off(chart, cut_off.get(chart, {}))
    for filed in store.requests(RequestState.PENDING):
        if directory.certified(filed.device) is not None:
            store.mark_request(filed.device, RequestState.APPROVED)
    return directory


def _record(item: Arrived) -> Control | UnknownControl:
    try:
        return unpack_control(item.entry.body)
    except PeerError:
        raise StartError(
            "storage_damaged",
            expected="control records as they were admitted",
            got=f"another body at log index {item.index}",
            do="stop the relay, keep the database, restore the last backup; devices send again what it lacks",
        ) from None


def _judge(store: SqlStore, directory: Directory) -> None:
    """Judge who is revoked before anything else is derived: what a revocation excludes counts for nothing."""
    indices: list[int] = []
    for item in _entries_of(store, {directory.organisation}):
        record = _record(item)
        if isinstance(record, Certify | Revoke):
            indices.append(item.index)
        if isinstance(record, Revoke):
            directory.revoked_at = item.index
    if directory.revoked_at >= 0:
        directory.judged(judge(store, directory.trust, indices))


def recall_forks(engine: Engine) -> dict[SessionId, int]:
    """Sessions with several seals of one number, and the lowest such number."""
    forked = (
        select(_SEAL.c.session, _SEAL.c.number)
        .group_by(_SEAL.c.session, _SEAL.c.number)
        .having(func.count() > 1)
        .subquery()
    )
    query = select(forked.c.session, func.min(forked.c.number)).group_by(forked.c.session)
    with engine.connect() as connection:
        return {SessionId(session): number for session, number in connection.execute(query)}


def _entries_of(store: SqlStore, streams: set[StreamId]) -> Iterator[Arrived]:
    after = 0
    while True:
        page = store.arrivals(after=after, limit=_PAGE_ENTRIES, streams=streams)
        yield from page
        if len(page) < _PAGE_ENTRIES:
            return
        after = page[-1].index + 1


def _chart_control_streams(engine: Engine) -> Iterator[StreamId]:
    """A stream carries control when its first entry names no epoch: admission sees to that."""
    firsts = select(func.min(_ENTRY.c.log_index)).group_by(_ENTRY.c.stream)
    with engine.connect() as connection:
        indices = list(connection.execute(firsts).scalars())
        for some in slices(indices, _ASKED_MAX):
            rows = connection.execute(arrivals.WIRE_ENTRY.where(_ENTRY.c.log_index.in_(some)))
            for item in arrivals.decoded(rows):
                if item.entry.header.epoch is None:
                    yield item.entry.header.stream
