"""Email addresses: validated, and normalized so that each address has one form only."""

from email_validator import EmailNotValidError, validate_email


def parse(text: str) -> str:
    """The email address in lower case. Raises ValueError, with a sentence, if it is not valid."""
    # In lower case, some other letters become ASCII (the Kelvin sign, ſ): the result would be someone else's address.
    if not text.isascii():
        raise ValueError("Use only ASCII characters. Addresses at Google have no others.")
    try:
        # As a test environment: `.test` is as good as any other ending where only the settings say who is let in.
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
