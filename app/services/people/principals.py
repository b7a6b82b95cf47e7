"""Principals: whom Google's IAM can give a role to, read from what was typed, so that no typo reaches Terraform."""

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
"""From here on two domains are taken for one with a typing error: gmial.com and gmail.com have 0.89."""


class PrincipalKind(StrEnum):
    """What a principal is, as IAM writes it before the colon."""

    USER = "user"
    GROUP = "group"
    SERVICE_ACCOUNT = "serviceAccount"
    DOMAIN = "domain"


K = PrincipalKind
_KINDS = {kind.lower(): kind for kind in K}
FORMS = "user:, group:, serviceAccount: or domain:"


@dataclass(frozen=True, order=True)
class Principal:
    """One of the four kinds with its address, or its domain, in lower case; as text it is what Terraform takes."""

    kind: PrincipalKind
    address: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"

    @property
    def domain(self) -> str:
        """What is behind the @."""
        return self.address.rpartition("@")[2]

    def is_within(self, settings: Settings) -> bool:
        """Whether it belongs to those who may use the portal, or is a service account of the project."""
        if self.kind is K.DOMAIN:
            return self.address in settings.allowed_domains
        if self.kind is K.SERVICE_ACCOUNT:
            project = settings.google_project
            own = (f"@{project}.iam.{SERVICE_ACCOUNTS}", f"{project}@appspot.{SERVICE_ACCOUNTS}")
            return self.address.endswith(own[0]) or self.address == own[1]
        return settings.may_sign_in_by_rule(self.address)

    def meant_domain(self, settings: Settings) -> str | None:
        """The well-known domain, or one of the portal's, that this one may be a typing error for."""
        known = [*settings.allowed_domains, *_PRIVATE_MAIL]
        if self.kind is K.SERVICE_ACCOUNT or self.domain in known:
            return None
        return next(iter(difflib.get_close_matches(self.domain, known, n=1, cutoff=_LIKENESS)), None)


def parse(text: str) -> Principal:
    """What was typed as a principal. Raises InvalidError with a sentence for what cannot be one.

    An address alone is a person's, or by its ending a service account's: the plan shows what it was taken for.
    """
    text = text.strip()
    if not text:
        raise _wrong("Write who it is, such as user:ada@example.com.")
    if not (text.isascii() and text.isprintable()):
        raise _wrong("Use plain letters, digits and signs: addresses at Google have no others.")
    if " " in text:
        raise _wrong("There is a space in it: an address has none.")
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
    return InvalidError("That is nobody who can be an IAM admin.", fields={"principal": sentence})


def _kind(word: str) -> PrincipalKind:
    known = _KINDS.get(word.lower())
    if known:
        return known
    near = difflib.get_close_matches(word.lower(), _KINDS, n=1)
    meant = f" Did you mean {_KINDS[near[0]]}:?" if near else ""
    raise _wrong(f"{word[:40] or 'Nothing'}: is none of {FORMS}.{meant}")


def _kind_of_address(address: str) -> PrincipalKind:
    if address in _EVERYBODY:
        raise _wrong("That would be everybody on the internet.")
    if "@" not in address:
        raise _wrong(
            f"Write an address, such as user:ada@example.com; a whole domain is written domain:{address[:60]}."
        )
    return K.SERVICE_ACCOUNT if _is_of_service_account(address) else K.USER


def _check_is_address(address: str) -> None:
    if address.count("@") != 1:
        raise _wrong("It has no @." if "@" not in address else "It has more than one @.")
    local, _, domain = address.partition("@")
    if not local:
        raise _wrong("There is nothing before the @.")
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise _wrong(f"{local[:40]} cannot be the part before the @.")
    _check_is_domain(domain)


def _check_is_domain(domain: str) -> None:
    if "@" in domain:
        raise _wrong("After domain: comes a domain, such as example.com, without an @.")
    labels = domain.split(".")
    if len(domain) > _LONGEST or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels):
        raise _wrong(f"{domain[:60] or 'Nothing'} cannot be a domain.")
    if len(labels) < 2 or not _ENDING.fullmatch(labels[-1]):
        raise _wrong(f"{domain[:60]} has no ending such as .com.")


def _check_fits_kind(kind: PrincipalKind, address: str) -> None:
    if kind is K.SERVICE_ACCOUNT and not _is_of_service_account(address):
        raise _wrong(
            f"The address of a service account ends in {SERVICE_ACCOUNTS}; a person is written user:{address}."
        )
    if kind is not K.SERVICE_ACCOUNT and _is_of_service_account(address):
        raise _wrong(f"That is a service account: write serviceAccount:{address}.")


def _is_of_service_account(address: str) -> bool:
    domain = address.rpartition("@")[2]
    return domain == SERVICE_ACCOUNTS or domain.endswith(f".{SERVICE_ACCOUNTS}")
