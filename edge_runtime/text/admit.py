"""Admission: what a screened update must satisfy against the causal past that its entry declares.

Owns the rules that need context, and nothing of local state: two devices that hold different entries answer alike,
since every question is put to the declared past. It accepts what an author who had exactly this past before their eyes
could have typed:

- its structs bear the client id of the entry's session, and the first clock follows that client's last in the past;
- an item stands between two neighbours of the past with the update's own earlier items in it; the root is declared;
- what it deletes lies in that past or in the update itself;
- no position and no end of a deleted range lies between the two halves of a character.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge_runtime.text.changes import ROOT, Admitted, DeleteRange, ItemId, Screened, Struct
from edge_runtime.text.errors import Reason, UpdateRefusedError
from edge_runtime.text.order import ItemOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitContext:
    """What an entry's own declarations say about where its update belongs.

    Attributes:
        client: client id of the entry's session in this Doc.
        past: state vector of the entry's causal past: each client's clock after its admitted updates there. A refused
            update consumes no clocks, so the author's next one starts where the refused one did.
        order: an order that holds at least the causal past; what else it holds is left out.
        root: name of the declared root type.
    """

    client: int
    past: Mapping[int, int]
    order: ItemOrder
    root: str = ROOT

    @property
    def next_clock(self) -> int:
        """The clock that the update's first unit must have."""
        return self.past.get(self.client, 0)


def admit(screened: Screened, context: AdmitContext) -> Admitted:
    """Check a screened update against the causal past of its entry.

    Args:
        screened: the update.
        context: from the entry's header and the uptake of its causal past.

    Raises:
        UpdateRefusedError: the update breaks a rule; `reason` says which.
    """
    own = _Own(screened, context)
    for struct in screened.structs:
        own.place(struct)
    for deleted in screened.deletes:
        own.delete(deleted)
    return Admitted(client=context.client, end=own.end, structs=screened.structs, deletes=screened.deletes)


class _Own:
    """The causal past with the update's own items so far; each was put between two neighbours, so links say it all."""

    def __init__(self, screened: Screened, context: AdmitContext) -> None:
        self._context = context
        self._links: dict[ItemId | None, ItemId | None] = {}
        self._second_halves = set(_second_halves(screened.structs))
        self.end = context.next_clock
        if not screened.structs:
            return
        first = screened.structs[0]
        if first.client != context.client:
            got = f"client {first.client}"
            raise UpdateRefusedError(Reason.CLIENT, expected=f"client {context.client}, its session's", got=got)
        if first.clock != context.next_clock:
            expected = f"clock {context.next_clock}, the session's next"
            raise UpdateRefusedError(Reason.CLOCK, expected=expected, got=f"clock {first.clock}")

    def place(self, struct: Struct) -> None:
        """Check one item's root, origins and boundaries, then put it between its neighbours."""
        origin, right_origin = struct.origin, struct.right_origin
        if struct.root is not None and struct.root != self._context.root:
            got = f"another name of {len(struct.root)} characters"
            raise UpdateRefusedError(Reason.PARENT, expected="the declared root type", got=got)
        if origin is not None:
            self._require_known(origin.client, origin.clock + 1)
            self._require_whole(ItemId(origin.client, origin.clock + 1))
        if right_origin is not None:
            self._require_known(right_origin.client, right_origin.clock + 1)
            self._require_whole(right_origin)
        if self._successor(origin) != right_origin:
            raise UpdateRefusedError(
                Reason.NEIGHBOURS,
                expected="a right origin that follows the origin in the entry's causal past",
                got=f"others at clock {struct.clock}",
            )
        self._links[origin] = ItemId(struct.client, struct.clock)
        self.end = struct.clock + struct.length
        self._links[ItemId(struct.client, self.end - 1)] = right_origin

    def delete(self, deleted: DeleteRange) -> None:
        """Check where a deleted range begins and ends."""
        end = deleted.clock + deleted.length
        self._require_known(deleted.client, end)
        self._require_whole(ItemId(deleted.client, deleted.clock))
        self._require_whole(ItemId(deleted.client, end))

    def _require_known(self, client: int, end: int) -> None:
        known = self.end if client == self._context.client else self._context.past.get(client, 0)
        if end > known:
            expected = f"clocks of client {client} below {known}, the causal past's end"
            raise UpdateRefusedError(Reason.REFERENCE, expected=expected, got=f"clock {end - 1}")

    def _require_whole(self, unit: ItemId) -> None:
        if unit in self._second_halves or (not self._is_own(unit) and self._context.order.splits_character(unit)):
            got = f"clock {unit.clock} of client {unit.client}, a second half"
            raise UpdateRefusedError(Reason.SURROGATE, expected="a boundary between characters", got=got)

    def _is_own(self, unit: ItemId) -> bool:
        return unit.client == self._context.client and unit.clock >= self._context.next_clock

    def _successor(self, after: ItemId | None) -> ItemId | None:
        if after in self._links:
            return self._links[after]
        if after is not None and self._is_own(after):
            return ItemId(after.client, after.clock + 1)
        return self._context.order.successor(after, self._context.past)


def _second_halves(structs: tuple[Struct, ...]) -> Iterator[ItemId]:
    for struct in structs:
        if struct.text is None or len(struct.text) == struct.length:
            continue
        clock = struct.clock
        for character in struct.text:
            clock += 1
            if character > "\uffff":
                yield ItemId(struct.client, clock)
                clock += 1
