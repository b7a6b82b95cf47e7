"""Every route against every kind of person: who gets through, and how the others are refused, changing nothing."""

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.models import Scope
from tests.app.routers.access import Access
from tests.app.routers.world import TABLE, WEAK, World, undone
from tests.database import dump

pytestmark = pytest.mark.anyio
SIGN_IN, REFUSED, ABSENT, THROUGH = "sign in", "refused", "absent", "through"
NO_TOKENS = ("bad token", "revoked token", "expired token")
OUT = (*NO_TOKENS, "nobody", "ended sign-in", "expired sign-in", "no longer allowed")
PEOPLE = (
    *OUT,
    *("other", "other's token", "owner", "owner's token", "stale owner", "admin", "admin's token", "forged"),
    *WEAK,
)


BY_BROWSER = {Access.BROWSER, Access.BROWSER_ALONE, Access.FRESH_BROWSER, Access.FRESH_BROWSER_ALONE}
OF_ADMINS = {Access.ADMIN, Access.DECIDED, Access.FRESH_ADMIN}
FRESH = {Access.FRESH_ALONE, Access.FRESH_BROWSER, Access.FRESH_BROWSER_ALONE}
ALONE = {Access.OWN_ALONE, Access.BROWSER_ALONE, Access.FRESH_ALONE, Access.FRESH_BROWSER_ALONE}
OWN = {Access.OWN, Access.DECIDED, *ALONE}
LACKING = {
    ("GET", "/auth/start"): 503,
    ("GET", "/readyz"): 503,
    ("POST", "/admin/iam/remove"): 404,
    ("DELETE", "/api/v1/iam-admins/{principal}"): 404,
    ("GET", "/admin/workstations/orphans/snapshots/{name}/delete"): 404,
    ("POST", "/admin/workstations/orphans/snapshots/{name}/delete"): 404,
    ("POST", "/admin/members/{member_id}/security-keys/{security_key_id}/remove"): 404,
    ("POST", "/admin/members/{member_id}/ssh-keys/{key_id}/delete"): 404,
    ("POST", "/admin/members/{member_id}/tokens/{token_id}/revoke"): 404,
    ("DELETE", "/api/v1/members/{member_id}/ssh-keys/{key_id}"): 404,
}
"""This world has no provider, no worker, no orphans and no IAM admins, and key and token are not this member's: only
those who get through are told."""


def _expected(access: Access, who: str, method: str) -> str:
    if who == "forged" and method != "GET":
        return REFUSED
    if access in {Access.PUBLIC, Access.GREETED}:
        is_told = access is Access.GREETED and who in NO_TOKENS
        return SIGN_IN if is_told else THROUGH
    if access in {Access.SET_UP, Access.MACHINE}:
        return SIGN_IN
    if _is_too_weak(access, who, method):
        return REFUSED
    if who in OUT or _must_sign_in(access, who):
        return SIGN_IN
    person = who.partition("'")[0].removeprefix("stale ")
    if person == "admin":
        return ABSENT if access in ALONE else THROUGH
    if person == "other" and access in OWN:
        return ABSENT
    return REFUSED if access in OF_ADMINS else THROUGH


def _is_too_weak(access: Access, who: str, method: str) -> bool:
    """A token whose scope does not include it; what is the owner's alone is said to be absent before."""
    if WEAK.get(who) is Scope.READ and (method != "GET" or access is Access.FRESH_ALONE):
        return True
    return who in WEAK and who.startswith("admin") and access in {Access.OWN, *OF_ADMINS}


def _must_sign_in(access: Access, who: str) -> bool:
    if access is Access.FRESH_ADMIN:
        return who == "admin's token"
    return (access in BY_BROWSER and who.endswith("token")) or (access in FRESH and who == "stale owner")


def _seen(answer: httpx2.Response) -> str:
    if answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in?next="):
        return SIGN_IN
    return {403: REFUSED, 404: ABSENT}.get(answer.status_code, THROUGH if answer.status_code < 500 else "broken")


def test_every_route_has_its_row_and_every_row_its_route(app_of_process: FastAPI) -> None:
    contexts = iter_route_contexts(app_of_process.router.routes)
    routes = {(method, str(route.path)) for route in contexts for method in route.methods or () if method != "HEAD"}

    assert routes == set(TABLE)


async def test_whoever_may_not_is_refused_and_changes_nothing(world: World, database_url: str) -> None:
    before = dump(database_url)
    wrong = []
    for (method, path), access in TABLE.items():
        for who in PEOPLE:
            expected = _expected(access, who, method)
            if expected == THROUGH:
                continue
            seen = _seen(await world.ask(who, method, path))
            if seen != expected:
                wrong.append(f"{who}: {method} {path}: {seen}, not {expected}")

    assert not wrong, "\n".join(wrong)
    assert dump(database_url) == before


async def test_whoever_may_gets_through(world: World) -> None:
    wrong = []
    for (method, path), access in TABLE.items():
        for who in PEOPLE:
            if _expected(access, who, method) != THROUGH:
                continue
            async with undone(world.app):
                answer = await world.ask(who, method, path)
            lacking = LACKING.get((method, path))
            if answer.status_code != lacking if lacking else _seen(answer) != THROUGH:
                wrong.append(f"{who}: {method} {path}: {answer.status_code}")

    assert not wrong, "\n".join(wrong)
