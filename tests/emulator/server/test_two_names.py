"""In containers a browser knows the emulator by another name than the portal does."""

from pathlib import Path

from tests.emulator_process import start_emulator
from tests.portal_process import free_port


def test_browsers_are_sent_to_their_address_and_programs_to_the_issuers(tmp_path: Path) -> None:
    port = free_port()
    issuer, browser = f"http://localhost:{port}", "http://127.0.0.1:9000"
    emulator = start_emulator(
        tmp_path, EMULATOR_PORT=str(port), EMULATOR_LISTEN="0.0.0.0", EMULATOR_URL=issuer, EMULATOR_BROWSER_URL=browser
    )
    try:
        assert emulator.env["STATIONMASTER_OIDC_ISSUER"] == issuer
        assert emulator.env["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"] == f"{issuer}/compute/v1/"
        metadata = emulator.call("GET", "/.well-known/openid-configuration")
    finally:
        emulator.stop()
    assert metadata["issuer"] == issuer
    assert metadata["authorization_endpoint"].startswith(f"{browser}/")
    assert all(metadata[name].startswith(f"{issuer}/") for name in ("token_endpoint", "userinfo_endpoint", "jwks_uri"))
