import json

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from app.services.terraform.scrub import SHORTEST, Scrubber, secrets_of_settings, secrets_of_state
from app.services.terraform.state_versions import State
from tests.parts import make_settings


def test_secrets_are_replaced_wherever_they_stand() -> None:
    scrubber = Scrubber(["hunter22", "hunter22-and-more", "other-one"])
    assert scrubber.clean("a hunter22-and-more, xhunter22x; other-one") == "a (secret), x(secret)x; (secret)"


def test_short_secrets_and_no_secrets_change_nothing() -> None:
    assert Scrubber(["admin", ""]).clean("the admin") == "the admin"
    assert Scrubber([]).clean("the admin") == "the admin"


def test_each_line_of_a_secret_is_one_because_logs_come_by_the_line() -> None:
    scrubber = Scrubber(["-----BEGIN KEY-----\n  AAAABBBB\n-----END KEY-----\n"])
    assert scrubber.clean("line: AAAABBBB") == "line: (secret)"


SECRETS = st.text(st.characters(exclude_characters="|", exclude_categories=["Cs"]), min_size=SHORTEST).map(str.strip)


@given(SECRETS.filter(lambda secret: len(secret) >= SHORTEST))
def test_a_secret_inside_json_is_found(secret: str) -> None:
    scrubber = Scrubber([secret])
    for ensure_ascii in (True, False):
        text = json.dumps({"message": f"|{secret}|"}, ensure_ascii=ensure_ascii)
        assert json.loads(scrubber.clean(text)) == {"message": "|(secret)|"}
    assert scrubber.clean(f"|{secret}|") == "|(secret)|"


def test_a_secret_as_go_writes_it_inside_json_is_found() -> None:
    assert Scrubber(["<p&ssword>"]).clean(r"\u003cp\u0026ssword\u003e") == "(secret)"


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://me:p%40ssword@db/portal", {"p%40ssword", "p@ssword"}),
        ("postgresql://db/portal?user=me&password=p%40ssword", {"p@ssword"}),
        ("postgresql://db/portal", set()),
        ("", set()),
    ],
)
def test_the_portals_own_secrets(url: str, passwords: set[str]) -> None:
    keys = (Fernet.generate_key().decode(), Fernet.generate_key().decode())
    settings = make_settings(database_url=url, encryption_keys=keys, oidc_client_secret="client-secret")
    assert secrets_of_settings(settings) == {*keys, "client-secret", *passwords}


def test_the_secrets_of_a_state() -> None:
    content = {
        "version": 4,
        "serial": 1,
        "lineage": "l",
        "outputs": {
            "key": {"value": {"private": ["first"], "port": 5432}, "type": "dynamic", "sensitive": True},
            "zone": {"value": "z", "type": "string"},
        },
        "resources": [
            {
                "mode": "managed",
                "type": "t",
                "name": "n",
                "instances": [
                    {
                        "attributes": {"password": "second", "disks": [{"key": "third", "name": "d"}, {"key": None}]},
                        "sensitive_attributes": [
                            [{"type": "get_attr", "value": "password"}],
                            [
                                {"type": "get_attr", "value": "disks"},
                                {"type": "index", "value": {"value": 0, "type": "number"}},
                                {"type": "get_attr", "value": "key"},
                            ],
                        ],
                    }
                ],
            }
        ],
    }
    assert secrets_of_state(State(json.dumps(content).encode())) == {"first", "5432", "second", "third"}
