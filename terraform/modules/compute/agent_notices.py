"""Shows what the portal has this machine say: in terminals, before the next prompt and at login. Part of agent.py."""

import json
from pathlib import Path

from agent_readings import run

FOLDER = Path(__file__).parent.parent
"""Where startup_prompt.sh and startup_banner.sh read what is written here."""
LONGEST = 300
MOST = 5


def show(answer):
    """Take in the portal's answer to a post. A warning is shown in terminals once."""
    said = json.loads(answer)
    banner = [printable(line) for line in said["banner"][:MOST]]
    warnings = [(printable(each["id"]).replace(" ", ""), printable(each["text"])) for each in said["warnings"][:MOST]]
    write("banner", "".join(f"{line}\n" for line in banner))
    write("warnings", "".join(f"{id_} {text}\n" for id_, text in warnings))
    shown = FOLDER / "warned"
    known = shown.read_text().split() if shown.exists() else []
    for id_, text in warnings:
        if id_ not in known:
            run("wall", stdin=f"{text}\n")
    write("warned", "".join(f"{id_}\n" for id_, _ in warnings))


def printable(text):
    """On one line, and without what would steer a terminal."""
    return "".join(each for each in str(text) if each.isprintable())[:LONGEST]


def write(name, text):
    """In one step: shells read it at any time."""
    draft = FOLDER / f"{name}.new"
    draft.write_text(text)
    draft.replace(FOLDER / name)
