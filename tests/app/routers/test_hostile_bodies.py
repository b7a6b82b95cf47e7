"""Every form and every JSON body, sent as no browser and no script sends it: a sentence comes back, nothing changes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.routing import compile_path

from app.models import Base
from tests.app.routers.access import Access
from tests.app.routers.forms_on_pages import NUMBER, TEXT, FormOnPage, Sent, forms_of, garbage, oddities, one_by_one
from tests.app.routers.world import TABLE, World, undone
from tests.stage import Stage

pytestmark = pytest.mark.anyio
FOR_ADMINS = {Access.ADMIN, Access.DECIDED, Access.FRESH_ADMIN}
SENTENCE = re.compile(r'class="[^"]*(?:field-error|callout-bad|error-card)[^"]*".*?[A-Z][^<>]{5,}[.]', re.DOTALL)
ALL_ROWS = " UNION ALL ".join(f"SELECT '{name}' || t::text FROM {name} t" for name in Base.metadata.tables)
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJz1Qn8uFTb9bX0p0Y0n1p0sXQ0v8Q7Yl6m0f0l3c1aB"
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/workstations": {"name": "dev-7", "machine_type": "e2-standard-4"},
    "PATCH /api/v1/workstations/{workstation_id}": {"machine_type": "e2-standard-8"},
    "POST /api/v1/workstations/{workstation_id}/machine": {"machine_type": "e2-standard-8"},
    "POST /api/v1/workstations/{workstation_id}/hand-over": {"owner": "linus@example.com"},
    "PUT /api/v1/workstations/{workstation_id}/office-hours": {
        "start": "09:00",
        "stop": "19:00",
        "days": ["mon"],
        "time_zone": "Europe/Berlin",
    },
    "PUT /api/v1/workstations/{workstation_id}/snapshots/daily": {"daily": True},
    "PUT /api/v1/workstations/{workstation_id}/capacity": {
        "wait_hours": 12,
        "restart_preempted": True,
        "moves_itself": True,
    },
    "PUT /api/v1/workstations/{workstation_id}/end-date": {"ends_on": "2026-03-31"},
    "PUT /api/v1/workstations/{workstation_id}/idle-stop": {"minutes": 120},
    "POST /api/v1/workstations/{workstation_id}/idle-stop/keep": {"hours": 4},
    "POST /api/v1/machine/activity": {"record": {"at": "2026-03-02T09:30:00Z"}},
    "POST /api/v1/machine/keep": {"minutes": 240},
    "POST /api/v1/runs/{run_id}/cancel": {},
    "POST /api/v1/runs/{run_id}/approve": {},
    "POST /api/v1/ssh-keys": {"name": "mine", "public_key": PUBLIC_KEY},
    "POST /api/v1/ssh-keys/generate": {"name": "mine"},
    "POST /api/v1/allowed-ips": {"cidr": "203.0.113.9", "label": "home"},
    "POST /api/v1/allowed-ips/{allowed_ip_id}/approve": {},
    "POST /api/v1/iam-admins": {"principal": "user:linus@example.com"},
    "PATCH /api/v1/members/{member_id}": {"role": "admin"},
    "POST /api/v1/bulk-actions": {"verb": "stop", "q": "status:running", "number": 1},
    "PATCH /api/v1/team": {"workstation_limit": 7},
    "PUT /api/v1/team/policy": {"grace_days": 14},
    "PATCH /api/v1/shared-stack": {"reason": "a word"},
}
"""Bodies in which all that has to be there is as it should be."""
NO_VALUES: tuple[Any, ...] = ("\0", "dev\0-1", "\ud800", TEXT, int(NUMBER[:4000]), 1e308, ["\0"], {"\0": "\0"})


@dataclass
class Attack:
    """Somebody who sends bodies, and what came of it that should not have."""

    world: World
    who: str
    before: list[str]
    found: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, world: World, who: str) -> "Attack":
        """Before anything is sent, and after they were last seen."""
        assert (await world.ask(who, "GET", "/api/v1/runs")).status_code == 200
        async with undone(world.app) as connection:
            return cls(world, who, await _rows(connection))

    async def send(self, method: str, path: str, word: str, sent: Sent, *, must_refuse: bool = False) -> None:
        """One request, undone afterwards."""
        said = f"{self.who}: {method} {path} with {word}"
        async with undone(self.world.app) as connection:
            person = self.world.people[self.who]
            answer = await person.request(method, path, **sent)
            if "form=" in answer.headers.get("location", ""):
                answer = await person.get(answer.headers["location"])
                for name in [name for name in person.cookies if name.startswith("stationmaster-form")]:
                    person.cookies.delete(name)
            if answer.status_code < 400 and 'role="alert"' not in answer.text:
                self.found += [f"{said}: {answer.status_code}"] if must_refuse else []
                return
            if answer.status_code >= 500 or not _says_why(answer.text):
                self.found.append(f"{said}: {answer.status_code} {answer.text[-300:]}")
            if await _rows(connection) != self.before:
                self.found.append(f"{said}: refused, and yet something has changed")


async def _rows(connection: AsyncConnection) -> list[str]:
    return sorted((await connection.scalars(text(ALL_ROWS))).all())


def _says_why(answer: str) -> bool:
    if answer.startswith("{"):
        return bool(json.loads(answer)["error"]["message"])
    return SENTENCE.search(answer) is not None


async def _forms(world: World, who: str) -> list[FormOnPage]:
    """Those on the pages that this person may see, each once, with the fields that it has on any of them."""
    found: dict[str, FormOnPage] = {}
    pages = [path for method, path in TABLE if method == "GET" and not path.startswith(("/api/", "/auth/"))]
    for path in pages:
        async with undone(world.app):
            answer = await world.ask(who, "GET", path)
        if answer.headers.get("content-type", "").startswith("text/html"):
            for form in forms_of(answer.text):
                known = found.setdefault(form.action, form)
                known.fields = {**form.fields, **known.fields}
    return list(found.values())


def _declared(app: FastAPI, template: str) -> dict[str, str]:
    """The fields that the route itself names."""
    contexts = iter_route_contexts(app.router.routes)
    [route] = [each for each in contexts if each.path == template and "POST" in (each.methods or ())]
    return {parameter.alias: "" for parameter in route.dependant.body_params}


async def _posted(world: World, who: str) -> list[FormOnPage]:
    """A form for every path that takes one: as it stands on a page, or else what its route names."""
    forms, found = await _forms(world, who), []
    for (method, template), access in TABLE.items():
        if method == "POST" and not template.startswith("/api/") and (access in FOR_ADMINS) is (who == "admin"):
            matching = [form for form in forms if compile_path(template)[0].match(form.action)]
            form = matching[0] if matching else FormOnPage(template.format(**world.ids), "post")
            found.append(FormOnPage(form.action, "post", {**_declared(world.app, template), **form.fields}))
    return found


@pytest.mark.parametrize("who", ["owner", "admin"])
async def test_no_form_breaks_anything(world: World, stage: Stage, who: str) -> None:
    kept = await stage.make("kept")
    await stage.carry_out((await stage.destroy(kept.id)).id)
    attack = await Attack.of(world, who)
    forms = await _posted(world, who)
    world.ids["workstation_id"] = kept.id
    forms += [form for form in await _posted(world, who) if form.action.endswith("/machine")]
    for form in forms:
        if not form.fields:
            await attack.send("POST", form.action, "a field", {"data": {"name": "\0"}})
            continue
        for word, sent in garbage(form.fields).items():
            await attack.send("POST", form.action, word, sent, must_refuse=True)
        for word, sent in (*oddities(form.fields).items(), *one_by_one(form.fields)):
            await attack.send("POST", form.action, word, sent)

    assert len([form for form in forms if form.fields]) > 5
    assert not attack.found, "\n".join(attack.found)


def _bodies(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Every operation of the API that takes a body: method, path, names of the fields."""
    document = app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                [reference] = re.findall(r"#/components/schemas/(\w+)", str(operation["requestBody"]))
                yield method.upper(), path, list(document["components"]["schemas"][reference]["properties"])


def _nested(body: Mapping[str, Any], name: str, value: object) -> Iterator[Mapping[str, Any]]:
    yield {**body, name: value}
    if name == "settings":
        for setting in ("prefix", "zone", "ssh_allowed_ips", "sql_tier", "sql_user", "mlflow_machine_type"):
            yield {**body, name: {setting: value}}


@pytest.mark.parametrize("who", ["owner's token", "admin's token"])
async def test_no_json_breaks_anything(world: World, who: str) -> None:
    attack = await Attack.of(world, who)
    operations = list(_bodies(world.app))
    for method, path, names in operations:
        if (TABLE[method, path] in FOR_ADMINS) is (who == "owner's token"):
            continue
        for name in names:
            for value in NO_VALUES:
                for body in _nested(BODIES[f"{method} {path}"], name, value):
                    sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
                    await attack.send(method, path.format(**world.ids), f"{name} = {str(value)[:20]!a}", sent)

    assert {f"{method} {path}" for method, path, _ in operations} == set(BODIES)
    assert not attack.found, "\n".join(attack.found)
