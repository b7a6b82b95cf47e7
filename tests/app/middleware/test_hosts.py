import httpx2
import pytest

pytestmark = pytest.mark.anyio
OTHERS = [
    *("evil.test", "portal.test.evil.test", "10.0.0.7:8000", "", "portal.test@evil.test"),
    *("[::1", "[::1]", "portal.test,evil.test"),
]


@pytest.mark.parametrize("host", OTHERS)
async def test_another_name_is_told_where_the_portal_is(grace: httpx2.AsyncClient, host: str) -> None:
    for path in ("/", "/auth/start", "/static/app.css"):
        refused = await grace.get(path, headers={"Host": host})

        assert refused.status_code == 421, path
        assert "This portal is at http://portal.test." in refused.text
        assert refused.headers["x-frame-options"] == "DENY"
    asked = await grace.get("/api/v1/workstations", headers={"Host": host})
    assert (asked.status_code, asked.json()["error"]["code"]) == (421, "misdirected")
    text = await grace.get("/ssh_compute_config", headers={"Host": host})
    assert text.text == "This portal is at http://portal.test. Use that address.\n"


@pytest.mark.parametrize("host", ["portal.test", "Portal.TEST", "portal.test:8443"])
async def test_the_portals_own_name_passes_with_any_port(grace: httpx2.AsyncClient, host: str) -> None:
    assert (await grace.get("/", headers={"Host": host})).status_code == 200


async def test_probes_come_by_address(grace: httpx2.AsyncClient) -> None:
    for path in ("/healthz", "/metrics"):
        assert (await grace.get(path, headers={"Host": "10.0.0.7:8000"})).status_code == 200
    assert (await grace.get("/readyz", headers={"Host": "10.0.0.7:8000"})).json()["database"] is True
