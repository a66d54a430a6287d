"""The composition root of the device: opens a home, reads the clock, draws entropy, puts the rooms together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from edge_runtime.ai.models.folder import ModelFolder, models_folder
from edge_runtime.ai.models.journal import read_journal, since
from edge_runtime.connections import TIMEOUT_S, Connections
from edge_runtime.errors import StoreError, VaultError
from edge_runtime.events import Alarmed
from edge_runtime.identity import is_enrolled
from edge_runtime.rooms import Rooms
from edge_runtime.settings import Home, home_lock
from edge_runtime.store.device import DeviceStore
from edge_runtime.surroundings import Surroundings
from edge_runtime.text.worker import TextWorker, is_wanted
from edge_runtime.transports.http import HttpClient
from edge_runtime.transports.peer_link import DialledLink
from edge_runtime.transports.websocket import WebSocketLink
from edge_runtime.vault.attempts import counting, failed_attempts, forget_attempts
from edge_runtime.vault.file import create, open_vault
from edge_runtime.vault.passphrase import DEFAULT_COST, Cost, Passphrase

TEXT_WORKER: Final = "FIELDWARD_TEXT_WORKER"
"""Setting: 1 or 0, whether text that others wrote in is put together in a process of its own."""
_MODELS_RECORDED: Final = "models/recorded"
"""The last line of the models' journal that is in this home's audit trail: its id."""
_LASTING: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def clock() -> int:
    """The time in milliseconds since 1970, UTC; a clock before that reads 0, so that nobody is kept from writing."""
    return max(0, time.time_ns() // 1_000_000)


def awake_ms() -> int:
    """Milliseconds while the system was awake. Nobody can set it; only differences mean anything."""
    return time.monotonic_ns() // 1_000_000


def lasting_ms() -> int:
    """Milliseconds in all, sleep included. Where the system has no such clock, the one that can be set."""
    return time.clock_gettime_ns(_LASTING) // 1_000_000 if _LASTING is not None else clock()


def entropy(size: int) -> bytes:
    """That many random bytes of the operating system."""
    return os.urandom(size)


def system() -> Surroundings:
    """The system's clock, entropy and network."""
    return Surroundings(
        clock=lambda: clock(),  # noqa: PLW0108 the module's, whichever it is when it is asked
        entropy=entropy,
        pause=time.sleep,
        dial=lambda address: WebSocketLink(address, timeout_s=TIMEOUT_S),
        dial_peer=lambda address: DialledLink(address, timeout_s=TIMEOUT_S),
        http=lambda address: HttpClient(address, timeout_s=TIMEOUT_S),
    )


class Runtime(Rooms):
    """One device at work. Holds its home's lock until it is closed."""

    def __init__(
        self,
        home: Home,
        store: DeviceStore,
        surroundings: Surroundings | None = None,
        *,
        text_worker: bool = False,
    ) -> None:
        """Made by `open_home`; without surroundings it stands in the system's.

        Args:
            home: its home.
            store: its store, open.
            surroundings: what it asks for from outside.
            text_worker: whether text that others wrote in is put together in a process that can be killed.
        """
        worker = TextWorker(clock=awake_ms, report=self._alarm) if text_worker else None
        super().__init__(home, store, system() if surroundings is None else surroundings, worker)

    @property
    def connections(self) -> Connections:
        """What it exchanges with others."""
        return Connections(self)

    def check_passphrase(self, passphrase: str) -> None:
        """Check that somebody else who wants to use the open home knows its passphrase.

        Raises:
            VaultError: it is another, or the vault is damaged.
        """
        with counting(self.home.attempts, self.surroundings.clock):
            open_vault(self.home.vault, Passphrase(passphrase))
        self.record_failed_attempts()

    def record_unlocked(self, by: str) -> None:
        """Record that somebody opened this home, if it is enrolled.

        Raises:
            StoreError: it cannot be recorded.
        """
        if is_enrolled(self.store):
            self.auditor.unlocked(by)

    def record_failed_attempts(self) -> None:
        """Record attempts to open this home that failed since it was last opened, if it is enrolled.

        A store that cannot take the record keeps nobody out: the file says so until the next opening.
        """
        attempts = failed_attempts(self.home.attempts)
        if attempts is None or not is_enrolled(self.store):
            return
        with suppress(StoreError):
            self.auditor.unlock_failed(attempts)
            forget_attempts(self.home.attempts)

    def record_model_changes(self, environ: Mapping[str, str]) -> None:
        """Record what was changed about this device's models since this home was last open, if it is enrolled.

        A store that cannot take the record keeps nobody out: the next opening records it.
        """
        journal = read_journal(ModelFolder(models_folder(environ)).journal)
        if not journal.changes or not is_enrolled(self.store):
            return
        seen = self.store.get_value(_MODELS_RECORDED)
        new = since(journal, None if seen is None else seen.hex())
        if not new:
            return
        last = bytes.fromhex(new[-1].id)
        with suppress(StoreError):
            self.auditor.models_changed(new, lambda writer: writer.put_value(_MODELS_RECORDED, last))

    def _alarm(self, code: str) -> None:
        self.events.publish(Alarmed(code))


def has_vault(home: Home) -> bool:
    """Whether a device was ever set up there; a place that cannot be is no home."""
    try:
        return home.vault.exists()
    except OSError:
        return False


@contextmanager
def open_home(folder: Path, passphrase: str, *, make: bool = False, cost: Cost = DEFAULT_COST) -> Iterator[Runtime]:
    """Open a device's home for the length of a `with` block.

    Args:
        folder: the home.
        passphrase: opens the vault.
        make: create vault and store where there are none.
        cost: what a vault that is created will ask of each attempt to open it.

    Raises:
        StoreError: another process uses the home, or the store is damaged.
        VaultError: wrong passphrase, damaged vault, or no vault there.
    """
    home, keystore = Home(folder), Passphrase(passphrase, cost=cost)
    if make:
        home.make()
    elif not has_vault(home):  # before the lock, which would make the folder
        raise VaultError(
            "no_vault",
            expected=f"a vault at {home.vault}",
            got="no file",
            do="enrol this device first, or name its home with --home",
        )
    with home_lock(home):
        with counting(home.attempts, clock):
            new = make and not has_vault(home)
            key = create(home.vault, keystore, entropy) if new else open_vault(home.vault, keystore)
        store = DeviceStore(home.store, key, entropy, create=make)
        try:
            runtime = Runtime(home, store, text_worker=is_wanted(os.environ.get(TEXT_WORKER)))
            with closing(runtime):
                runtime.record_failed_attempts()
                runtime.record_model_changes(os.environ)
                yield runtime
                runtime.rest()
        finally:
            store.close()
