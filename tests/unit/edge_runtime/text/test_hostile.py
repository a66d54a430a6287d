"""The named attacks on the engine: each is refused before it, for the reason that it is one.

The victim (client 7) wrote "dose 5😀"; the attacker (client 9) saw it and writes one update. Where the engine itself
makes such bytes, it made these.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pycrdt import Array, Doc, Map, Text, XmlFragment, XmlText

from edge_runtime.text.errors import Reason, UpdateRefusedError
from tests.unit.edge_runtime.text.encoder import (
    ANY,
    GC,
    SKIP,
    block,
    edit,
    gone,
    item,
    number,
    string,
    typed,
    update,
)
from tests.unit.edge_runtime.text.worlds import World

VICTIM, ATTACKER = 7, 9
VICTIMS_TEXT = edit(VICTIM, 0, typed("dose 5😀"))
LENGTH = 8


def made(write: Callable[[Doc], object]) -> bytes:
    """What the engine writes for the attacker who does this to a Doc that holds the victim's text."""
    doc: Doc = Doc(client_id=ATTACKER)
    doc.apply_update(VICTIMS_TEXT)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    with doc.transaction():
        write(doc)
    doc.unobserve(subscription)
    return updates[-1]


def nested_arrays(depth: int) -> bytes:
    """An Array root that holds arrays in arrays."""
    return edit(ATTACKER, 0, item(number(1) + b"\x75\x01" * depth + b"\x7e", ref=ANY, root="a"))


def _map(doc: Doc) -> None:
    doc.get("m", type=Map)["allergy"] = "none"


def _array(doc: Doc) -> None:
    doc.get("a", type=Array).append("\ufeff")


def _nested(doc: Doc) -> None:
    doc.get("a", type=Array).append(Array([1]))


def _formatted(doc: Doc) -> None:
    doc.get("text", type=Text).format(0, 4, {"bold": True})


def _embedded(doc: Doc) -> None:
    doc.get("text", type=Text).insert_embed(0, {"image": "x"})


def _binary(doc: Doc) -> None:
    doc.get("a", type=Array).append(b"\0")


def _subdocument(doc: Doc) -> None:
    doc.get("a", type=Array).append(Doc())


def _xml(doc: Doc) -> None:
    doc.get("x", type=XmlFragment).children.append(XmlText("x"))


def _other_root(doc: Doc) -> None:
    doc.get("plan", type=Text).insert(0, "x")


AFTER = (VICTIM, LENGTH - 1)
ATTACKS: dict[str, tuple[bytes, Reason]] = {
    "nesting of 26,500 arrays in 53 kB, which ends the process": (nested_arrays(26_500), Reason.CONTENT),
    "a GC overflow in 21 bytes, which panics": (
        edit(ATTACKER, 0, typed("ab"), bytes([GC]) + number(2**32 - 1)),
        Reason.CONTENT,
    ),
    "a GC block under the victim's client id, which hides later writes": (
        update([block(VICTIM, LENGTH, [bytes([GC]) + number(100)])]),
        Reason.CONTENT,
    ),
    "a skip block": (update([block(ATTACKER, 0, [bytes([SKIP]) + number(5)])]), Reason.CONTENT),
    "a delete of the victim's future clocks": (update([], {VICTIM: [(LENGTH, 100)]}), Reason.REFERENCE),
    "a string with U+FEFF in an Array, which hangs": (made(_array), Reason.CONTENT),
    "another's map key overwritten": (made(_map), Reason.CONTENT),
    "a map key under the victim's item": (
        edit(ATTACKER, 0, item(string("k") + string("x"), ref=4, origin=AFTER, bits=0x20)),
        Reason.CONTENT,
    ),
    "a nested type": (made(_nested), Reason.CONTENT),
    "a format mark": (made(_formatted), Reason.CONTENT),
    "an embed": (made(_embedded), Reason.CONTENT),
    "binary": (made(_binary), Reason.CONTENT),
    "a subdocument": (made(_subdocument), Reason.CONTENT),
    "XML": (made(_xml), Reason.CONTENT),
    "another root": (made(_other_root), Reason.PARENT),
    "crossed origins, which read differently after a reload": (
        edit(ATTACKER, 0, typed("x", (VICTIM, 4), (VICTIM, 1))),
        Reason.NEIGHBOURS,
    ),
    "a foreign client": (edit(VICTIM, LENGTH, typed("x", AFTER)), Reason.CLIENT),
    "a foreign client beside the own": (
        update([block(ATTACKER, 0, [typed("x", AFTER)]), block(VICTIM, LENGTH, [typed("y", AFTER)])]),
        Reason.CLIENT,
    ),
    "a clock gap": (edit(ATTACKER, 1, typed("x", AFTER)), Reason.CLOCK),
    "a split character": (edit(ATTACKER, 0, typed("x", (VICTIM, 6), (VICTIM, 7))), Reason.SURROGATE),
    "half a character deleted": (update([], {VICTIM: [(6, 1)]}), Reason.SURROGATE),
    "trailing bytes": (edit(ATTACKER, 0, typed("x", AFTER)) + b"\0", Reason.MALFORMED),
    "2^31 clocks burnt": (edit(ATTACKER, 0, gone(2**31 - 1, AFTER)), Reason.COUNT),
}


@pytest.mark.parametrize(("data", "reason"), ATTACKS.values(), ids=ATTACKS)
def test_is_refused(data: bytes, reason: Reason) -> None:
    """Every known attack is refused by shape or by its causal past, and none reaches the engine."""
    world = World((VICTIM, VICTIMS_TEXT))
    with pytest.raises(UpdateRefusedError) as refused:
        world.judge(ATTACKER, data)
    assert refused.value.reason is reason


def test_a_replayed_clock_is_refused() -> None:
    """A restored backup that types anew under old clocks would read differently on two devices for ever."""
    world = World((VICTIM, VICTIMS_TEXT), (ATTACKER, edit(ATTACKER, 0, typed("x", AFTER))))
    with pytest.raises(UpdateRefusedError) as refused:
        world.judge(ATTACKER, edit(ATTACKER, 0, typed("y", (ATTACKER, 0))))
    assert refused.value.reason is Reason.CLOCK


def test_why_neighbours_and_not_only_an_order() -> None:
    """Origins in order that skip a unit read differently by order of arrival in the engine, so they are refused."""
    a = edit(2, 0, typed("a"))
    b = edit(4, 0, typed("b", (2, 0)))
    c = edit(3, 0, typed("c", (2, 0)))
    skips_a = edit(3, 1, typed("d", None, (3, 0)))
    texts = []
    for delivery in ((a, b, c, skips_a), (a, c, skips_a, b)):
        doc: Doc[Text] = Doc()
        text = doc.get("text", type=Text)
        for data in delivery:
            doc.apply_update(data)
        texts.append(str(text))
    assert texts == ["adcb", "abdc"]
    world = World((2, a), (3, c))
    with pytest.raises(UpdateRefusedError) as refused:
        world.judge(3, skips_a)
    assert refused.value.reason is Reason.NEIGHBOURS


def test_a_byte_order_mark_in_a_text_is_text() -> None:
    """U+FEFF and NUL are ordinary characters of a Text; people paste them."""
    data = edit(ATTACKER, 0, typed("\ufeff\0", AFTER))
    world = World((VICTIM, VICTIMS_TEXT), (ATTACKER, data))
    doc: Doc[Text] = Doc()
    text = doc.get("text", type=Text)
    doc.apply_update(VICTIMS_TEXT)
    doc.apply_update(data)
    assert str(text) == world.order.text() == "dose 5😀\ufeff\0"
