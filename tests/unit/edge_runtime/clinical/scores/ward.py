"""A document with observations at given minutes, for the scores that are taken from a chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.edge_runtime.clinical.worlds import World, fact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SET = {
    "9279-1": ("18", "/min"),
    "59408-5": ("97", "%"),
    "3151-8": ("0", "L/min"),
    "8480-6": ("120", "mm[Hg]"),
    "8867-4": ("72", "/min"),
    "67775-7": "Alert",
    "8310-5": ("36.8", "Cel"),
    "spo2-scale": ("1", ""),
}
"""A full set for NEWS2, that scores 0."""


def ms(minute):
    """Milliseconds since 1970 of a minute after noon."""
    return round((NOON + timedelta(minutes=minute)).timestamp() * 1000)


def when(minute):
    """A minute after noon, as a fact says it."""
    return (NOON + timedelta(minutes=minute)).isoformat()


def observed(code, result, minute=0, *supersedes, **payload):
    """An observation of a number with its unit, or of a finding."""
    said = {"finding": result} if isinstance(result, str) else {"value": result[0], "unit": result[1]}
    said = {name: value for name, value in said.items() if value} | {"text": "a sign", "effective": when(minute)}
    if code == "spo2-scale":
        said["system"] = "fieldward"
    return fact("observation", *supersedes, code=code, **(said | payload))


class Ward:
    """One writer at one document."""

    def __init__(self):
        """Start with nothing observed."""
        self.world = World()
        self.writer = self.world.writer("nurse")

    def observe(self, code, result, minute=0, *supersedes, **payload):
        """Write one observation; returns its placed fact."""
        return self.writer.write(observed(code, result, minute, *supersedes, **payload))

    def full_set(self, minute=0, **changes):
        """Write a full set, with other results for some codes; None leaves one out. Returns the facts by code."""
        results = SET | {name.removeprefix("c").replace("_", "-"): result for name, result in changes.items()}
        return {code: self.observe(code, result, minute) for code, result in results.items() if result is not None}

    @property
    def state(self):
        """The document."""
        return self.world.state()
