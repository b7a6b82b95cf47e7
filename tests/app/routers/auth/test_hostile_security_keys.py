"""Whatever is sent in the place of a security key's response: a sentence, and nothing is added or confirmed."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webauthn.helpers import bytes_to_base64url, encode_cbor

from tests.app.routers.auth.conftest import use
from tests.app.routers.auth.security_keys import NEW, is_fresh, rows
from tests.authenticator import ORIGIN, Authenticator, add_key, options_of, send_use
from tests.clients import signed_in
from tests.parts import make_settings

pytestmark = pytest.mark.anyio
NO_JSON = ["", "\0", "{", "[]", "7", "null", '"x"', "[" * 100_000, '{"a":' * 50_000, "\udcff", '"\\ud800"', "9" * 5000]
LONG = "A" * 100_000
VALUES: list[Any] = [None, 7, "", "x", "\0", "é", [], {}, LONG]
CLIENT_DATA = [
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b"null",
    b"{}",
    b'{"type":"webauthn.get","challenge":7,"origin":[]}',
    b'{"type":"webauthn.create","challenge":"\\ud800","origin":{}}',
    b'{"type":"webauthn.get","challenge":"","origin":"https://portal.test","tokenBinding":{"status":[]}}',
]
PUBLIC_KEYS: list[Any] = [
    7,
    [1, 2],
    {},
    {1: 2},
    {1: 2, 3: -7},
    {1: 2, 3: -7, -1: 1, -2: 7, -3: 7},
    {1: 2, 3: -7, -1: 1, -2: "x", -3: "y"},
    {1: 2, 3: -7, -1: 99, -2: b"x", -3: b"y"},
    {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)},
    {1: 1, 3: -8, -1: 6, -2: b"short"},
    {1: 1, 3: -8, -1: 7, -2: bytes(32)},
    {1: 3, 3: -257, -1: b"", -2: b""},
    {1: 3, 3: -257, -1: bytes([255]) * 5000, -2: b"\1\0\1"},
    {1: [], 3: {}},
    {1: 7, 3: -48, -1: b"x"},
]
FORMATS = ["none", "packed", "tpm", "fido-u2f", "apple", "android-key", "android-safetynet", "x", 7, []]
STATEMENTS: list[Any] = [
    {},
    [],
    7,
    {"sig": b"x", "alg": -7},
    {"sig": b"x", "alg": -7, "x5c": [b"x"]},
    {"sig": 7, "alg": "x", "x5c": 7},
    {"ver": "2.0", "response": b"a.b.c"},
    {"ver": "2.0", "sig": b"x", "alg": -7, "x5c": [b"x", b"y"], "pubArea": b"x", "certInfo": b"x"},
]


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


@pytest.fixture
async def grace(app: FastAPI, device: Authenticator) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace has a key, and her browser is fresh by it."""
    use(app, make_settings(public_url=ORIGIN))
    async with await signed_in(app, "grace") as client:
        assert (await add_key(client, device)).status_code == 303
        yield client


async def refuse_new(grace: httpx2.AsyncClient, response: Any) -> None:
    """It is not added."""
    text = response if isinstance(response, str) else json.dumps(response)
    form = {"name": "bad", "response": text.encode(errors="surrogateescape")}
    refused = await grace.post("/account/security-keys", data=form)
    assert refused.status_code == 422, refused.text
    assert "callout-bad" in refused.text


async def challenged(grace: httpx2.AsyncClient, **changes: Any) -> tuple[Authenticator, dict[str, Any]]:
    """A device, and what it says to the challenge that there is now."""
    device = Authenticator(**changes)
    return device, device.create(options_of(await grace.get(NEW)))


