"""Errors a person can act on: each knows its HTTP status, its code and its sentence. web.py renders all."""


class StationmasterError(Exception):
    """Something the person who asked can understand; its message is a sentence for them."""

    status = 400
    code = "bad_request"
    retry_after: int | None = None
    """Seconds after which the same request may succeed, where that can be said."""

    def __init__(self, message: str, *, hint: str | None = None, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = fields or {}


class InvalidError(StationmasterError):
    """Input that does not fit; `fields` maps each field to its sentence."""

    status = 422
    code = "invalid"


class NotFoundError(StationmasterError):
    """It does not exist, or it is not yours: the two look the same on purpose."""

    status = 404
    code = "not_found"

    def __init__(self, what: str = "page") -> None:
        super().__init__(f"There is no such {what}, or it is not yours.")


class ConflictError(StationmasterError):
    """The wish does not fit what is there now."""

    status = 409
    code = "conflict"


class SignInRequiredError(StationmasterError):
    """Nobody is signed in, or the token is not valid."""

    status = 401
    code = "sign_in_required"

    def __init__(self, message: str = "Sign in first.") -> None:
        super().__init__(message)


class FreshSignInRequiredError(SignInRequiredError):
    """What was asked for wants a sign-in made in the last few minutes."""

    code = "fresh_sign_in_required"

    def __init__(self) -> None:
        super().__init__("For your safety, sign in again to read a private key.")


class RefusedError(StationmasterError):
    """Known who it is, and not allowed."""

    status = 403
    code = "refused"


class TooLargeError(StationmasterError):
    """More was sent than is read."""

    status = 413
    code = "too_large"

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"That is too large: a request may have {most_bytes:,} bytes.")


class TooSlowError(StationmasterError):
    """A request did not come to its end."""

    status = 408
    code = "too_slow"

    def __init__(self) -> None:
        super().__init__("The request took too long to arrive.", hint="Check your connection, then try again.")


class TooManyError(StationmasterError):
    """More at once, or in a short time, than anybody needs."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, hint="Wait a moment, then try again.")
        self.retry_after = retry_after


class UnavailableError(StationmasterError):
    """Something outside did not answer; trying again later may do."""

    status = 503
    code = "unavailable"
    retry_after = 10


class ConfigurationError(Exception):
    """A setting is missing or contradicts another; the message names it. Stops the start."""


class StartError(Exception):
    """The portal could not be started; the message says why."""
