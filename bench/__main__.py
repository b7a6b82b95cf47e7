"""`python -m bench [set-up|runs|recovery|pages|bulk|observer]`: measure, print each figure beside its limit."""

import sys

from bench import bulk, observer, pages, recovery, runs, set_up

PARTS = {
    "set-up": set_up.measure,
    "runs": runs.measure,
    "recovery": recovery.measure,
    "pages": pages.measure,
    "bulk": bulk.measure,
    "observer": observer.measure,
}


def main() -> None:
    """Measure the parts named, or all."""
    for part in sys.argv[1:] or PARTS:
        for figure in PARTS[part]():
            print(figure, flush=True)


if __name__ == "__main__":
    main()
