"""The relay's tables, once for SQLite and PostgreSQL.

They hold signed records and ciphertext as they came, and beside them only what look-ups need: no column can hold
patient data. Order is explicit (`arrival`, `log_index`), assigned by the one writer and never by the engine. Nothing
refers to another table by a foreign key: the intake has verified what belongs together, and on PostgreSQL the entries
are partitioned by month (see `partitions`), where the keys of `entry` are those of each partition.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

# On SQLite only a column of exactly this type is the row's own key, which saves an index.
_ROW_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")
_UNNUMBERED: Final = {"autoincrement": False}
# Migrations name constraints, so they need names that are the same on every engine.
_TABLES: Final = registry(
    metadata=MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
)


class RequestState(StrEnum):
    """How far an enrolment request has come."""

    PENDING = "pending"
    APPROVED = "approved"


class RelayModel(SQLModel, registry=_TABLES):
    """Base of the relay's tables, apart from those of any other program in this process."""


class CertificateRow(RelayModel, table=True):
    """A device certificate, signed by its issuer."""

    __tablename__ = "certificate"

    hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    arrival: int = Field(sa_type=BigInteger, unique=True)
    wire: bytes = Field(sa_type=LargeBinary)


class SessionRow(RelayModel, table=True):
    """A session, signed by its device."""

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_certificate", "certificate"),)

    id: bytes = Field(primary_key=True, sa_type=LargeBinary)
    arrival: int = Field(sa_type=BigInteger, unique=True)
    certificate: bytes = Field(sa_type=LargeBinary)
    wire: bytes = Field(sa_type=LargeBinary)


class SealRow(RelayModel, table=True):
    """A seal, signed by its session; several of one number are a fork.

    `received_ms` is the relay's clock when it took the seal in, null for what came before the relay noted it.
    """

    __tablename__ = "seal"
    __table_args__ = (Index("ix_seal_place", "session", "number", "hash"),)

    hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    session: bytes = Field(sa_type=LargeBinary)
    number: int = Field(sa_type=BigInteger)
    wire: bytes = Field(sa_type=LargeBinary)
    received_ms: int | None = Field(default=None, sa_type=BigInteger, nullable=True)


class EntryRow(RelayModel, table=True):
    """An entry: header and body as they came, and its path in its seal.

    `ix_entry_place` serves appending, chains and the seals that a reader knows, `ix_entry_feed` feeds and frontiers.
    Both hold all that these look-ups need, so that no body is read for them. Header and body share a row because
    whoever reads the one reads the other. The body is empty where it lies in a segment, see `ColdSegment`, or was
    destroyed, see `PurgeRow`. `arrived_ms` is the relay's clock when it took the entry in, 0 for what came before the
    relay noted it; nothing is ordered by it.
    """

    __tablename__ = "entry"
    __table_args__ = (
        Index("ix_entry_place", "session", "stream", "seq", "hash", "seal"),
        Index("ix_entry_feed", "stream", "log_index", "session", "seq"),
    )

    log_index: int = Field(primary_key=True, sa_type=_ROW_KEY, sa_column_kwargs=_UNNUMBERED)
    hash: bytes = Field(sa_type=LargeBinary, unique=True)
    stream: bytes = Field(sa_type=LargeBinary)
    session: bytes = Field(sa_type=LargeBinary)
    seq: int = Field(sa_type=BigInteger)
    seal: int = Field(sa_type=BigInteger)
    seal_index: int = Field(sa_type=Integer)
    seal_path: bytes = Field(sa_type=LargeBinary)
    header: bytes = Field(sa_type=LargeBinary)
    body: bytes = Field(sa_type=LargeBinary)
    arrived_ms: int = Field(sa_type=BigInteger)


class SessionSeen(RelayModel, table=True):
    """The newest entry of a session: where it stands in the log, and when it came by the relay's clock."""

    __tablename__ = "session_seen"

    session: bytes = Field(primary_key=True, sa_type=LargeBinary)
    log_index: int = Field(sa_type=BigInteger)
    arrived_ms: int = Field(sa_type=BigInteger)


