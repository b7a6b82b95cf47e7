"""Which failures are tried again, and how soon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra import failures, hints
from app.infra.failures import Failure

SAYINGS = ("Error 503", "Error 403", "Quota 'GPUS' exceeded", "already exists", "zone ", "[", "\n", "roles/owner")
STOCK_OUT = "googleapi: Error 503: The zone does not have enough resources available, ZONE_RESOURCE_POOL_EXHAUSTED"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("googleapi: Error 503: backend error", Failure.TRANSIENT),
        ("googleapi: Error 429: rateLimitExceeded", Failure.TRANSIENT),
        ("Error waiting for instance to create: timeout while waiting for state to become 'DONE'", Failure.TRANSIENT),
        ("Post https://compute.googleapis.com: read: connection reset by peer", Failure.TRANSIENT),
        ("googleapi: Error 409: The resource 'x' already exists, alreadyExists", Failure.TRANSIENT),
        ("googleapi: Error 403: Quota exceeded for quota metric 'Queries'., rateLimitExceeded", Failure.TRANSIENT),
        ("googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded", Failure.TRANSIENT),
        ("Error waiting for instance to create: Internal error. Try again. (Code: '5F2A')", Failure.TRANSIENT),
        ("Error waiting for Create Service Networking Connection: Error code 13, message: x", Failure.TRANSIENT),
        ('Post "https://compute.googleapis.com": context deadline exceeded', Failure.TRANSIENT),
        ("dial tcp: lookup compute.googleapis.com: no such host", Failure.TRANSIENT),
        ("http2: client connection lost", Failure.TRANSIENT),
        ("googleapi: Error 409: There were concurrent policy changes., aborted", Failure.TRANSIENT),
        ("googleapi: Error 409: Your previous request succeeded and you already own it., conflict", Failure.TRANSIENT),
        (
            "googleapi: Error 409: The Cloud SQL instance already exists. When you delete an instance, you can't reuse "
            "the name of the deleted instance until one week from the deletion date., instanceAlreadyExists",
            Failure.LASTING,
        ),
        ("googleapi: Error 409: The requested bucket name is not available., conflict", Failure.LASTING),
        ("Error code 9, message: Producer services are still using this connection.", Failure.LASTING),
        ("googleapi: Error 401: Request had invalid authentication credentials., authError", Failure.LASTING),
        ("googleapi: Error 412: Constraint constraints/compute.x violated, conditionNotMet", Failure.LASTING),
        ("Plugin did not respond", Failure.KILLED),
        ("The plugin.(*GRPCProvider).ApplyResourceChange request was cancelled.", Failure.KILLED),
        (STOCK_OUT, Failure.LASTING),
        ("googleapi: Error 403: Quota 'CPUS' exceeded.", Failure.LASTING),
        ("something never seen", Failure.LASTING),
    ],
)
def test_only_what_ends_by_itself_or_can_be_adopted_is_tried_again(text: str, kind: Failure) -> None:
    assert failures.classify(text) is kind


def test_of_several_errors_the_worst_decides() -> None:
    busy, killed = "googleapi: Error 503: backend error", "Plugin did not respond"
    assert failures.of_all([busy, killed]) is Failure.TRANSIENT
    assert failures.of_all([busy, killed, STOCK_OUT]) is Failure.LASTING
    assert failures.of_all([killed, killed]) is Failure.KILLED
    assert failures.of_all([]) is Failure.LASTING


@given(st.text(st.characters()) | st.lists(st.sampled_from(SAYINGS)).map("".join))
def test_whatever_is_said_is_a_failure_with_a_hint_or_none(text: str) -> None:
    assert failures.classify(text) in Failure
    assert hints.find(text).title
