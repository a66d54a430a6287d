"""An age is known only where it is beyond doubt on which side of every limit it lies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edge_runtime.clinical.scores.patient import AGE_LIMITS_YEARS, age_at
from tests.unit.edge_runtime.clinical.worlds import World, fact

TODAY = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (["1986-03-01"], 40),
        (["1986-03-02"], 39),
        (["1986"], 39),
        (["1986-03"], 39),
        (["2010-03-01"], 16),
        (["2010-03-02"], 15),
        (["2010"], None),
        (["2010-03"], None),
        (["2010-02"], 16),
        (["2010-04"], 15),
        (["2009-12"], 16),
        (["2000-02-29"], 26),
        (["2027"], None),
        (["2026-03-02"], None),
        (["0001"], 2024),
        (["9999-12"], None),
        (["9999"], None),
        (["1980-01-01", "1990-01-01"], 36),
        (["1980-01-01", "2015-01-01"], None),
        ([], None),
        ([None], None),
    ],
)
def test_age(born, age):
    """A year or month alone is enough where every day of it says the same; statements that differ are all counted."""
    world = World()
    for one in born:
        world.writer().write(fact("identity", name="A", **({"birth_date": one} if one else {})))
    assert age_at(world.state().identity, TODAY) == age


def test_a_replaced_birth_date_does_not_count():
    """What was corrected is not the age."""
    world = World()
    writer = world.writer()
    first = writer.write(fact("identity", name="A", birth_date="2015-01-01"))
    writer.write(fact("identity", first, name="A", birth_date="1950-01-01"))
    assert age_at(world.state().identity, TODAY) == 76


def test_a_time_that_no_calendar_has_gives_no_age():
    """A clock beyond all calendars is no reason to fail."""
    assert age_at((), 2**60) is None
    assert AGE_LIMITS_YEARS == (1, 5, 8, 9, 16, 18)
