"""A run's state machine: the whole table, every path through it, and what each state allows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.run import EXECUTING, FINAL, NEXT, Run, RunKind, RunStatus, TransitionError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = RunStatus


def run_in(status: RunStatus) -> Run:
    return Run(id="r1", stack_id="s1", requested_by="m1", kind=RunKind.PROVISION, inputs={}, status=status, attempt=0)


ACTIONS = {
    "claim": lambda run: run.claim("w1", NOW),
    "interrupt": lambda run: run.interrupt(NOW),
    "begin_apply": lambda run: run.begin_apply(NOW),
    "succeed": lambda run: run.succeed(NOW),
    "find_no_changes": lambda run: run.find_no_changes(NOW),
    "fail": lambda run: run.fail("why", NOW),
    "cancel": lambda run: run.cancel(NOW),
    "supersede": lambda run: run.supersede(run_in(S.QUEUED), NOW),
}
LEADS_TO = {
    ("queued", "claim"): "planning",
    ("queued", "cancel"): "canceled",
    ("queued", "supersede"): "superseded",
    ("planning", "begin_apply"): "applying",
    ("planning", "find_no_changes"): "no_changes",
    ("planning", "fail"): "errored",
    ("planning", "cancel"): "canceled",
    ("planning", "interrupt"): "interrupted",
    ("awaiting_approval", "begin_apply"): "applying",
    ("awaiting_approval", "cancel"): "canceled",
    ("awaiting_approval", "supersede"): "superseded",
    ("applying", "succeed"): "applied",
    ("applying", "fail"): "errored",
    ("applying", "cancel"): "canceled",
    ("applying", "interrupt"): "interrupted",
    ("interrupted", "claim"): "planning",
    ("interrupted", "fail"): "errored",
    ("interrupted", "cancel"): "canceled",
}


@pytest.mark.parametrize("status", list(S))
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_leads_where_the_table_says_or_is_refused(status: RunStatus, action: str) -> None:
    run = run_in(status)
    expected = LEADS_TO.get((status.value, action))
    if expected is None:
        with pytest.raises(TransitionError, match=f"is {status}"):
            ACTIONS[action](run)
        assert run.status is status
    else:
        ACTIONS[action](run)
        assert run.status == expected


def test_final_states_are_those_that_nothing_follows() -> None:
    assert {S.APPLIED, S.NO_CHANGES, S.ERRORED, S.DISCARDED, S.SUPERSEDED, S.CANCELED} == FINAL
    assert not FINAL & EXECUTING
    assert set(NEXT) | FINAL == set(S)


@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=12))
def test_whatever_happens_a_final_run_stays_final_and_is_dated(actions: list[str]) -> None:
    run = run_in(S.QUEUED)
    ended_as = None
    for action in actions:
        try:
            ACTIONS[action](run)
        except TransitionError:
            continue
        assert ended_as is None
        ended_as = run.status if run.is_final else None
    assert (run.finished_at is not None) == run.is_final
    assert run.is_final + run.is_executing + run.is_queued == 1


def test_each_claim_is_a_new_attempt_with_a_lease() -> None:
    run = run_in(S.QUEUED)
    run.claim("w1", NOW)
    run.interrupt(NOW)
    later = NOW + timedelta(minutes=1)
    run.claim("w2", later)
    assert (run.attempt, run.worker_id, run.lease_until, run.claimed_at) == (2, "w2", later + Run.LEASE, NOW)


def test_only_a_queued_run_can_be_cancelled_and_only_a_failed_one_retried() -> None:
    assert [status for status in S if run_in(status).can_cancel] == [S.QUEUED]
    assert [status for status in S if run_in(status).can_retry] == [S.ERRORED, S.CANCELED]
