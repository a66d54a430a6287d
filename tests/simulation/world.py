"""One simulated world: its machines, its scheduler, its trace; everything that happens follows from the seed.

Owns who acts when, and that acts interleave: while a device waits for a frame, another may act, or the world may go
wrong. Refuses to know what the acts and faults are (see `acts`, `faults`, `hostile`), what is right (`checkers`), and
what an end and a start of a machine are (`power`).
"""

from __future__ import annotations

import hashlib
import random
import shutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.errors import StoreError
from edge_runtime.transports.link import unreachable
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, ledger_id
from sync_protocol.errors import ExplainedError, MisuseError
from sync_protocol.ids import BlobId, SessionId, StreamId
from tests.simulation.clock import Time
from tests.simulation.device import SimDevice
from tests.simulation.disk import Crash
from tests.simulation.network import RelayLink, Sky, Weather, calm, chanced
from tests.simulation.oracle import Oracle
from tests.simulation.power import fell, wake
from tests.simulation.relay import ADDRESS, SimRelay
from tests.simulation.template import ADMIN, PEOPLE, Template

if TYPE_CHECKING:
    from tests.simulation.attaching import Attached

DEPTH_MAX: Final = 2
"""Acts within acts."""
_MEANWHILE: Final = 0.05
"""The chance that somebody acts while a device waits for a frame."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that may happen in a step.

    Attributes:
        weight: how often, beside the others.
        run: does it; told the world and the device that acts.
    """

    name: str
    weight: float
    run: Callable[[World, SimDevice], None]


