"""Measures once a minute what this machine does, and tells the portal: by a post, or else in a guest attribute.

Runs as root with the image's own Python (3.8 or newer) and nothing else; startup_agent.sh starts it. It reads /proc,
asks nvidia-smi and who, and sends numbers, the names of users and of processes, never their arguments. What it cannot
measure it sends as null, which the portal takes for unknown.
"""

import json
import os
import re
import signal
import time
from pathlib import Path
from threading import Thread

from agent_gpus import GpuWatch, gpus, has_nvidia
from agent_notices import show
from agent_portal import post
from agent_readings import Reading, cpu_percent, describe, is_kernels, known, memory, rates, run, spent, words

PID = Path(__file__).with_name("pid")
METADATA = "http://metadata.google.internal/computeMetadata/v1/instance"
MINUTE = 60
LONGEST = 2000
"""Of a record, in bytes. Guest attributes are meant for little."""
MINUTES = 10
"""So many are in each record, for a portal that reads late."""
SHELLS = {"bash", "csh", "dash", "fish", "ksh", "login", "sh", "su", "sudo", "tcsh", "zsh"}
KERNELS = re.compile(rb"ipykernel|IRkernel")
WITHOUT_TERMINAL = re.compile(rb"sshd[^:]*: (\S+)@notty")
WHO = re.compile(r"(\S+)\s+(\S+)\s.*\s(\.|old|\d+:\d\d)\s+\d+(\s+\(.*\))?$")


def busiest(before, after):
    own = str(os.getpid())
    others = [each for each in after.processes.values() if own not in (each.pid, each.parent) and not is_kernels(each)]
    most = max(others, key=lambda each: spent(before, each), default=None)
    return most and describe(most, before, after)


def logins(after):
    """Whoever has a terminal, with its idle time, and connections without one, such as an editor's."""
    said = run("who", "-u")
    found = [
        {"user": user, "idle": 0 if idle == "." else 86400 if idle == "old" else minutes(idle)}
        for user, _, idle, _ in (match.groups() for match in map(WHO.match, said.splitlines()) if match)
    ]
    titles = [each.arguments for each in after.processes.values() if each.name.startswith("sshd")]
    users = [match.group(1) for match in map(WITHOUT_TERMINAL.match, titles) if match]
    return [*found, *({"user": user.decode(errors="replace"), "idle": None} for user in users)]


def minutes(clock):
    hours, _, rest = clock.partition(":")
    return 60 * (60 * int(hours) + int(rest))


def multiplexers(after):
    """Panes of tmux and windows of screen: what their shells have started, if anything."""
    children = {}
    for each in after.processes.values():
        children.setdefault(each.parent, []).append(each)
    found = []
    for server in after.processes.values():
        kind = {"tmux: server": "tmux", "screen": "screen"}.get(server.name)
        for pane in children.get(server.pid, []) if kind else []:
            if pane.name != server.name:
                job = job_of(pane, children)
                found.append({"kind": kind, "job": job, "has_job": job is not None})
    return found


def job_of(process, children):
    if process.name not in SHELLS:
        return process.name
    return next((job for child in children.get(process.pid, []) if (job := job_of(child, children))), None)


def kernels(before, after):
    """How many Jupyter kernels there are, and how many of them computed: more than 1% of a core."""
    found = [each for each in after.processes.values() if not is_kernels(each) and KERNELS.search(each.arguments)]
    busy = [each for each in found if spent(before, each) > (after.at - before.at) / 100]
    return len(found), len(busy)


