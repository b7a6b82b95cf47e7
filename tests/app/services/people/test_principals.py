"""Whom IAM can give a role to: what is taken, what is said of a typing error, and what terraform/shared makes of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidError
from app.services.people.principals import PrincipalKind, parse
from tests.parts import make_settings

AS_TERRAFORM_HAS_IT = re.compile(
    r"(user|group|serviceAccount):[^@:\s]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}|domain:[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}"
)
"""The validation of iam_admins in terraform/shared/variables.tf."""
SETTINGS = make_settings(allowed_emails=("linus@elsewhere.test",))


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("user:ada@example.com", "user:ada@example.com"),
        ("  user:Ada@Example.COM\n", "user:ada@example.com"),
        ("USER:ada@example.com", "user:ada@example.com"),
        ("group:ml-team@example.com", "group:ml-team@example.com"),
        (
            "serviceaccount:ci@my-project.iam.gserviceaccount.com",
            "serviceAccount:ci@my-project.iam.gserviceaccount.com",
        ),
        ("domain:Example.com", "domain:example.com"),
        ("ada@example.com", "user:ada@example.com"),
        ("ada.l+tag@sub.example.co.uk", "user:ada.l+tag@sub.example.co.uk"),
        ("ci@my-project.iam.gserviceaccount.com", "serviceAccount:ci@my-project.iam.gserviceaccount.com"),
        ("7-compute@developer.gserviceaccount.com", "serviceAccount:7-compute@developer.gserviceaccount.com"),
    ],
)
def test_what_can_be_a_principal_is_taken_as_terraform_wants_it(typed: str, becomes: str) -> None:
    assert str(parse(typed)) == becomes


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter a principal"),
        ("  ", "Enter a principal"),
        ("user:", "The @ is missing"),
        ("user:ada", "The @ is missing"),
        ("ada", "domain:ada"),
        ("example.com", "domain:example.com"),
        ("user:@example.com", "before the @ is missing"),
        ("user:ada@", "The domain is missing"),
        ("user:ada@@example.com", "more than one @"),
        ("user:ada@example@com", "more than one @"),
        ("user:ada@example", "an ending such as .com is missing"),
        ("user:ada@example.c", "an ending such as .com is missing"),
        ("user:ada@example.123", "an ending such as .com is missing"),
        ("user:ada@example..com", "is not a valid domain"),
        ("user:ada@.example.com", "is not a valid domain"),
        ("user:ada@example.com.", "is not a valid domain"),
        ("user:ada@-example.com", "is not a valid domain"),
        ("user:ada@exam_ple.com", "is not a valid domain"),
        ("user:ada@" + "a" * 64 + ".com", "is not a valid domain"),
        ("user:.ada@example.com", "before the @"),
        ("user:ada..l@example.com", "before the @"),
        ("user:" + "a" * 65 + "@example.com", "before the @"),
        ("user:ada,grace@example.com", "before the @"),
        ("user: ada@example.com", "Remove the space"),
        ("ada @example.com", "Remove the space"),
        ("user:ada\t@example.com", "ASCII"),
        ("user:ada@example.com\x00", "ASCII"),
        ("user:\u0430da@example.com", "ASCII"),
        ("user:ada@exämple.com", "ASCII"),
        ("usr:ada@example.com", "Did you mean user:?"),
        ("service-account:ci@x.iam.gserviceaccount.com", "Did you mean serviceAccount:?"),
        ("principal:ada@example.com", "not one of user:"),
        (":ada@example.com", "not one of user:"),
        ("user:user:ada@example.com", "before the @"),
        ("mailto:ada@example.com", "not one of user:"),
        ("allUsers", "everyone on the Internet"),
        ("allAuthenticatedUsers", "everyone on the Internet"),
        ("user:ci@my-project.iam.gserviceaccount.com", "Enter serviceAccount:ci@my-project"),
        ("group:ci@my-project.iam.gserviceaccount.com", "Enter serviceAccount:ci@my-project"),
        ("serviceAccount:ada@example.com", "ends in gserviceaccount.com"),
        ("serviceAccount:ci@notgserviceaccount.com", "ends in gserviceaccount.com"),
        ("domain:ada@example.com", "without an @"),
        ("domain:example", "an ending such as .com is missing"),
        ("domain:", "The domain is missing"),
    ],
)
def test_a_typing_error_is_said_at_the_field(typed: str, sentence: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse(typed)
    assert sentence in raised.value.fields["principal"]


@pytest.mark.parametrize(
    ("typed", "is_within"),
    [
        ("user:ada@example.com", True),
        ("group:team@example.com", True),
        ("user:linus@elsewhere.test", True),
        ("group:team@elsewhere.test", False),
        ("user:ada@sub.example.com", False),
        ("user:ada@notexample.com", False),
        ("domain:example.com", True),
        ("domain:elsewhere.test", False),
        ("serviceAccount:ci@test-project.iam.gserviceaccount.com", True),
        ("serviceAccount:test-project@appspot.gserviceaccount.com", True),
        ("serviceAccount:ci@other-test-project.iam.gserviceaccount.com", False),
        ("serviceAccount:ci@x.test-project.iam.gserviceaccount.com", False),
    ],
)
def test_within_are_the_portals_people_and_the_projects_accounts(typed: str, is_within: bool) -> None:
    assert parse(typed).is_within(SETTINGS) is is_within


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ada@gmial.com", "gmail.com"),
        ("ada@gmai.com", "gmail.com"),
        ("ada@gmail.con", "gmail.com"),
        ("ada@exmaple.com", "example.com"),
        ("domain:exampel.com", "example.com"),
        ("ada@gmail.com", None),
        ("ada@example.com", None),
        ("ada@elsewhere.test", None),
        ("ci@gmial.iam.gserviceaccount.com", None),
    ],
)
def test_a_domain_that_is_nearly_a_known_one_is_told_from_others(typed: str, meant: str | None) -> None:
    assert parse(typed).meant_domain(SETTINGS) == meant


pieces = st.sampled_from(["user:", "group:", "serviceAccount:", "domain:", "@", ".", "a", "Z", "7", "-", " ", "ß", ":"])
typed_texts = st.text(max_size=40) | st.lists(pieces, max_size=12).map("".join) | st.emails()


@given(typed_texts)
def test_whatever_is_taken_terraform_takes_and_is_the_same_when_typed_again(typed: str) -> None:
    try:
        principal = parse(typed)
    except InvalidError:
        return
    assert AS_TERRAFORM_HAS_IT.fullmatch(str(principal))
    assert parse(str(principal)) == principal
    assert parse(f" {typed.upper()} ") == principal


@given(st.sampled_from([PrincipalKind.USER, PrincipalKind.GROUP]), st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True))
def test_plain_addresses_are_taken_as_they_are(kind: PrincipalKind, local: str) -> None:
    assert str(parse(f"{kind}:{local}@example.com")) == f"{kind}:{local}@example.com"
