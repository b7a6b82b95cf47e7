"""The certificate of one provider process, for the mutual TLS between Terraform and its plugins."""

import base64
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LIFETIME = timedelta(days=1)
CLOCK_SKEW = timedelta(minutes=1)


class ServerIdentity(NamedTuple):
    key: bytes
    certificate: bytes
    announcement: str
    """The certificate as Terraform reads it in the first line: DER in unpadded base64."""


def self_signed() -> ServerIdentity:
    """A key, and a certificate for `localhost`, the name that Terraform expects."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return ServerIdentity(
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        announcement=base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode().rstrip("="),
    )
