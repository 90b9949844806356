import asyncio

import pytest

from tagifai.services.turns import CrowdedError, Turns


async def hold(turns, order, house, name, seconds=0.01):
    async with turns.turn(house, f"{house} {name}"):
        order.append(f"{house} {name}")
        await asyncio.sleep(seconds)


def test_members_take_turns_and_houses_do_not_wait_for_one_another():
    async def run():
        turns, order = Turns(1, 1, 10), []
        greedy = [hold(turns, order, "a", "greedy") for _ in range(4)]
        others = [hold(turns, order, "a", "other"), hold(turns, order, "b", "other")]
        await asyncio.gather(*greedy, *others)
        return order

    order = asyncio.run(run())
    assert order[:2] == ["a greedy", "b other"]
    assert order.index("a other") <= 3
    assert len(order) == 6


@pytest.mark.parametrize(("at_once", "of_house", "most"), [(2, 5, 2), (5, 3, 3)])
def test_so_many_turns_are_held_at_once(at_once, of_house, most):
    async def run():
        turns, running, seen = Turns(at_once, of_house, 10), set(), []

        async def one(number):
            async with turns.turn("a", "a"):
                running.add(number)
                seen.append(len(running))
                await asyncio.sleep(0.005)
                running.remove(number)

        await asyncio.gather(*(one(number) for number in range(8)))
        return seen

    assert max(asyncio.run(run())) == most


def test_who_waits_for_too_many_turns_of_a_thing_is_refused():
    async def run():
        turns, order = Turns(1, 1, 2), []
        told = await asyncio.gather(
            *(hold(turns, order, "a", "x") for _ in range(4)), return_exceptions=True
        )
        await hold(turns, order, "a", "x")
        return [type(one) for one in told if one is not None], len(order)

    assert asyncio.run(run()) == ([CrowdedError] * 2, 3)


def test_who_goes_away_leaves_the_turn_to_others():
    async def run():
        turns, order = Turns(1, 1, 10), []
        first = asyncio.create_task(hold(turns, order, "a", "first", 5))
        await asyncio.sleep(0)
        gone = [asyncio.create_task(hold(turns, order, "a", "gone")) for _ in range(2)]
        last = asyncio.create_task(hold(turns, order, "a", "last"))
        await asyncio.sleep(0)
        for task in (first, *gone):
            task.cancel()
        await asyncio.wait_for(last, 2)
        await asyncio.gather(first, *gone, return_exceptions=True)
        return order, turns

    order, turns = asyncio.run(run())
    assert order == ["a first", "a last"]
    assert not turns._lines
    assert not turns._running
    assert not turns._called
