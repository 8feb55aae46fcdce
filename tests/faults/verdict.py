"""
The judgement after faults: the same for every test and for the soak.

What was acknowledged is in the log, once, in an order that clients could see; read models are what
a rebuild makes of the log; and when all is stopped, nothing is left.
"""

import time
from typing import Final

from api.tokens import Role
from tests.acceptance.processes import run
from tests.faults.caller import Seen
from tests.faults.history import violations
from tests.faults.record import Logged
from tests.faults.workload import Workload
from tests.faults.world import OPERATOR, World

SETTLE_SECONDS_MAX: Final = 90.0
_LATE_SECONDS_MAX: Final = 60.0


def judge(world: World, workload: Workload, seen: Seen) -> tuple[list[str], list[Logged]]:
    """Let clients finish, look at all of it, and stop it; what is not as promised, and the log."""
    wrong = workload.settle(SETTLE_SECONDS_MAX)
    wrong += _wait_until_ready(world)
    log: list[Logged] = []
    if not wrong:
        log = world.log()
        wrong += _read_everything(world, workload, log)
        wrong += violations(workload.history.records, log)
        wrong += _check_read_models(world)
    wrong += seen.complaints
    wrong += world.close()
    if wrong:
        path = world.directory / "history.jsonl"
        workload.history.save(path, log)
        wrong.append(f"kept: {path}")
    return wrong, log


def _wait_until_ready(world: World) -> list[str]:
    wrong = []
    for number in range(len(world.servers)):
        client = world.client(OPERATOR, Role.OPERATOR, number)
        until = time.monotonic() + _LATE_SECONDS_MAX
        while (reply := client.get("/readyz")).status != 200 and time.monotonic() < until:
            time.sleep(0.05)
        if reply.status != 200:
            wrong.append(f"server {number} is not ready: {reply.body.decode()}")
        client.close()
    return wrong


def _read_everything(world: World, workload: Workload, log: list[Logged]) -> list[str]:
    """
    Every post once more, at least as fresh as the whole log: by its author and by two others in
    turn, at the servers in turn.
    """
    heads = {event.cell: event.position for event in log}
    until = time.monotonic() + _LATE_SECONDS_MAX
    readers = list({device.qq: device for device in workload.devices}.values())
    callers = {device.qq: device.caller.everywhere() for device in readers}
    for number, post in enumerate(workload.board.all):
        others = [device for device in readers if device.qq != post.author]
        chosen = [device for device in readers if device.qq == post.author]
        chosen += [others[number % len(others)], others[-1]]
        for device in chosen:
            at_each = callers[device.qq]
            while not device.read(post, heads, at_each[number % len(at_each)]):
                if time.monotonic() > until:
                    return [f"{post.id} cannot be read"]
    for at_each in callers.values():
        for caller in at_each:
            caller.close()
    return []


def _check_read_models(world: World) -> list[str]:
    place = ["--data-dir", str(world.data_dir)]
    if world.cluster is not None:
        place += ["--database-url", world.cluster.url]
    checked = run("replay", "check", *place, seconds=300)
    return [] if checked.returncode == 0 else [f"replay check: {checked.stdout}{checked.stderr}"]
