"""A run's state machine: the whole table, every path through it, and what each state allows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Member
from app.models.run import Run
from app.models.run_kinds import RunKind
from app.models.run_states import EXECUTING, FINAL, NEXT, CancelMode, RunStatus, TransitionError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = RunStatus


ADA = Member(id="ada")
LOSS = [{"address": "google_compute_disk.data", "action": "replace"}]


def run_in(status: RunStatus, kind: RunKind = RunKind.PROVISION, **columns: Any) -> Run:
    counts = dict.fromkeys(("attempt", "interruptions", "retries", "rounds", "wait_hours"), 0)
    fresh = {**counts, "awaits": [], "tried_placements": []}
    return Run(id="r1", stack_id="s1", requested_by="m1", kind=kind, inputs={}, status=status, **(fresh | columns))


ACTIONS = {
    "claim": lambda run: run.claim("w1", "host-1", NOW),
    "interrupt": lambda run: run.interrupt(NOW),
    "begin_apply": lambda run: run.begin_apply(NOW),
    "succeed": lambda run: run.succeed(NOW),
    "find_no_changes": lambda run: run.find_no_changes(NOW),
    "fail": lambda run: run.fail("why", NOW),
    "hand_over": lambda run: run.hand_over(NOW),
    "schedule_retry": lambda run: run.schedule_retry(NOW),
    "await_approval": lambda run: run.await_approval(LOSS, NOW),
    "await_capacity": lambda run: run.await_capacity(NOW, has_changed_anything=False),
    "discard": lambda run: run.discard(ADA, NOW),
    "end_canceled": lambda run: run.end_canceled(NOW),
    "supersede": lambda run: run.supersede(run_in(S.QUEUED), NOW),
}
LEADS_TO = {
    ("queued", "claim"): "planning",
    ("queued", "end_canceled"): "canceled",
    ("queued", "supersede"): "superseded",
    ("planning", "await_approval"): "awaiting_approval",
    ("planning", "await_capacity"): "waiting_for_capacity",
    ("applying", "await_capacity"): "waiting_for_capacity",
    ("waiting_for_capacity", "claim"): "planning",
    ("waiting_for_capacity", "fail"): "errored",
    ("waiting_for_capacity", "end_canceled"): "canceled",
    ("waiting_for_capacity", "supersede"): "superseded",
    ("planning", "schedule_retry"): "planning",
    ("planning", "begin_apply"): "applying",
    ("planning", "find_no_changes"): "no_changes",
    ("planning", "succeed"): "applied",
    ("planning", "fail"): "errored",
    ("planning", "end_canceled"): "canceled",
    ("planning", "interrupt"): "interrupted",
    ("planning", "hand_over"): "interrupted",
    ("awaiting_approval", "discard"): "discarded",
    ("awaiting_approval", "end_canceled"): "canceled",
    ("awaiting_approval", "supersede"): "superseded",
    ("applying", "begin_apply"): "applying",
    ("applying", "schedule_retry"): "planning",
    ("applying", "succeed"): "applied",
    ("applying", "fail"): "errored",
    ("applying", "end_canceled"): "canceled",
    ("applying", "interrupt"): "interrupted",
    ("applying", "hand_over"): "interrupted",
    ("interrupted", "claim"): "planning",
    ("interrupted", "fail"): "errored",
    ("interrupted", "end_canceled"): "canceled",
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
    assert {S.APPLIED, S.NO_CHANGES, S.PLANNED, S.ERRORED, S.DISCARDED, S.SUPERSEDED, S.CANCELED} == FINAL
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
    run.claim("w1", "host-1", NOW)
    run.interrupt(NOW)
    later = NOW + timedelta(minutes=1)
    run.claim("w2", "host-2", later)
    assert (run.attempt, run.worker_id, run.lease_until, run.claimed_at) == (2, "w2", later + Run.LEASE, NOW)


def test_only_what_ended_without_success_can_be_retried() -> None:
    assert [status for status in S if run_in(status).can_retry] == [S.ERRORED, S.DISCARDED, S.CANCELED]
    assert not run_in(S.ERRORED, RunKind.MANUAL).can_retry


UNDO, HARDER, FORCE = CancelMode


@pytest.mark.parametrize(
    ("status", "kind", "has_applied", "asked", "choices"),
    [
        (S.QUEUED, RunKind.PROVISION, False, None, (UNDO,)),
        (S.PLANNING, RunKind.PROVISION, False, None, (UNDO,)),
        (S.AWAITING_APPROVAL, RunKind.UPDATE, False, None, (UNDO,)),
        (S.APPLYING, RunKind.PROVISION, True, None, (UNDO, HARDER)),
        (S.PLANNING, RunKind.PROVISION, True, None, (UNDO, HARDER)),
        (S.INTERRUPTED, RunKind.UPDATE, True, None, (UNDO, HARDER)),
        (S.APPLYING, RunKind.DESTROY, True, None, (HARDER,)),
        (S.APPLYING, RunKind.PROVISION, True, UNDO, (HARDER,)),
        (S.APPLYING, RunKind.PROVISION, True, HARDER, (FORCE,)),
        (S.APPLYING, RunKind.PROVISION, True, FORCE, ()),
        (S.APPLYING, RunKind.MANUAL, True, None, ()),
        (S.APPLIED, RunKind.PROVISION, True, None, ()),
        (S.CANCELED, RunKind.PROVISION, True, UNDO, ()),
    ],
)
def test_a_run_is_stopped_gently_first_and_harder_only_when_asked_again(
    status: RunStatus, kind: RunKind, has_applied: bool, asked: CancelMode | None, choices: tuple[CancelMode, ...]
) -> None:
    run = run_in(status, kind, applying_at=NOW if has_applied else None, cancel=asked)
    assert run.cancel_choices == choices
    for mode in CancelMode:
        if mode not in choices:
            with pytest.raises(TransitionError):
                run.request_cancel(mode, ADA, NOW)


def test_what_no_worker_holds_is_cancelled_at_once_and_the_rest_by_its_worker() -> None:
    for status in (S.QUEUED, S.AWAITING_APPROVAL):
        run = run_in(status)
        run.request_cancel(UNDO, ADA, NOW)
        assert run.status is S.CANCELED
    run = run_in(S.APPLYING, applying_at=NOW)
    run.request_cancel(UNDO, ADA, NOW)
    assert (run.status, run.is_canceling, run.cancel_by, run.cancel_at) == (S.APPLYING, True, "ada", NOW)


def test_an_approval_covers_exactly_what_was_shown() -> None:
    run = run_in(S.PLANNING)
    run.await_approval(LOSS, NOW)
    assert (run.can_approve, run.can_be_claimed, run.lease_until) == (True, False, None)
    assert not run.has_approval_for(LOSS)
    run.approve(ADA, NOW)
    assert (run.can_approve, run.can_be_claimed, run.approved_by) == (False, True, "ada")
    assert run.has_approval_for(LOSS)
    assert run.has_approval_for([])
    assert not run.has_approval_for([*LOSS, {"address": "google_compute_disk.other", "action": "delete"}])
    with pytest.raises(TransitionError):
        run.approve(ADA, NOW)


def test_a_new_question_wants_a_new_answer() -> None:
    run = run_in(S.AWAITING_APPROVAL, awaits=LOSS)
    run.approve(ADA, NOW)
    run.claim("w1", "host-1", NOW)
    run.await_approval([*LOSS, {"address": "google_compute_disk.other", "action": "delete"}], NOW)
    assert run.can_approve


def test_a_worker_that_leaves_in_good_order_does_not_count_as_lost() -> None:
    run = run_in(S.APPLYING)
    run.hand_over(NOW)
    assert (run.status, run.interruptions, run.lease_until) == (S.INTERRUPTED, 0, None)
    run.claim("w2", "host-2", NOW)
    run.interrupt(NOW)
    assert run.interruptions == 1


def test_a_run_that_waits_to_be_tried_again_says_until_when() -> None:
    run = run_in(S.APPLYING)
    later = NOW + timedelta(seconds=5)
    run.schedule_retry(later)
    assert (run.is_retrying, run.retry_at, run.retries) == (True, later, 1)
    run.resume()
    assert not run.is_retrying


def test_an_interrupted_run_is_left_to_its_own_host_for_a_while() -> None:
    run = run_in(S.QUEUED)
    run.claim("w1", "host-1", NOW)
    run.interrupt(NOW)
    soon, later = NOW + timedelta(seconds=5), NOW + Run.FOR_ITS_HOST
    assert not run.is_left_to_another_host("host-1", soon)
    assert run.is_left_to_another_host("host-2", soon)
    assert not run.is_left_to_another_host("host-2", later)
