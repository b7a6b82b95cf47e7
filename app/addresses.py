"""Email addresses: validated and normalized, so that an address has only one form."""

from email_validator import EmailNotValidError, validate_email


def parse(text: str) -> str:
    """The email address in lower case. Raises ValueError with a sentence if it is invalid."""
    # Converting other letters (the Kelvin sign, ſ) to lower case can result in ASCII, and so in somebody else's
    # address.
    if not text.isascii():
        raise ValueError("Use only ASCII characters. Addresses at Google have no others.")
    try:
        # `.test` is allowed: the settings decide who may sign in.
        found = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return str(found.ascii_email).lower()


def is_address(text: str) -> bool:
    """Whether this is a valid email address."""
    try:
        parse(text)
    except ValueError:
        return False
    return True
