"""The months by which PostgreSQL keeps the entries, so that old ones can be backed up, moved and vacuumed apart.

`entry` is partitioned by `arrived_ms` into months of UTC. What came before FIRST_MS, or before the relay noted when, is
in `entry_before`; what no partition takes falls into the net, `entry_other`, from where it moves when its month gets a
partition. A unique key of the whole table would have to hold `arrived_ms` and so say nothing: each partition has keys
of its own, and the one writer asks all of them before it stores. SQLite keeps one table.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.sql.schema import SchemaItem

FIRST_MS: Final = 1_767_225_600_000
"""2026-01-01 in Unix milliseconds: no relay that notes arrivals is older."""
BEFORE: Final = "entry_before"
NET: Final = "entry_other"
MONTHS_AHEAD: Final = 2
RETRY_MS: Final = 10 * 60 * 1000
"""How long after a failure the partitions are left alone; entries go into the net meanwhile."""
_LOCK_TIMEOUT_MS: Final = 2000
"""How long the writer waits for readers of the whole table, who hold up a new partition."""
_WHOLE_KEY: Final = "uq_entry_hash"
_MONTHS: Final = 12
_LAST_MONTH: Final = 9999 * _MONTHS
_NAME: Final = re.compile(r"entry_(before|other|\d{6})")
_PARTITIONS: Final = text(
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'entry'::regclass ORDER BY 1"
)
_LOG: Final = logging.getLogger("fieldward.relay")


def is_partition(name: str | None) -> bool:
    """Whether a table of that name is a partition of the entries, and so no model of its own."""
    return name is not None and _NAME.fullmatch(name) is not None


def compared(connection: Connection) -> Callable[[SchemaItem, str | None, str, bool, SchemaItem | None], bool]:
    """What Alembic compares with the models, as its `include_object`: not what partitions alone have.

    On PostgreSQL they are tables of their own, and have the key of hashes that the whole table has elsewhere.
    """
    divided = connection.dialect.name == "postgresql"

    def include(_item: SchemaItem, name: str | None, kind: str, _found: bool, _other: SchemaItem | None) -> bool:  # noqa: FBT001 - Alembic's
        return not divided or not (
            (kind == "table" and is_partition(name)) or (kind == "unique_constraint" and name == _WHOLE_KEY)
        )

    return include


def partition_of(arrived_ms: int) -> str:
    """The partition that takes an entry of that arrival, once it is there."""
    return BEFORE if arrived_ms < FIRST_MS else _name(_month(arrived_ms))


def prepare(connection: Connection, now_ms: int) -> range:
    """See that the month of `now_ms` and the next ones have partitions; nothing to do on SQLite.

    Args:
        connection: in a transaction of its own, for this takes locks that readers of entries wait for.
        now_ms: the relay's clock, in Unix milliseconds.

    Returns:
        The arrivals for which nothing more has to be done.

    Raises:
        StorageError: it cannot be done now; entries fall into the net.
    """
    if connection.dialect.name != "postgresql":
        return range(-(1 << 62), 1 << 62)
    if now_ms < FIRST_MS:
        return range(-(1 << 62), FIRST_MS)
    month = _month(now_ms)
    if month > _LAST_MONTH - MONTHS_AHEAD:  # a clock beyond all calendars: the net takes it
        return range(now_ms, now_ms + RETRY_MS)
    there = set(connection.execute(_PARTITIONS).scalars())
    missing = [ahead for ahead in range(month, month + MONTHS_AHEAD + 1) if _name(ahead) not in there]
    if missing:
        connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
    for new in missing:
        _create(connection, new)
        _LOG.info("made the partition %s", _name(new))
    return range(_start_ms(month), _start_ms(month + 1))


def _create(connection: Connection, month: int) -> None:
    """Make a partition, and move there what the net caught; attached last, when it is complete."""
    name, start, end = _name(month), _start_ms(month), _start_ms(month + 1)
    caught = f"DELETE FROM {NET} WHERE arrived_ms >= {start} AND arrived_ms < {end} RETURNING *"  # noqa: S608 - numbers
    for statement in (
        f"CREATE TABLE {name} (LIKE entry)",
        f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY (log_index)",
        f"ALTER TABLE {name} ADD CONSTRAINT uq_{name}_hash UNIQUE (hash)",
        f"WITH caught AS ({caught}) INSERT INTO {name} SELECT * FROM caught",  # noqa: S608 - as above
        f"ALTER TABLE entry ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
    ):
        connection.execute(text(statement))


def _month(at_ms: int) -> int:
    """Months since the year 0 of the calendar that `datetime` counts by."""
    try:
        at = datetime.fromtimestamp(at_ms // 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return _LAST_MONTH
    return at.year * _MONTHS + at.month - 1


def _start_ms(month: int) -> int:
    return int(datetime(month // _MONTHS, month % _MONTHS + 1, 1, tzinfo=UTC).timestamp()) * 1000


def _name(month: int) -> str:
    return f"entry_{month // _MONTHS:04}{month % _MONTHS + 1:02}"
