"""What the demo claims, and whether it held: convergence, no loss, no leak, reviews, a trail that verifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge_runtime.cli.demo.cast import PHRASES, ROLES, secrets_of
from edge_runtime.cli.demo.leaks import Leak, Search, files, missed, plant
from edge_runtime.cli.demo.story import Story
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


def judge(story: Story, *, database_url: str | None) -> Verdict:
    """Search for leaks, compare, count, and say whether every claim held."""
    facts = story.facts
    phrases = {f"phrase {number}": phrase.encode() for number, phrase in enumerate(PHRASES, start=1)}
    keys = secrets_of(story.devices.values(), (ORGANISATION_KEYS,))
    haystacks = dict(_haystacks(story, database_url))
    needles = phrases | keys
    leaks = Search(needles).look(haystacks.items())
    copies = {place: bytearray(data[:_COPIES_BYTES_MAX]) for place, data in _samples(haystacks)}
    planted = plant(copies, needles)
    found = Search(needles).look((place, bytes(data)) for place, data in copies.items())
    control_caught = bool(planted) and not missed(planted, found)
    compressed = any(_COMPRESSION in data.lower() for place, data in haystacks.items() if place.startswith("traffic/"))
    states = list(facts.states.values())
    converged = len(states) == len(ROLES) and all(state == states[0] for state in states)
    reviews = [_review(review) for review in states[0]["reviews"] if review["open"]] if states else []
    leak = {
        "phrases": len(phrases),
        "keys": len(keys),
        "found": len(leaks) + compressed,
        "control_caught": control_caught,
    }
    leak["searched_bytes"] = sum(map(len, haystacks.values()))
    kill = {"acknowledged": facts.acknowledged, "unsent": facts.unsent_at_kill, "lost": facts.lost}
    claims = (
        converged,
        not leaks and not compressed,
        control_caught,
        facts.verified,
        facts.acknowledged > 0,
        facts.unsent_at_kill > 0,
        facts.lost == 0,
        len(reviews) >= REVIEWS_MIN,
        facts.trail.held,
    )
    answer = {
        "ok": all(claims),
        "converged": converged,
        "devices": len(states),
        "leak": leak,
        "audit": {"verified": facts.verified, "entries": facts.entries},
        "trail": facts.trail.to_json(),
        "kill": kill,
        "reviews": reviews,
        "seconds": facts.seconds | {"total": round(sum(facts.seconds.values()), 2)},
    }
    return Verdict(answer, leaks)


def _review(review: Mapping[str, Any]) -> dict[str, Any]:
    values = [
        {"display": value["display"], "role": value["author"]["role"], "device": value["author"]["device"]}
        for value in review["values"]
    ]
    return {"id": review["id"], "kind": review["kind"], "values": values}


def _haystacks(story: Story, database_url: str | None) -> Iterator[tuple[str, bytes]]:
    yield from files(story.relay.home, "relay")
    yield from ((f"relay/{path.name}", path.read_bytes()) for path in story.folder.glob("relay.*"))
    yield from recordings(story.traffic)
    if database_url is not None:
        yield from _tables(database_url)


def _samples(haystacks: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """One file of the relay and one recording, the largest of each: the copies in which leaks are planted."""
    for kind in ("relay/", "traffic/"):
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
