"""One section's Doc in the CRDT engine, behind a port.

Owns the only import of pycrdt and what is peculiar to it: its offsets count UTF-8 bytes, its panics derive from
BaseException and poison the Doc, its whole-state updates hold every delete ever made. It takes admitted updates in
causal order and nothing else: bytes that were not screened can end the process.

A `Replica` that fails is dead and is thrown away. `InProcessReplica` is the default; where the platform lets a process
be started and killed, that of `worker` stands behind the same port and turns a hang or a crash into a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from pycrdt import Doc, Text, TransactionEvent

from edge_runtime.text.changes import ROOT
from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.splices import Splice, spliced

_READER: Final = 0
"""Client id of a Doc that only takes updates; it writes none, so none bears it."""


class Replica(Protocol):
    """Holds one Doc. Each method raises ReplicaFailedError when the engine fails; the replica is dead then."""

    @property
    def taken(self) -> int:
        """Updates that the engine bore, from the first; it may take some later than they were handed over."""
        ...

    def apply(self, update: bytes) -> None:
        """Take an admitted update; updates come in causal order, each once. It may fail at a later call instead."""

    def text(self) -> str:
        """The text now."""

    def edit(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Make the update of an edit by `client`, in one transaction, on a copy: this replica stays as it is."""


MakeReplica = Callable[[], Replica]


class InProcessReplica:
    """A Doc in this process: panics are caught, hangs are not. Belongs to the thread that made it."""

    def __init__(self) -> None:
        """Start empty."""
        self.taken = 0
        """Updates that the engine bore."""
        self._doc, self._text = _open(_READER)

    def apply(self, update: bytes) -> None:
        """Take an admitted update."""
        with _engine("apply an update"):
            self._doc.apply_update(update)
        self.taken += 1

    def text(self) -> str:
        """The text now."""
        with _engine("read the text"):
            return str(self._text)

    def edit(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Make the update of an edit by `client` on a copy."""
        with _engine("edit a copy"):
            doc, text = _open(client)
            doc.apply_update(self._doc.get_update())
            old = str(text)
            made: list[bytes] = []

            def keep(event: TransactionEvent) -> None:
                made.append(event.update)

            subscription = doc.observe(keep)
            with doc.transaction():
                for splice in reversed(splices):
                    at = len(old[: splice.start].encode())
                    if splice.end > splice.start:
                        del text[at : at + len(old[splice.start : splice.end].encode())]
                    if splice.text:
                        text.insert(at, splice.text)
            doc.unobserve(subscription)
            right = str(text) == spliced(old, splices)
        if len(made) != 1 or not right:
            raise _failure("one update that makes the new text", f"{len(made)}, text as wanted: {right}")
        return made[0]


class IdleReplica:
    """Stands in for the engine where our own order answers: it takes updates, and shows nothing."""

    def __init__(self) -> None:
        """Start empty."""
        self.taken = 0
        """Updates that were handed over."""

    def apply(self, update: bytes) -> None:  # noqa: ARG002 the port's
        """Take an admitted update."""
        self.taken += 1

    def text(self) -> str:
        """No text."""
        return ""

    def edit(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Edits are made where the text is shown."""
        raise _failure("an edit where the text is shown", f"one of {len(splices)} pieces by client {client}")


def _open(client: int) -> tuple[Doc[Text], Text]:
    doc: Doc[Text] = Doc(client_id=client)
    return doc, doc.get(ROOT, type=Text)


def _failure(expected: str, got: str) -> ReplicaFailedError:
    return ReplicaFailedError("text_engine", expected=expected, got=got, do="rebuild the Doc from its entries")


@contextmanager
def _engine(act: str) -> Iterator[None]:
    """Turn whatever the engine raises into ReplicaFailedError; its message may quote text and is dropped."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 pycrdt's PanicException derives from BaseException
        raise _failure(f"the engine to {act}", type(error).__name__) from None
