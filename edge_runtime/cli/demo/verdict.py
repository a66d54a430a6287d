"""What the demo claims, and whether it held: convergence, no loss, no leak, reviews, a trail that verifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.cli.demo.cast import PHRASES, ROLES, desk_secrets, emergency_secrets, secrets_of
from edge_runtime.cli.demo.leaks import Leak, Search, files, missed, plant
from edge_runtime.cli.demo.stage import Stage
from edge_runtime.cli.demo.wire import recordings
from edge_runtime.errors import EdgeError
from edge_runtime.identity import ORGANISATION_KEYS

REVIEWS_MIN: Final = 3
_COPIES_BYTES_MAX: Final = 512 * 1024
_PLAIN_TABLES: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""
"""Every table that has rows of its own: a partitioned one has them in its partitions."""
_KINDS: Final = ("relay/", "traffic/", "desk/", "traffic-desk/")
_COMPRESSION: Final = b"permessage-deflate"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the story.

    Attributes:
        answer: the object that `--json` prints.
        leaks: what the search found; names and places, never a secret.
    """

    answer: dict[str, Any]
    leaks: list[Leak]

    @property
    def ok(self) -> bool:
        """Whether every claim held."""
        return bool(self.answer["ok"])


@dataclass(frozen=True, slots=True)
class _Searched:
    """What the search for leaks came to."""

    answer: dict[str, Any]
    leaks: list[Leak]
    clean: bool


def judge(stage: Stage) -> Verdict:
    """Search for leaks, compare, count, and say whether every claim held."""
    facts, searched = stage.facts, _search(stage)
    states = list(facts.states.values())
    converged = len(states) == len(ROLES) and all(state == states[0] for state in states)
    reviews = [_review(review) for review in states[0]["reviews"] if review["open"]] if states else []
    claims = (
        converged,
        searched.clean,
        facts.verified,
        facts.acknowledged > 0,
        facts.unsent_at_kill > 0,
        facts.lost == 0,
        len(reviews) >= REVIEWS_MIN,
        facts.dictated.held,
        facts.stolen.held,
        facts.glass.held,
        facts.trail.held,
    )
    answer = {
        "ok": all(claims),
        "converged": converged,
        "devices": len(states),
        "leak": searched.answer,
        "audit": {"verified": facts.verified, "entries": facts.entries},
        "trail": facts.trail.to_json(),
        "kill": {"acknowledged": facts.acknowledged, "unsent": facts.unsent_at_kill, "lost": facts.lost},
        "dictated": facts.dictated.to_json(),
        "stolen": facts.stolen.to_json(),
        "glass": facts.glass.to_json(),
        "reviews": reviews,
        "seconds": facts.seconds | {"total": round(sum(facts.seconds.values()), 2)},
    }
    return Verdict(answer, searched.leaks)


def _search(stage: Stage) -> _Searched:
    """Look for every phrase and key in all that relay, desk and eavesdroppers hold; and show that it would be found."""
    phrases = {f"phrase {number}": phrase.encode() for number, phrase in enumerate(PHRASES, start=1)}
    keys = secrets_of(stage.devices.values(), (ORGANISATION_KEYS,))
    keys |= emergency_secrets(stage.token, stage.token_passphrase)
    desk = desk_secrets(stage.desk.home)  # which the desk may hold, and nobody else
    haystacks, at_desk = dict(_haystacks(stage)), dict(_desk_files(stage))
    needles = phrases | keys | desk
    leaks = Search(needles).look(haystacks.items()) + Search(phrases | keys).look(at_desk.items())
    everything = haystacks | at_desk
    copies = {place: bytearray(data[:_COPIES_BYTES_MAX]) for place, data in _samples(everything)}
    planted = plant(copies, needles)
    found = Search(needles).look((place, bytes(data)) for place, data in copies.items())
    control_caught = len(copies) == len(_KINDS) and not missed(planted, found)
    compressed = any(_COMPRESSION in data.lower() for place, data in haystacks.items() if place.startswith("traffic"))
    answer = {
        "phrases": len(phrases),
        "keys": len(keys | desk),
        "found": len(leaks) + compressed,
        "control_caught": control_caught,
        "searched_bytes": sum(map(len, everything.values())),
    }
    return _Searched(answer, leaks, clean=not leaks and not compressed and control_caught)


def _review(review: Mapping[str, Any]) -> dict[str, Any]:
    values = [
        {"display": value["display"], "role": value["author"]["role"], "device": value["author"]["device"]}
        for value in review["values"]
    ]
    return {"id": review["id"], "kind": review["kind"], "values": values}


def _haystacks(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """What whoever runs the relay has, and whoever listens."""
    yield from files(stage.relay.home, "relay")
    yield from ((f"relay/{path.name}", path.read_bytes()) for path in stage.folder.glob("relay.*"))
    for tape in stage.tapes:
        yield from recordings(tape)
    if stage.database_url is not None:
        yield from _tables(stage.database_url)


def _desk_files(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """What whoever runs the desk has."""
    yield from files(stage.desk.home, "desk")
    yield from ((f"desk/{path.name}", path.read_bytes()) for path in stage.folder.glob("desk.*"))


def _samples(haystacks: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """One file of each kind, the largest: the copies in which leaks are planted."""
    for kind in _KINDS:
        places = [place for place in haystacks if place.startswith(kind)]
        if places:
            largest = max(places, key=lambda place: len(haystacks[place]))
            yield f"copy of {largest}", haystacks[largest]


def _tables(database_url: str) -> Iterator[tuple[str, bytes]]:
    """Every row of a PostgreSQL relay, as the database writes it in binary form."""
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(database_url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
            rows = connection.execute(_PLAIN_TABLES).fetchall()
            for (name,) in rows:
                query = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(name))
                with connection.cursor().copy(query) as copy:
                    yield f"relay/table {name}", b"".join(copy)
    except psycopg.Error as error:
        raise EdgeError(
            "demo_database",
            expected="a PostgreSQL database that can be searched",
            got=type(error).__name__,
            do="check --database-url",
        ) from None