async def test_what_is_no_json_adds_nothing_and_confirms_nothing(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    async with await signed_in(app, "grace") as stale:
        for text in NO_JSON:
            await grace.get(NEW)
            await refuse_new(grace, text)
            await stale.get("/sign-in")
            form = {"response": text.encode(errors="surrogateescape"), "next": "/"}
            refused = await stale.post("/sign-in/security-key", data=form)
            assert (refused.status_code, "callout-bad" in refused.text) == (422, True), text[:20]
        assert not await is_fresh(stale)
    assert len(await rows(app)) == 1


@pytest.mark.parametrize("where", ["id", "rawId", "type", "response"])
async def test_fields_that_cannot_be_are_refused(app: FastAPI, grace: httpx2.AsyncClient, where: str) -> None:
    async with await signed_in(app, "grace") as stale:
        for value in VALUES:
            _, said = await challenged(grace)
            await refuse_new(grace, {**said, where: value})
            await stale.get("/sign-in")
            assert (await send_use(stale, {**said, where: value})).status_code == 422
    assert len(await rows(app)) == 1


@pytest.mark.parametrize("where", ["clientDataJSON", "attestationObject"])
async def test_parts_of_a_new_key_that_cannot_be_are_refused(
    app: FastAPI, grace: httpx2.AsyncClient, where: str
) -> None:
    for value in VALUES:
        _, said = await challenged(grace)
        await refuse_new(grace, {**said, "response": {**said["response"], where: value}})
    assert len(await rows(app)) == 1


@pytest.mark.parametrize("where", ["clientDataJSON", "authenticatorData", "signature"])
async def test_parts_of_a_use_that_cannot_be_are_refused(
    app: FastAPI, grace: httpx2.AsyncClient, device: Authenticator, where: str
) -> None:
    async with await signed_in(app, "grace") as stale:
        for value in VALUES:
            said = device.use(options_of(await stale.get("/sign-in")))
            said["response"].update({where: value, "userHandle": value})
            assert (await send_use(stale, said)).status_code == 422, value
        assert not await is_fresh(stale)


@pytest.mark.parametrize("data", CLIENT_DATA, ids=range(len(CLIENT_DATA)))
async def test_client_data_that_cannot_be_is_refused(grace: httpx2.AsyncClient, data: bytes) -> None:
    _, said = await challenged(grace)
    said["response"]["clientDataJSON"] = bytes_to_base64url(data)
    await refuse_new(grace, said)


@pytest.mark.parametrize("key", PUBLIC_KEYS, ids=range(len(PUBLIC_KEYS)))
async def test_public_keys_that_verify_nothing_are_refused(
    app: FastAPI, grace: httpx2.AsyncClient, key: dict[int, Any]
) -> None:
    _, said = await challenged(grace, public_key=key)
    await refuse_new(grace, said)
    assert len(await rows(app)) == 1


@pytest.mark.parametrize("kind", FORMATS, ids=str)
async def test_attestations_that_cannot_be_are_refused(grace: httpx2.AsyncClient, kind: Any) -> None:
    for statement in STATEMENTS:
        if (kind, statement) in [("none", {}), ("none", {"ver": "2.0", "response": b"a.b.c"})]:
            continue
        _, said = await challenged(grace)
        data = {"fmt": kind, "attStmt": statement, "authData": b"x" * 37}
        said["response"]["attestationObject"] = bytes_to_base64url(encode_cbor(data))
        await refuse_new(grace, said)


async def test_an_id_longer_than_there_are_is_refused(app: FastAPI, grace: httpx2.AsyncClient) -> None:
    _, said = await challenged(grace, credential_id=b"x" * 1024)
    await refuse_new(grace, said)
    _, said = await challenged(grace, credential_id=b"x" * 1023)
    added = await grace.post("/account/security-keys", data={"name": "long", "response": json.dumps(said)})
    assert added.status_code == 303


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "\0", "a\nb", "\u202e"])
async def test_a_name_that_is_none_is_said_at_its_field(grace: httpx2.AsyncClient, name: str) -> None:
    _, said = await challenged(grace)
    refused = await grace.post("/account/security-keys", data={"name": name, "response": json.dumps(said)})
    assert (refused.status_code, 'id="name-error"' in refused.text) == (422, True)


CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from("ABCDwxyz0189-_")), min_size=1, max_size=4)


@settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["attestationObject", "clientDataJSON"]), CHANGES)
async def test_a_response_with_some_letters_changed_is_an_answer(
    grace: httpx2.AsyncClient, where: str, changes: list[tuple[int, str]]
) -> None:
    _, said = await challenged(grace)
    letters = list(said["response"][where])
    for at, letter in changes:
        letters[at % len(letters)] = letter
    said["response"][where] = "".join(letters)
    answer = await grace.post("/account/security-keys", data={"name": "bad", "response": json.dumps(said)})
    assert answer.status_code in {303, 409, 422}
