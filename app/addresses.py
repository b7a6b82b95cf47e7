"""E-mail addresses: what cannot be one is refused, and one address is written in one way only."""

from email_validator import EmailNotValidError, validate_email


def parse(text: str) -> str:
    """The address in lower case. Raises ValueError, with a sentence, for what is none.

    Only ASCII: other letters that fold to these (K in Kelvin, ſ, ｅ) would make somebody else's address.
    """
    if not text.isascii():
        raise ValueError("An address at Google has plain letters, digits and signs only.")
    try:
        # As a test environment: `.test` is as good as any other ending where only the settings say who is let in.
        found = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return str(found.ascii_email).lower()


def is_address(text: str) -> bool:
    """Whether this can be an address at all."""
    try:
        parse(text)
    except ValueError:
        return False
    return True
