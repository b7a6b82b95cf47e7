"""A preemption, with real SSH and real shell: the hook runs, the machine comes back by itself, and finds its files."""

from tests.e2e.conftest import NO_QUESTION, Laptop, Person, install
from tests.portal_process import ApiUser

HOOK = '#!/bin/sh\necho "step 41" > /home/jupyter/checkpoint\necho "saved as $(id -un)"\n'


def test_a_preempted_machine_saves_its_work_and_comes_back_by_itself(
    person: Person, equipped: Laptop, grace_api: ApiUser
) -> None:
    made = grace_api.create("returning", spot=True)
    before = grace_api.wait(made["id"], "running")
    wishes = {"wait_hours": 1, "restart_preempted": True}
    assert grace_api.call("PUT", f"/api/v1/workstations/{made['id']}/capacity", wishes).status == 200
    install(person, equipped, grace_api)
    hook = "cat > /home/jupyter/.on-preempt && chmod +x /home/jupyter/.on-preempt"
    equipped.ssh(*NO_QUESTION, "returning", hook, stdin=HOOK)
    # Google has none at first: the start waits, and tries again.
    for fault in ({"preset": "stock-out", "times": 1}, {"preset": "preempt"}):
        person.portal.cloud("POST", "/_emulator/faults", {**fault, "id": f"returning-{made['id']}$"})
    waiting = grace_api.wait(made["id"], "waiting_for_capacity", seconds=240)
    run = grace_api.wait_run(waiting["run_id"], "applied", "errored", seconds=240)
    after = grace_api.wait(made["id"], "running", seconds=60)

    assert (run["status"], run["kind"], run["requested_by"]) == ("applied", "start", None)
    assert (after["address"], after["host_keys"]) == (before["address"], before["host_keys"])
    assert equipped.ssh(*NO_QUESTION, "returning", "cat /home/jupyter/checkpoint") == "step 41\n"
    log = equipped.ssh(*NO_QUESTION, "returning", "cat /home/jupyter/.on-preempt.log").splitlines()
    assert log[0].startswith("Preempted at ")
    assert log[1].startswith("saved as ")
