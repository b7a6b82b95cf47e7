"""Errors that a person can act on, each with its HTTP status, code and message. web.py renders all of them."""


class StationmasterError(Exception):
    """An error to show to whoever made the request; the message is a sentence for them."""

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
    """The input is invalid; `fields` maps the name of each invalid field to a sentence."""

    status = 422
    code = "invalid"


class NotFoundError(StationmasterError):
    """Something does not exist, or the member may not see it. Both look the same, so that nothing is revealed."""

    status = 404
    code = "not_found"

    def __init__(self, what: str = "page", *, hint: str | None = None) -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]} not found.", hint=hint)


class ConflictError(StationmasterError):
    """The request conflicts with the current state."""

    status = 409
    code = "conflict"


class SignInRequiredError(StationmasterError):
    """Nobody is signed in, or the API token is not valid."""

    status = 401
    code = "sign_in_required"

    def __init__(self, message: str = "Please sign in.") -> None:
        super().__init__(message)


class FreshSignInRequiredError(SignInRequiredError):
    """The request requires that the person proved in the last few minutes who they are."""

    code = "fresh_sign_in_required"

    def __init__(self) -> None:
        super().__init__("This needs a fresh sign-in, from the last ten minutes. Open /sign-in in this browser.")


class RefusedError(StationmasterError):
    """The member is not allowed to do this."""

    status = 403
    code = "refused"


class ScopeRequiredError(RefusedError):
    """The API token's scope does not include this."""

    code = "scope_required"

    def __init__(self, scope: str, needed: str) -> None:
        super().__init__(
            f"This API token has the scope {scope}. This request needs the scope {needed}.",
            hint="Create a token with that scope on your account page.",
        )


class TooLargeError(StationmasterError):
    """More was sent than is read."""

    status = 413
    code = "too_large"

    def __init__(self, most_bytes: int) -> None:
        super().__init__("The request is too large.", hint=f"The limit is {most_bytes:,} bytes.")


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


class MisdirectedError(StationmasterError):
    """Asked under a name that is not the portal's."""

    status = 421
    code = "misdirected"

    def __init__(self, public_url: str) -> None:
        super().__init__(f"This portal is at {public_url}.", hint="Use that address.")


class UnavailableError(StationmasterError):
    """An external service did not respond; trying again later may help."""

    status = 503
    code = "unavailable"
    retry_after = 10


class ConfigurationError(Exception):
    """A setting is missing or contradicts another. The message names it; the portal does not start."""


class StartError(Exception):
    """The portal could not start; the message says why."""
