"""`python -m tests.chaos --rounds N --seed S`: kill things, and see that nothing is lost."""

import argparse
import random
import sys

from tests.chaos import report
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
    spec = parser.parse_args()
    seed = random.randrange(MOST_SEED) if spec.seed is None else spec.seed % MOST_SEED
    print(f"chaos: {spec.rounds} rounds with seed {seed}", flush=True)
    results = Session(spec.rounds, seed, at_once=spec.at_once, small=spec.small, cancels=spec.cancels).play()
    print(report.summary(results))
    return 1 if any(result.findings for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
