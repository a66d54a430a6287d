"""The gate: bounded, fair, and it does not leak room."""

from __future__ import annotations

import asyncio
import random

import pytest

from server.relay.gate import Gate


def test_whoever_does_not_fit_waits():
    """Weights inside never exceed the capacity, and all get in."""

    async def run() -> None:
        gate, most, done = Gate(10), 0, 0

        async def work(weight: int) -> None:
            nonlocal most, done
            async with gate.entered(weight):
                most = max(most, gate.inside)
                await asyncio.sleep(0)
            done += 1

        await asyncio.gather(*(work(weight) for weight in (7, 4, 9, 1, 10, 3)))
        assert (most <= 10, done, gate.inside) == (True, 6, 0)

    asyncio.run(run())


def test_a_heavier_piece_than_the_gate_goes_in_alone():
    """A batch over the capacity is not locked out for ever."""

    async def run() -> None:
        gate = Gate(10)
        async with gate.entered(1000):
            assert gate.inside == 10

    asyncio.run(run())


def test_light_ones_do_not_overtake():
    """A heavy batch in front of the door gets its turn before lighter ones that came later."""

    async def run() -> list[str]:
        gate, order = Gate(10), []

        async def work(name: str, weight: int) -> None:
            async with gate.entered(weight):
                order.append(name)

        async with gate.entered(5):
            tasks = [asyncio.create_task(work(name, weight)) for name, weight in (("heavy", 8), ("light", 1))]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(run()) == ["heavy", "light"]


@pytest.mark.parametrize("seed", range(20))
def test_those_who_give_up_take_no_room_with_them(seed: int):
    """Cancelled while waiting, or at the very moment of being let in: in the end nothing is inside."""

    async def run() -> None:
        chance, gate = random.Random(seed), Gate(10)

        async def work() -> None:
            async with gate.entered(chance.randint(1, 10)):
                for _ in range(chance.randint(0, 3)):
                    await asyncio.sleep(0)

        tasks = [asyncio.create_task(work()) for _ in range(40)]
        for _ in range(60):
            await asyncio.sleep(0)
            chance.choice(tasks).cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert gate.inside == 0

    asyncio.run(run())
