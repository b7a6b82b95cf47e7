"""The end of a chaos run: which kills were made, how long recovery took, and the one line that counts."""

from collections import Counter

from bench.report import percentile
from tests.chaos.findings import Fault
from tests.chaos.round import Result
from tests.chaos.script import Point, Victim

RECOVERY_LIMIT_S = 60
_WIDTH = max(len(point) for point in Point) + 2


def summary(results: list[Result]) -> str:
    """All of it; the last line is for programs."""
    return "\n".join([kills(results), recovery(results), last_line(results)])


def kills(results: list[Result]) -> str:
    """How often each kind was made. "missed": the run never came to the point, or nothing was there to kill."""
    strikes = [strike for result in results for strike in result.strikes]
    made = Counter((strike.kill.point, strike.kill.victim) for strike in strikes if strike.victims)
    missed = Counter(strike.kill.point for strike in strikes if not strike.victims)
    lines = [f"{'kills':{_WIDTH}}" + "".join(f"{victim:>11}" for victim in Victim) + f"{'all':>6}{'missed':>8}"]
    for point in Point:
        counts = [made[point, victim] for victim in Victim]
        cells = "".join(f"{count or '·':>11}" for count in counts)
        lines.append(f"{point:{_WIDTH}}{cells}{sum(counts):>6}{missed[point]:>8}")
    return "\n".join(lines)


def recovery(results: list[Result]) -> str:
    """From the last disturbance of a run to its end."""
    spans = [span for result in results for span in result.recoveries]
    if not spans:
        return "recovery: nothing to recover from"
    p50, p99 = percentile(spans, 50), percentile(spans, 99)
    return (
        f"recovery of {len(spans)} runs: p50 {p50:.1f} s, p99 {p99:.1f} s, worst {max(spans):.1f} s"
        f" (limit {RECOVERY_LIMIT_S} s)"
    )


def last_line(results: list[Result]) -> str:
    """The form is a contract."""
    counts = Counter(finding.fault for result in results for finding in result.findings)
    return f"chaos: {len(results)} rounds, " + ", ".join(f"{counts[fault]} {fault}" for fault in Fault)
