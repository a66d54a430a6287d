"""Opening a relay's database to read it and nothing else, beside a relay that may run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, event, make_url

from server.relay.database import explain, target_url
from server.relay.errors import StorageError
from server.relay.settings import DATABASE_FILE

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import ExceptionContext


def reading_engine(folder: Path, database_url: str | None) -> Engine:
    """An engine that writes nothing, and whose connections see one moment each.

    Raises:
        StorageError: there is no relay's database.
    """
    target = None if database_url is None else target_url(database_url)
    if target is None or target.drivername == "sqlite":
        file = folder / DATABASE_FILE if target is None else Path(target.database or "")
        if not file.is_file():
            raise StorageError(
                "no_relay",
                expected=f"a relay's database at {file}",
                got="no file",
                do="name the relay's home, or its database with --database-url",
            )
        # `mode=ro` beside a running relay: its write-ahead log is read, and nothing is written to it.
        url = make_url(f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&uri=true")
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        engine = create_engine(target, isolation_level="REPEATABLE READ")
    event.listen(engine, "handle_error", _translate, retval=True)
    return engine


def _prepare_sqlite(dbapi: Any, _entry: object) -> None:  # noqa: ANN401 - the driver's connection
    dbapi.isolation_level = None  # the driver begins no transactions of its own


def _translate(context: ExceptionContext) -> None:
    raise explain(context.original_exception) from None
