"""Principals that Google's IAM can grant roles to, parsed from text so that no typing error reaches Terraform."""

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from app.config import Settings
from app.errors import InvalidError

SERVICE_ACCOUNTS = "gserviceaccount.com"
_EVERYBODY = {"allusers", "allauthenticatedusers"}
_PRIVATE_MAIL = ("gmail.com", "googlemail.com")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_ENDING = re.compile(r"[a-z]{2,}")
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LONGEST = 254
"""Characters of an address (RFC 5321), of which 64 may be before the @."""
_LONGEST_LOCAL = 64
_LIKENESS = 0.85
"""The similarity from which a domain counts as a typing error of another: gmial.com and gmail.com have 0.89."""


class PrincipalKind(StrEnum):
    """The type of a principal, as IAM writes it before the colon."""

    USER = "user"
    GROUP = "group"
    SERVICE_ACCOUNT = "serviceAccount"
    DOMAIN = "domain"


K = PrincipalKind
_KINDS = {kind.lower(): kind for kind in K}
FORMS = "user:, group:, serviceAccount: or domain:"


@dataclass(frozen=True, order=True)
class Principal:
    """A principal: its type and its email address or domain, in lower case. As a string, it is in Terraform's form."""

    kind: PrincipalKind
    address: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2]

    def is_within(self, settings: Settings) -> bool:
        """Whether it may sign in to the portal, or is a service account of the project."""
        if self.kind is K.DOMAIN:
            return self.address in settings.allowed_domains
        if self.kind is K.SERVICE_ACCOUNT:
            project = settings.google_project
            own = (f"@{project}.iam.{SERVICE_ACCOUNTS}", f"{project}@appspot.{SERVICE_ACCOUNTS}")
            return self.address.endswith(own[0]) or self.address == own[1]
        return settings.may_sign_in_by_rule(self.address)

    def meant_domain(self, settings: Settings) -> str | None:
        """The portal's or a well-known domain for which this one may be a typing error."""
        known = [*settings.allowed_domains, *_PRIVATE_MAIL]
        if self.kind is K.SERVICE_ACCOUNT or self.domain in known:
            return None
        return next(iter(difflib.get_close_matches(self.domain, known, n=1, cutoff=_LIKENESS)), None)


def parse(text: str) -> Principal:
    """The principal in a text. Raises InvalidError with a sentence if it cannot be one.

    An email address alone is a user, or a service account if its domain is one of Google's for these.
    """
    text = text.strip()
    if not text:
        raise _wrong("Enter a principal, such as user:ada@example.com.")
    if not (text.isascii() and text.isprintable()):
        raise _wrong("Use only ASCII characters. Addresses at Google have no others.")
    if " " in text:
        raise _wrong("Remove the space. Addresses have none.")
    word, colon, rest = text.partition(":")
    address = (rest if colon else word).lower()
    kind = _kind(word) if colon else _kind_of_address(address)
    if kind is K.DOMAIN:
        _check_is_domain(address)
    else:
        _check_is_address(address)
        _check_fits_kind(kind, address)
    return Principal(kind, address)


def _wrong(sentence: str) -> InvalidError:
    return InvalidError("Invalid principal.", fields={"principal": sentence})


def _kind(word: str) -> PrincipalKind:
    known = _KINDS.get(word.lower())
    if known:
        return known
    near = difflib.get_close_matches(word.lower(), _KINDS, n=1)
    meant = f" Did you mean {_KINDS[near[0]]}:?" if near else ""
    raise _wrong(f"“{word[:40]}:” is not one of {FORMS}.{meant}")


def _kind_of_address(address: str) -> PrincipalKind:
    if address in _EVERYBODY:
        raise _wrong("This would include everyone on the Internet.")
    if "@" not in address:
        raise _wrong(
            f"Enter an email address, such as user:ada@example.com. For a whole domain, enter domain:{address[:60]}."
        )
    return K.SERVICE_ACCOUNT if _is_of_service_account(address) else K.USER


def _check_is_address(address: str) -> None:
    if address.count("@") != 1:
        raise _wrong("The @ is missing." if "@" not in address else "There is more than one @.")
    local, _, domain = address.partition("@")
    if not local:
        raise _wrong("The part before the @ is missing.")
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise _wrong(f"{local[:40]} is not valid before the @.")
    _check_is_domain(domain)


def _check_is_domain(domain: str) -> None:
    if "@" in domain:
        raise _wrong("Enter a domain after domain:, such as example.com, without an @.")
    labels = domain.split(".")
    if len(domain) > _LONGEST or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels):
        raise _wrong(f"{domain[:60]} is not a valid domain." if domain else "The domain is missing.")
    if len(labels) < 2 or not _ENDING.fullmatch(labels[-1]):
        raise _wrong(f"{domain[:60]} is not a valid domain: an ending such as .com is missing.")


def _check_fits_kind(kind: PrincipalKind, address: str) -> None:
    if kind is K.SERVICE_ACCOUNT and not _is_of_service_account(address):
        raise _wrong(f"A service account's address ends in {SERVICE_ACCOUNTS}. For a user, enter user:{address}.")
    if kind is not K.SERVICE_ACCOUNT and _is_of_service_account(address):
        raise _wrong(f"This is a service account. Enter serviceAccount:{address}.")


def _is_of_service_account(address: str) -> bool:
    domain = address.rpartition("@")[2]
    return domain == SERVICE_ACCOUNTS or domain.endswith(f".{SERVICE_ACCOUNTS}")
