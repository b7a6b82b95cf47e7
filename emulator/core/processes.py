"""Ends groups of processes."""

import asyncio
import os
import signal


async def end_group(group: int, grace_s: float) -> None:
    """End the remaining processes of a group."""
    if not kill_group(group, signal.SIGTERM):
        return
    deadline = asyncio.get_running_loop().time() + grace_s
    while kill_group(group, 0):
        if asyncio.get_running_loop().time() > deadline:
            kill_group(group, signal.SIGKILL)
            return
        await asyncio.sleep(0.02)


def kill_group(group: int, number: int) -> bool:
    """Send a signal to a group; False if it has no processes."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
