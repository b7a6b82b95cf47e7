"""Ten rounds of chaos, a few at a time: most of a round is waiting for leases to run out."""

import pytest

from tests.chaos import report
from tests.chaos.session import Session
from tests.chaos.trouble import Point

SEED = 3872
"""These ten rounds come to every named point, with every kind of trouble that rounds as small as these have."""


@pytest.mark.timeout(400)
def test_whatever_happens_no_machine_is_lost_doubled_or_orphaned() -> None:
    results = Session(10, SEED, at_once=4, small=True).play()
    summary = report.summary(results)
    assert not any(result.findings for result in results), summary
    struck = {strike.trouble.point for result in results for strike in result.strikes if strike.victims}
    assert struck == set(Point), summary
    assert summary.endswith("chaos: 10 rounds, 0 lost, 0 duplicated, 0 orphaned, 0 stuck")
