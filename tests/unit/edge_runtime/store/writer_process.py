"""A process that writes to a home until it is killed, and says after each commit what it committed.

Run as `python -m tests.unit.edge_runtime.store.writer_process HOME SEED`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edge_runtime.settings import Home, home_lock
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from sync_protocol.roles import Role
from tests.support.people import Organisation
from tests.unit.edge_runtime.store.world import DATA_KEY


def main(home: Home, seed: int) -> None:
    """Write three entries, their seal and a counter in each block."""
    organisation = Organisation.make(seed)
    session = organisation.device(Role.NURSE).session()
    streams = [organisation.stream() for _ in range(3)]
    with home_lock(home), DeviceStore(home.store, DATA_KEY, os.urandom) as store:
        with store.writing() as writer:
            writer.put_session(session.record)
        while True:
            seal, entries = session.write_all([(stream, organisation.entropy(300)) for stream in streams])
            with store.writing() as writer:
                writer.put_seal(seal)
                (*_, (_, last)) = writer.append(entries, state=UploadState.PENDING)
                writer.put_value("written", b"%d" % (last + 1))
            sys.stdout.write(f"{last + 1}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), int(sys.argv[2]))
