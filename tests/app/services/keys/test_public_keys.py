import base64
import subprocess
import sys
from typing import Any

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.keys import public_keys
from app.services.keys.public_keys import PublicKey, PublicKeyError, parse

PAIR = asyncssh.generate_private_key("ssh-ed25519", comment="grace@laptop")
LINE = PAIR.export_public_key().decode()


def made(algorithm: str, **options: Any) -> str:
    return asyncssh.generate_private_key(algorithm, **options).export_public_key().decode()


@pytest.mark.parametrize(
    "line",
    [LINE, made("ecdsa-sha2-nistp256"), made("ecdsa-sha2-nistp521"), made("ssh-rsa", key_size=2048)],
    ids=lambda line: line.split()[0],
)
def test_a_good_key_is_written_anew_with_our_comment(line: str) -> None:
    key = parse(f"\n  {line}  \r\n")

    assert key.line("laptop") == f"{line.split()[0]} {line.split()[1]} laptop"
    assert key.fingerprint == asyncssh.import_public_key(line).get_fingerprint()


def test_other_spellings_of_a_public_key_are_taken() -> None:
    for form in ("rfc4716", "pkcs8-pem"):
        assert parse(PAIR.export_public_key(form).decode()) == parse(LINE)


def test_a_comment_over_two_lines_is_none_of_the_key() -> None:
    first, *rest = PAIR.export_public_key("rfc4716").decode().splitlines()
    comment = ['Comment: "grace at her laptop, who \\', 'has a long name"']

    assert parse("\n".join([first, *comment, *rest[1:]])) == parse(LINE)


def test_a_key_in_a_token_keeps_what_it_is_for() -> None:
    algorithm = b"sk-ssh-ed25519@openssh.com"
    numbers = base64.b64decode(LINE.split()[1])[4 + len("ssh-ed25519") :]
    blob = base64.b64encode(string(algorithm) + numbers + string(b"ssh:")).decode()

    assert parse(f"{algorithm.decode()} {blob} token").line("token") == f"{algorithm.decode()} {blob} token"


def string(text: bytes) -> bytes:
    """As SSH writes one."""
    return len(text).to_bytes(4) + text


def test_a_comment_cannot_smuggle_anything_in() -> None:
    key = parse(f'{LINE.strip()} google-ssh {{"userName":"eve@elsewhere.test"}}')

    assert key == parse(LINE)


@pytest.mark.parametrize("form", ["openssh", "pkcs1-pem", "pkcs8-pem"])
def test_a_private_key_is_recognised(form: str) -> None:
    pair = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    text = pair.export_private_key(form).decode()

    assert public_keys.is_private(text)
    with pytest.raises(PublicKeyError, match="Do not share it"):
        parse(text)


def test_a_putty_private_key_is_recognised() -> None:
    with pytest.raises(PublicKeyError, match="private key"):
        parse("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Paste a public key"),
        (" \n ", "Paste a public key"),
        (f'command="rm -rf /" {LINE}', "Remove the text before"),
        (f"no-pty {LINE}", "Remove the text before"),
        (LINE + LINE, "one key at a time"),
        ("ssh-ed25519", "damaged or incomplete"),
        (LINE[:40], "damaged or incomplete"),
        (f"ssh-rsa {LINE.split()[1]}", "damaged or incomplete"),
        ("hello", "not an SSH public key"),
        ("\x00", "not an SSH public key"),
        ("ключ", "not an SSH public key"),
        (made("ssh-rsa", key_size=1024), "1024 bits"),
        (made("ssh-dss"), "ssh-dss"),
        (made("ssh-ed448"), "ssh-ed448"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
        ("x" * 20_000, "too long"),
    ],
    # Not from the values: the keys are made anew by each process that collects the tests.
    ids=range(16),
)
def test_what_is_no_acceptable_key_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(PublicKeyError, match=sentence):
        parse(text)


def parsed(text: str) -> PublicKey | None:
    """The key, or None where a sentence says why not."""
    try:
        return parse(text)
    except PublicKeyError as error:
        return None if str(error) else pytest.fail("no sentence")


@given(
    st.text(max_size=200)
    | st.builds("{} {} {}".format, st.sampled_from(sorted(public_keys.ALGORITHMS)), st.text(), st.text())
)
def test_whatever_is_pasted_is_a_key_or_a_sentence(text: str) -> None:
    key = parsed(text)

    assert key is None or parsed(key.line("comment")) == key


@given(st.text())
def test_no_comment_changes_what_is_kept(comment: str) -> None:
    assert parsed(f"{LINE.strip()} {comment}") in {parse(LINE), None}


USE = """
import sys
from app.models import Workstation
from app.services.keys import public_keys, ssh_config, ssh_keys
algorithm, blob = sys.argv[1].split()[:2]
public_keys.parse(sys.argv[1])
ssh_config.fingerprints(Workstation(host_keys={algorithm: blob}))
print("asyncssh" in sys.modules)
"""


def test_no_request_imports_the_ssh_client_for_it() -> None:
    used = subprocess.run([sys.executable, "-c", USE, LINE], capture_output=True, text=True, check=True)
    assert used.stdout == "False\n"
