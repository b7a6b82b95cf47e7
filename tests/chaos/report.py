"""The end of a chaos run: what trouble there was, how long recovery took, and the one line that counts."""

from collections import Counter

from bench.report import percentile
from tests.chaos.findings import Fault
from tests.chaos.round import Result
from tests.chaos.trouble import Kind, Point

RECOVERY_LIMIT_S = 60
_WIDTH = max(len(kind) for kind in Kind) + 2


def summary(results: list[Result]) -> str:
    """All of it; the last line is for programs."""
    return "\n".join([troubles(results), requests(results), recovery(results), last_line(results)])


def troubles(results: list[Result]) -> str:
    """How often each kind was made, where. "missed": the run never came to the point, or there was nobody to meet."""
    strikes = [strike for result in results for strike in result.strikes]
    made = Counter((strike.trouble.kind, strike.trouble.point) for strike in strikes if strike.victims)
    missed = Counter(strike.trouble.kind for strike in strikes if not strike.victims)
    lines = [f"{'trouble':{_WIDTH}}" + "".join(f"{point:>15}" for point in Point) + f"{'all':>6}{'missed':>8}"]
    for kind in Kind:
        counts = [made[kind, point] for point in Point]
        cells = "".join(f"{count or '·':>15}" for count in counts)
        lines.append(f"{kind:{_WIDTH}}{cells}{sum(counts):>6}{missed[kind]:>8}")
    return "\n".join(lines)


def requests(results: list[Result]) -> str:
    """How many of each the portal accepted, and what happened outside of it."""
    made = Counter(act for result in results for act in result.accepted)
    outside = Counter(event for result in results for event in result.outside)
    posts = sum(result.posts for result in results)
    return f"accepted: {_counted(made)}\noutside the portal: {_counted(outside)}\nposted by machines: {posts} records"


def _counted(made: Counter[str]) -> str:
    return ", ".join(f"{count} × {what}" for what, count in made.most_common()) or "nothing"


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
