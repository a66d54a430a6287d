"""The mutation campaign: one case after the other, each named so that it can be run again alone.

    assert attempt("7/10400/officer/edited_seq/3") is None

is attack `edited_seq`, the third of its kind, on the officer's view of the world of seed 7 with 10,400 entries.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache

from sync_protocol.verification import verify
from tests.support.audit_entry_tampering import ENTRY_ATTACKS
from tests.support.audit_insiders import INSIDER_ATTACKS
from tests.support.audit_log_tampering import LEAF_ATTACKS
from tests.support.audit_note_tampering import NOTE_ATTACKS
from tests.support.audit_record_tampering import RECORD_ATTACKS
from tests.support.audit_source import MemorySource
from tests.support.audit_tampering import Attack, Tampering
from tests.support.audit_world import World, audit_world
from tests.support.soak_results import FOLDER, write_down

VIEWS: dict[str, Callable[[World], MemorySource]] = {
    "evidence": World.evidence,
    "officer": lambda world: world.evidence(log=False),
    "relay": World.relay_view,
    "kit": lambda world: world.device_view("kit-2"),
    "doctor": lambda world: world.device_view("doctor-3"),
}
"""Whose evidence is tampered with."""
ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (*ENTRY_ATTACKS, *INSIDER_ATTACKS, *RECORD_ATTACKS, *LEAF_ATTACKS, *NOTE_ATTACKS)
}
"""Every attack that must be found."""
WITH_THE_LOG = ("evidence",)
WITH_RECEIPTS = ("evidence", "officer", "kit")


def views_for(attack: Attack) -> tuple[str, ...]:
    """The views that hold what an attack is on."""
    if attack in LEAF_ATTACKS:
        return WITH_THE_LOG
    return WITH_RECEIPTS if attack in NOTE_ATTACKS else tuple(VIEWS)


@lru_cache(maxsize=12)
def view_of(seed: int, size: int, name: str) -> MemorySource:
    """A view of a world, kept for the test session."""
    return VIEWS[name](audit_world(seed, size))


def cases(seed: int, size: int) -> Iterator[str]:
    """Names of cases on one world, without end: every attack in turn, on views by chance."""
    rng = random.Random(f"cases/{seed}")
    names = sorted(ATTACKS)
    rng.shuffle(names)
    for number in itertools.count():
        name = names[number % len(names)]
        yield f"{seed}/{size}/{rng.choice(views_for(ATTACKS[name]))}/{name}/{number}"


def tampered(case: str) -> Tampering | None:
    """The evidence of a case; None where the view has nothing that this attack could be on."""
    seed, size, view, attack, _ = case.split("/")
    source = view_of(int(seed), int(size), view)
    return ATTACKS[attack](source, audit_world(int(seed), int(size)), random.Random(case))


def attempt(case: str) -> str | None:
    """Run one case: what is wrong with what was found, or None."""
    tampering = tampered(case)
    return None if tampering is None else tampering.problem(verify(tampering.source))


def sum_up() -> None:
    """Put the parts of a campaign together; whichever part ends last sees all of them."""
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("audit_campaign-*.json"))]
    tally: Counter[str] = Counter()
    for part in parts:
        tally.update(part["cases"])
    problems = {case: problem for part in parts for case, problem in part["problems"].items()}
    write_down(
        "audit_campaign",
        {
            "commits": sorted({str(part["commit"]) for part in parts}),
            "seeds": [part["seed"] for part in parts],
            "mutations": tally.total(),
            "cases": dict(sorted(tally.items())),
            "problems": problems,
        },
    )