class World:
    """One world.

    Attributes:
        ledgers: the streams of the devices' own audit, which grow with every sync.
        principals: who they are in records.
        ids: the devices' own ids, by the simulation's names for them.
        devices: by name; a thief's copy is one of them from the theft on.
        relay: the one that is meant; `other` is the second copy while the view is split.
        oracle: the books.
        restored: devices that came back as an older copy of themselves.
        unnoticed: those of them that could not tell.
        stolen: devices that were stolen, with the relay's time of that.
        attached: every file that was attached, by its blob.
        acts, thieving: what devices may do, and what a thief may.
        healing: nothing goes wrong any more.
    """

    def __init__(self, template: Template, folder: Path, seed: int, *, keep_trace: bool = False) -> None:
        template.copy(folder)
        self.template = template
        self.folder = folder
        self.seed = seed
        self.rng = random.Random(f"world/{seed}")
        self.time = Time(template.now_ms)
        self.oracle = Oracle()
        self.healing = False
        self.depth = 0
        self.step = 0
        self.trace = hashlib.sha256()
        self.lines: list[str] | None = [] if keep_trace else None
        self.sky = Sky(self.time, self.rng, fault=self.fault, seen=self.seen, meanwhile=self.meanwhile)
        self.acts: list[Act] = []
        self.relay = self._relay("relay")
        self.other: SimRelay | None = None
        self.sides: set[str] = set()
        self.ledgers: set[StreamId] = set()
        self.devices = {name: self.machine(name) for name in (ADMIN, *PEOPLE)}
        self.copies: dict[str, Path] = {}
        self.restored: set[str] = set()
        self.unnoticed: set[str] = set()
        self.stolen: dict[str, int] = {}
        self.stolen_at_ms = 0
        self.attached: dict[BlobId, Attached] = {}
        self.thieving: list[Act] = []
        self.relay.start()
        for device in self.devices.values():
            device.start()
        identities = {name: device.runtime.identity for name, device in self.devices.items()}
        self.ids = {name: identity.certificate.device for name, identity in identities.items()}
        self.principals = {name: identity.principal for name, identity in identities.items()}
        self.ledgers = {
            audit_stream(ledger_id(identity.principal), LEDGER_DOCUMENT) for identity in identities.values()
        }
        for device in self.devices.values():
            self.note(device)

    def close(self) -> None:
        """Stop everything and remove its files."""
        for device in self.devices.values():
            device.stop()
        for relay in (self.relay, self.other):
            if relay is not None:
                relay.stop()
        shutil.rmtree(self.folder)

    def machine(self, name: str, *, key_of: str | None = None) -> SimDevice:
        """A device's machine; it does not run yet. A thief's opens with the key of what was stolen."""
        return SimDevice(
            name,
            self.folder / name,
            time=self.time,
            seed=f"{self.seed}/{name}",
            fault=self.fault,
            dial=self.dial,
            acknowledged=self.note,
            key_of=key_of,
        )

    def _relay(self, name: str) -> SimRelay:
        return SimRelay(
            self.folder / name,
            self.template.organisation,
            time=self.time,
            seed=f"{self.seed}/{name}",
            fault=self.fault,
        )

    def split(self) -> SimRelay:
        """A second copy of the relay's machine; it does not run yet."""
        self.other = self._relay("relay-b")
        return self.other

    # ------------------------------------------------------------------------------------------------ what is seen

    def fault(self, kind: str) -> None:
        """A fault happened."""
        self.oracle.fault(kind)
        self.say(f"fault {kind}")

    def fault_free(self, kind: str) -> None:
        """Something happened that is no fault and worth counting."""
        self.oracle.happened[kind] += 1

    def seen(self, frame: bytes) -> None:
        """A frame travels."""
        self.oracle.frame(frame)
        self.trace.update(hashlib.sha256(frame).digest())

    def say(self, line: str) -> None:
        """An event for the trace."""
        text = f"{self.step} {self.time.now_ms} {line}"
        self.trace.update(text.encode())
        if self.lines is not None:
            self.lines.append(text)

    def note(self, device: SimDevice) -> None:
        """A device acknowledged what it has stored since the last time."""
        books, name = self.oracle, device.name
        after, store = device.noted, device.store
        while after < store.size():
            page = store.arrivals(after=after, limit=512)
            for arrived in page:
                books.acknowledged[name].add(arrived.entry.hash)
                if books.entries.setdefault(arrived.entry.hash, arrived.entry) is arrived.entry and device.hostile:
                    books.hostile.add(arrived.entry.hash)
                device.moved += arrived.entry.header.stream not in self.ledgers
            after = page[-1].index + 1
        device.noted = after

    # ------------------------------------------------------------------------------------------------- who may act

    def running(self) -> list[SimDevice]:
        """Devices that run, with nothing under way."""
        return [device for device in self.devices.values() if device.up and not device.busy]

    def author(self, session: SessionId) -> str:
        """Whose session that is, by the simulation's name."""
        for device in self.devices.values():
            if device.up:
                record = device.store.session(session)
                if record is not None:
                    certificate = device.runtime.identity.trust.certificate(record.value.certificate)
                    assert certificate is not None, "sessions are of known devices"
                    names = {one: name for name, one in self.ids.items()}
                    return names[certificate.value.device]
        return "nobody"

    def writers(self) -> list[str]:
        """The honest devices that run, by name."""
        return [device.name for device in self.honest() if device.up]

    def honest(self) -> list[SimDevice]:
        """Devices in their owners' hands."""
        return [device for device in self.devices.values() if not device.lost and not device.hostile]

    def dial(self, device: SimDevice) -> Any:
        """A device dials the relay.

        Raises:
            RemoteError: nobody answers.
        """
        relay = self.other if self.other is not None and device.name in self.sides else self.relay
        if device.cut_until_ms > self.time.now_ms or not relay.up:
            raise unreachable(ADDRESS, "no route")
        return RelayLink(self.sky, device, relay, self.weather())

    def weather(self) -> Weather:
        """What a new link is like."""
        return calm(self.rng) if self.healing else chanced(self.rng, self.fault)

    # --------------------------------------------------------------------------------------------------- the steps

    def run(self, steps: int) -> None:
        """Let so many steps pass."""
        for self.step in range(steps):
            self.time.passes(self.rng.randint(500, 90_000))
            wake(self)
            self._act()
            if self.oracle.failures:
                return

    def meanwhile(self, _device: SimDevice) -> None:
        """While a device waits for a frame, somebody may act."""
        if self.healing or self.depth >= DEPTH_MAX or self.rng.random() >= _MEANWHILE:
            return
        self._act()

    def guard(self, device: SimDevice, what: str, work: Callable[[], object]) -> str:
        """Let a device do something; how it ended. Whatever it meant to say to a person is not this world's concern."""
        try:
            work()
            outcome = "done"
        except MisuseError as error:
            outcome = "misuse"
            self.oracle.fail("no_bug", f"{what} by {device.name}: {error}\n{traceback.format_exc(limit=-12)}")
        except ExplainedError as error:
            outcome = error.code
        except Crash:
            outcome = "crash"
            fell(self, device)
        except Exception:
            outcome = "bug"
            self.oracle.fail("no_bug", f"{what} by {device.name}:\n{traceback.format_exc(limit=-14)}")
        self.say(f"{device.name} {what}: {outcome}")
        return outcome

    def operator(self, what: str, work: Callable[[], object]) -> str:
        """Let the relay's operator do something; how it ended."""
        try:
            work()
            outcome = "done"
        except ExplainedError as error:
            outcome = error.code
        except Crash:
            outcome = "crash"
            self.relay.fall()
        except Exception:
            outcome = "bug"
            self.oracle.fail("no_bug", f"{what} at the relay:\n{traceback.format_exc(limit=-14)}")
        self.say(f"operator {what}: {outcome}")
        return outcome

    def disown(self, device: SimDevice) -> None:
        """What only this device acknowledged does not count any more: it was restored, or is stolen."""
        self.oracle.acknowledged[device.name] = set()
        for attached in self.attached.values():
            if attached.by == device.name:
                attached.by = None

    def _act(self) -> None:
        ready = self.running()
        if not ready:
            return
        device = self.rng.choice(ready)
        acts = self.thieving if device.hostile else self.acts
        act = self.rng.choices(acts, weights=[one.weight for one in acts])[0]
        self.depth += 1
        try:
            act.run(self, device)
        except StoreError as error:  # beside what the act guards, such as the first look at a store after a start
            if error.code != "disk_full":
                raise
            self.say(f"{device.name} {act.name}: {error.code}")
        except Crash:  # the same
            for one in self.devices.values():
                if one.disk.ended and one.started:
                    fell(self, one)
        finally:
            self.depth -= 1
