"""
Weather: servers are killed and stopped, clocks are moved, and leases are held twice.
"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.network import kill

if TYPE_CHECKING:
    from tests.simulation.history import History


async def weather(history: "History") -> None:
    """What a history's plan has of it, until it is cancelled."""
    if history.plan.kills == 0:
        return
    fate = history.fate
    while True:
        await asyncio.sleep(fate.expovariate(history.plan.kills))
        at = fate.randrange(len(history.servers))
        server = history.servers[at]
        match fate.choice(["kill", "kill", "stop", "clock", "leases"]):
            case "kill":
                history.outcome.kills += 1
                history.note(f"! server {at} is killed")
                kill(server)
                await asyncio.sleep(fate.random() ** 2 * 2)
                history.servers[at] = history.start(at)
                history.note(f"! server {at} is there again")
            case "stop":
                seconds = fate.random() ** 2 * 3
                history.note(f"! server {at} is stopped for {seconds:.2f}")
                server.process.stopped_until = history.loop.time() + seconds
            case "clock":
                skew = history.plan.temper.skew_seconds
                server.clock.skew = timedelta(seconds=fate.uniform(-skew, skew))
            case "leases":
                # Whoever held one believes so for a while: there are two of it now.
                history.ground.books.leases.clear()
            case other:
                raise AssertionError(other)
