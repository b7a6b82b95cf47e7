"""How long a machine may run before Google stops it: https://cloud.google.com/compute/docs/instances/limit-vm-runtime.

The limit stays when the machine is stopped; the time at which it is reached is set whenever the machine begins to run.
"""

from datetime import datetime, timedelta

from emulator.core.attachments import first
from emulator.core.clock import rfc3339
from emulator.core.errors import CloudError, invalid_field
from emulator.core.store import CloudResource, Json
from emulator.rules.base import Context

SHORTEST, LONGEST = timedelta(seconds=30), timedelta(days=120)
TERMINATES = "terminates"
"""Google's `terminationTimestamp`, beside a machine's status."""


def limit_of(state: Json) -> timedelta | None:
    """The limit in Terraform's state of a machine; None if it has none."""
    seconds = int(first(first(state, "scheduling"), "max_run_duration").get("seconds") or 0)
    return timedelta(seconds=seconds) if seconds else None


def check_limit(state: Json) -> None:
    """Raises CloudError for a limit that Google does not have. The wording is not Google's, which is not known."""
    limit, block = limit_of(state), first(state, "scheduling")
    if limit is None:
        return
    if not SHORTEST <= limit <= LONGEST:
        text = "The value must be from 30 seconds to 120 days."
        raise invalid_field("resource.scheduling.maxRunDuration", int(limit.total_seconds()), text)
    if not block.get("instance_termination_action"):
        text = "A machine with a time limit needs an instance termination action."
        raise invalid_field("resource.scheduling.instanceTerminationAction", "", text)


def begin(context: Context, machine: CloudResource) -> None:
    """The machine runs from now on. One that was reset goes on with its time."""
    limit = limit_of(machine.state)
    if limit and not machine.cloud.get(TERMINATES):
        machine.cloud[TERMINATES] = rfc3339(context.clock() + limit)


def end(machine: CloudResource) -> None:
    """The machine is stopped or suspended."""
    machine.cloud[TERMINATES] = None


def is_over(context: Context, machine: CloudResource) -> bool:
    """Whether Google is to stop it now."""
    at = str(machine.cloud.get(TERMINATES) or "")
    return machine.cloud["status"] == "RUNNING" and bool(at) and datetime.fromisoformat(at) <= context.clock()


def bring_forward(context: Context, machine: CloudResource, to: timedelta) -> None:
    """Have the limit of a machine that has one be reached so soon."""
    if machine.cloud.get(TERMINATES):
        machine.cloud[TERMINATES] = rfc3339(context.clock() + to)
        context.store.put(machine)


def set_scheduling(context: Context, machine: CloudResource, body: Json) -> None:
    """The call instances.setScheduling: what the body leaves out stays, and null removes it.

    Raises CloudError unless the machine is stopped.
    """
    if machine.cloud["status"] != "TERMINATED":
        # https://cloud.google.com/compute/docs/reference/rest/v1/instances/setScheduling; the wording is not known.
        raise CloudError(400, "Scheduling can be set on a stopped instance only.", "badRequest")
    block = dict(first(machine.state, "scheduling"))
    if "instanceTerminationAction" in body:
        block["instance_termination_action"] = body["instanceTerminationAction"] or ""
    if "maxRunDuration" in body:
        duration = body["maxRunDuration"]
        block["max_run_duration"] = [{"seconds": int(duration["seconds"]), "nanos": 0}] if duration else []
    check_limit({"scheduling": [block]})
    machine.state["scheduling"] = [block]
    context.store.put(machine)


def view(state: Json) -> Json | None:
    """As the Compute Engine API shows it; None without a limit."""
    limit = limit_of(state)
    return {"seconds": str(int(limit.total_seconds()))} if limit else None