class LogTile(RelayModel, table=True):
    """Up to 256 hashes of the transparency log, one after another; rewritten as it grows. See `log`."""

    __tablename__ = "log_tile"

    level: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs=_UNNUMBERED)
    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs=_UNNUMBERED)
    hashes: bytes = Field(sa_type=LargeBinary)


class ArchivedTile(RelayModel, table=True):
    """A full tile that lies in a file now, and the SHA-256 of that file. See `archive`."""

    __tablename__ = "archived_tile"

    level: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs=_UNNUMBERED)
    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs=_UNNUMBERED)
    digest: bytes = Field(sa_type=LargeBinary)


class ColdSegment(RelayModel, table=True):
    """A file with the bodies of the entries from `first` on, below `end`; see `cold_bodies`.

    `digest` is the SHA-256 of the file, and its name; `offsets` say where in it each body begins, and where the last
    one ends, in four bytes each. An entry whose body is elsewhere, or nowhere any more, has none in it.
    """

    __tablename__ = "cold_segment"

    first: int = Field(primary_key=True, sa_type=_ROW_KEY, sa_column_kwargs=_UNNUMBERED)
    end: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    offsets: bytes = Field(sa_type=LargeBinary)


class ColdDraft(RelayModel, table=True):
    """A file that may be there and that no segment names: it is being written, or is to be destroyed."""

    __tablename__ = "cold_draft"

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)


class CheckpointRow(RelayModel, table=True):
    """A signed note over the log at one size; origin and root stand in its text."""

    __tablename__ = "checkpoint"

    size: int = Field(primary_key=True, sa_type=_ROW_KEY, sa_column_kwargs=_UNNUMBERED)
    note: bytes = Field(sa_type=LargeBinary)


class PurgeRow(RelayModel, table=True):
    """A chart whose content is being destroyed, or was; see `purging`."""

    __tablename__ = "purge"

    chart: bytes = Field(primary_key=True, sa_type=LargeBinary)
    began_ms: int = Field(sa_type=BigInteger)
    ended_ms: int | None = Field(default=None, sa_type=BigInteger, nullable=True)


class BlobRow(RelayModel, table=True):
    """A blob, of which chunks lie in files; whole once it has a number. See `blob_book`."""

    __tablename__ = "blob"
    __table_args__ = (Index("ix_blob_chart", "chart"), Index("ix_blob_uploader", "uploader"))

    id: bytes = Field(primary_key=True, sa_type=LargeBinary)
    stream: bytes = Field(sa_type=LargeBinary)
    chart: bytes = Field(sa_type=LargeBinary)
    uploader: bytes = Field(sa_type=LargeBinary)
    size: int = Field(sa_type=BigInteger)
    chunks: int = Field(sa_type=Integer)
    heard_ms: int = Field(sa_type=BigInteger)
    number: int | None = Field(default=None, sa_type=BigInteger, nullable=True, unique=True)
    stored_ms: int | None = Field(default=None, sa_type=BigInteger, nullable=True)


class EnrolmentRequest(RelayModel, table=True):
    """What a new device asks an administrator to certify; one an invitation."""

    __tablename__ = "enrolment_request"

    invitation: bytes = Field(primary_key=True, sa_type=LargeBinary)
    device: bytes = Field(sa_type=LargeBinary, index=True)
    wire: bytes = Field(sa_type=LargeBinary)
    state: str = Field(sa_type=String(16))
    received_ms: int = Field(sa_type=BigInteger)


class RelayValue(RelayModel, table=True):
    """Something that the relay keeps once, by name: such as its record."""

    __tablename__ = "relay_value"

    name: str = Field(primary_key=True, sa_type=String(64))
    value: bytes = Field(sa_type=LargeBinary)


def table(model: type[RelayModel]) -> Table:
    """The table of a model, for statements on many rows at once: the ORM takes three times as long for them."""
    return RelayModel.metadata.tables[str(model.__tablename__)]