def measure(watch, before, after):
    """The record, and its numbers in the portal's order, without their time."""
    elapsed = after.at - before.at
    read_rate, write_rate = known(rates, before.disks, after.disks, elapsed) or (None, None)
    received, sent = known(rates, before.network, after.network, elapsed) or (None, None)
    used, total = known(memory) or (None, None)
    open_kernels, busy_kernels = known(kernels, before, after) or (None, None)
    record = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(after.at)),
        "cpu": known(lambda: round(cpu_percent(before, after), 1)),
        "load": known(lambda: float(words("loadavg")[0][0])),
        "memory_used": used,
        "memory_total": total,
        "disk_read": whole(read_rate),
        "disk_written": whole(write_rate),
        "received": whole(received),
        "sent": whole(sent),
        "gpus": known(gpus, watch, before, after) if has_nvidia() else [],
        "logins": known(logins, after),
        "multiplexers": known(multiplexers, after),
        "kernels": open_kernels,
        "busy_kernels": busy_kernels,
        "busiest": known(busiest, before, after),
    }
    return record, numbers(record)


def whole(number):
    return None if number is None else round(number)


def numbers(record):
    """As app/models/activity.py names them: gpu, cpu, memory, disk, received, sent, typed, jobs."""
    return [
        most_of_gpus(record["gpus"]),
        record["cpu"],
        known(lambda: round(100 * record["memory_used"] / record["memory_total"], 1)),
        known(lambda: record["disk_read"] + record["disk_written"]),
        record["received"],
        record["sent"],
        typed(record["logins"]),
        known(lambda: sum(each["has_job"] for each in record["multiplexers"]) + record["busy_kernels"]),
    ]


def most_of_gpus(found):
    uses = [gpu["use"] for gpu in found or []]
    most = max((use for use in uses if use is not None), default=None)
    # One that is unknown may have been busy, unless another is known to be.
    return most if None not in uses or (most or 0) > 0 else None


def typed(found):
    if found is None:
        return None
    idle = [each["idle"] for each in found]
    if any(each is not None and each < MINUTE for each in idle):
        return 1
    return None if None in idle else 0


def tell(text):
    """Post the record, and show what the portal answers; or else publish it as a guest attribute."""
    answer = post("activity", f'{{"record": {text}}}')
    if answer is not None:
        known(show, answer)
        return
    curl = ("curl", "--silent", "--fail", "--noproxy", "*", "--max-time", "5")
    header = ("--header", "Metadata-Flavor: Google", "--request", "PUT", "--data-binary", text)
    run(*curl, *header, f"{METADATA}/guest-attributes/stationmaster/activity")


def compact(record, past):
    """As JSON, with as many minutes as fit; then with fewer details."""
    for count in range(len(past), -1, -1):
        text = json.dumps({**record, "minutes": past[:count]}, separators=(",", ":"))
        if len(text) <= LONGEST:
            return text
    return json.dumps({**record, "gpus": None, "logins": None, "multiplexers": None}, separators=(",", ":"))


def wait_for_minute(watch):
    """Sample the GPUs until the next minute begins, or somebody wants to know now (SIGUSR1)."""
    end = (time.time() // MINUTE + 1) * MINUTE
    is_over = False
    while not is_over:
        interval = watch.interval if watch else MINUTE
        is_over = signal.sigtimedwait({signal.SIGUSR1}, max(0, min(interval, end - time.time()))) is not None
        is_over = is_over or time.time() >= end
        if watch:
            watch.sample()


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    watch = GpuWatch() if has_nvidia() else None
    if watch:
        watch.sample()
    before, past = Reading(), []
    # Only now: a signal before would have ended it.
    PID.write_text(str(os.getpid()))
    while True:
        if watch:
            watch.most = None
        wait_for_minute(watch)
        # Rates over less than a second say nothing.
        time.sleep(max(0, before.at + 1 - time.time()))
        after = Reading()
        record, of_minute = measure(watch, before, after)
        if abs(after.at - before.at - MINUTE) < 5:
            past = [[int(before.at // MINUTE), *of_minute], *past][:MINUTES]
        # Beside the measuring: a portal that does not answer would delay the GPU's next sample too long.
        Thread(target=tell, args=(compact(record, past),), daemon=True).start()
        before = after


if __name__ == "__main__":
    main()
