"""`python -m tests.chaos --rounds N --seed S`: make trouble, and see that nothing is lost."""

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos import full_disk, releases, report
from tests.chaos.session import Session

MOST_SEED = 2**32


def main() -> int:
    """Returns the exit code: 1 unless all went well."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="0 to 2³² - 1; random by default")
    parser.add_argument("--at-once", type=int, default=1, help="rounds played at a time, each in a world of its own")
    parser.add_argument("--small", action="store_true", help="rounds of one workstation, as in make test")
    parser.add_argument("--cancels", action="store_true", help="cancel runs as well")
    parser.add_argument("--release", default=releases.BEFORE, help="the commit whose code every second worker runs")
    spec = parser.parse_args()
    seed = random.randrange(MOST_SEED) if spec.seed is None else spec.seed % MOST_SEED
    full_disk.keep_mounts_to_ourselves()
    with tempfile.TemporaryDirectory(prefix="stationmaster-release-") as folder:
        other, name = releases.check_out(spec.release, Path(folder))
        print(f"chaos: {spec.rounds} rounds with seed {seed}, every second worker of {name}", flush=True)
        session = Session(
            spec.rounds,
            seed,
            at_once=spec.at_once,
            small=spec.small,
            cancels=spec.cancels,
            other_release=other,
        )
        # Ctrl-C: what has been found so far is to be seen. The second one ends everything.
        signal.signal(signal.SIGINT, lambda *_: _end_early(session))
        results = session.play()
    print(report.summary(results))
    return 1 if any(result.findings for result in results) else 0


def _end_early(session: Session) -> None:
    print("chaos: no more rounds; those under way are played to their end", flush=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    session.end_early()


if __name__ == "__main__":
    sys.exit(main())
