"""Ten rounds of chaos, a few at a time: most of a round is waiting for leases to run out."""

import pytest

from tests.chaos import report
from tests.chaos.script import Point
from tests.chaos.session import Session

SEED = 235
"""These ten rounds come to every named point."""


@pytest.mark.timeout(280)
def test_whatever_is_killed_no_machine_is_lost_doubled_or_orphaned() -> None:
    results = Session(10, SEED, at_once=4, small=True, cancels=False).play()
    summary = report.summary(results)
    assert not any(result.findings for result in results), summary
    struck = {strike.kill.point for result in results for strike in result.strikes if strike.victims}
    assert struck == set(Point), summary
    assert summary.endswith("chaos: 10 rounds, 0 lost, 0 duplicated, 0 orphaned, 0 stuck")
