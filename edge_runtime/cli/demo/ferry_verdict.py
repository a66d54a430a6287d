"""What the story `incident` claims, and whether it held: nobody lost, nobody silently downgraded.

The claims are judged by what each device printed at each moment, not by the rules that made it. Somebody was silently
downgraded if the end shows them less urgent than a phone did before, and what that phone stood on was not replaced by
anybody who had seen it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.cli.demo.ferry import EACH, KIT, LATE, LOST, PHONES, Ferry, Row, Seen
from edge_runtime.clinical.layout import Triage
from edge_runtime.clinical.reviews import ReviewKind

_URGENCY: Final = tuple(Triage)
_ALL: Final = EACH * len(PHONES)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, what was seen, and whether it held."""

    name: str
    words: str
    held: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the story."""

    claims: tuple[Claim, ...]
    seconds: dict[str, float]

    @property
    def ok(self) -> bool:
        """Whether every claim held."""
        return bool(self.claims) and all(claim.held for claim in self.claims)

    @property
    def answer(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        claims = [{"claim": one.name, "held": one.held, "seen": one.words} for one in self.claims]
        return {"ok": self.ok, "story": "incident", "claims": claims, "seconds": self.seconds}


def judge(stage: Ferry) -> Verdict:
    """Say of each claim whether it held."""
    seconds = stage.facts.seconds
    return Verdict(tuple(_claims(stage.seen)), seconds | {"total": round(sum(seconds.values()), 2)})


def silently_lowered(before: dict[str, Row], after: dict[str, Row]) -> list[str]:
    """The charts of those who are less urgent than before, where nobody who saw the reason replaced it."""
    found = []
    for chart, row in before.items():
        was, now = row["own"], after[chart]["category"] if chart in after else None
        known = {fact["id"] for fact in after[chart]["triage"]["history"]} if chart in after else set()
        replaced = all(fact["id"] in known for fact in row["triage"]["heads"])
        if was is not None and _urgency(now) < _urgency(was) and not replaced:
            found.append(chart)
    return found


def _urgency(category: str | None) -> int:
    return -1 if category is None else _URGENCY.index(Triage(category))


def _claims(seen: Seen) -> Iterator[Claim]:
    end = seen.last.get(KIT, {})
    there = [chart for chart in seen.made if chart in end and _is_whole(end[chart])]
    yield Claim(
        "nobody_lost",
        f"{len(there)} of {len(seen.made)} casualties stand on the kit's board, each with its chart",
        held=len(there) == len(seen.made) == len(end) == _ALL,
    )
    numbers = [chart for chart in seen.made if chart in end and seen.made[chart] in end[chart]["numbers"]]
    yield Claim(
        "numbers",
        f"{len(numbers)} kept the number on their tag; {len(seen.made) - len(numbers)} got another on purpose",
        held=len(numbers) == _ALL - 1,
    )
    sunk = [chart for chart in seen.by.get(LOST, ()) if chart in there]
    yield Claim(
        "lost_phone", f"{len(sunk)} of them came from the phone in the water, by another phone", held=len(sunk) == EACH
    )
    late = [chart for chart in seen.by.get(LATE, ()) if chart not in seen.kit_first and chart in there]
    yield Claim("late_phone", f"{len(late)} came with the phone that was late", held=len(late) == EACH)
    yield _agree(seen)
    yield from _triage_claims(seen)
    yield from _person_claims(seen, end)
    yield Claim("verified", "every chain and every seal on the kit verifies", held=seen.checked)


def _agree(seen: Seen) -> Claim:
    boards = [[_lasting(row) for row in board.values()] for board in seen.last.values()]
    same = len(boards) == len(PHONES) and all(board == boards[0] for board in boards)
    return Claim("same_everywhere", f"{len(boards)} devices show the same board, line by line", held=same)


def _triage_claims(seen: Seen) -> Iterator[Claim]:
    merged = seen.merged
    lowered = [chart for board in seen.apart.values() for chart in silently_lowered(board, merged)]
    compared = sum(map(len, seen.apart.values()))
    yield Claim(
        "nobody_silently_downgraded",
        f"{len(lowered)} silent downgrades in {compared} comparisons of a phone's board with the merged one",
        held=not lowered and compared >= _ALL,
    )
    dead = merged.get(seen.against.get("dead", ""), {})
    kinds = {review["kind"] for review in dead.get("reviews", ())}
    yield Claim(
        "black_beside_red",
        f"said red on one phone, black on another: shown {dead.get('colour')}, and a person is asked",
        held=dead.get("category") == Triage.IMMEDIATE and dead["disputed"] and ReviewKind.TRIAGE in kinds,
    )
    for name, words in (
        ("lowered", "lowered on one phone, red again on the other"),
        ("raised", "raised on one phone, green again on the other"),
    ):
        row = merged.get(seen.against.get(name, ""), {})
        yield Claim(name, f"{words}: shown {row.get('colour')}", held=row.get("category") == Triage.IMMEDIATE)
    yield Claim(
        "asked_first",
        "a phone refuses to make somebody less urgent until that is said in so many words",
        held=seen.refused == "would_lower",
    )


def _person_claims(seen: Seen, end: dict[str, Row]) -> Iterator[Claim]:
    merged = seen.merged
    asked = [_asks(merged[chart], ReviewKind.DUPLICATE_CASUALTY) for chart in seen.twins if chart in merged]
    still = [_asks(end[chart], ReviewKind.DUPLICATE_CASUALTY) for chart in seen.twins if chart in end]
    yield Claim(
        "one_tag_twice",
        "one tag on two people: both listed, a person asked, one has another number now",
        held=asked == [True, True] and still == [False, False],
    )
    joined = [end[one]["linked"] == [other] for one, other in seen.pairs if one in end]
    urgent = [end[one]["category"] == _more_urgent(end[one], end[other]) for one, other in seen.pairs if one in end]
    yield Claim(
        "linked",
        f"{sum(joined)} people had two numbers: {seen.patients} patients, each shown as the more urgent of both",
        held=len(joined) == len(seen.pairs) > 0 and all((*joined, *urgent)) and seen.patients == _ALL - len(joined),
    )
    apart = seen.undone is not None and all(not end.get(chart, {"linked": [""]})["linked"] for chart in seen.undone)
    yield Claim("unlinked", "two brothers, linked by mistake, are two patients again", held=apart)
    late = seen.last.get(LATE, {})
    named = [chart for chart, name in seen.names.items() if chart in late and late[chart]["names"] == [name]]
    yield Claim(
        "identified",
        f"{len(named)} names that were found out at the kit stand on the late phone, too",
        held=len(named) == len(seen.names) > 0,
    )


def _is_whole(row: Row) -> bool:
    return bool(row["registered"] and row["presence"] == "here" and row["numbers"])


def _asks(row: Row, kind: ReviewKind) -> bool:
    return any(review["kind"] == kind for review in row["reviews"])


def _more_urgent(one: Row, other: Row) -> str | None:
    found: str | None = max(one["own"], other["own"], key=_urgency)
    return found


def _lasting(row: Row) -> Row:
    """What of a row does not depend on the moment."""
    return {name: value for name, value in row.items() if name != "minutes_since"}
