"""`python -m emulator.facts [PACKAGE …]`: generate the provider's facts from wheels, which are downloaded if none
are given."""

import sys
import tempfile
from pathlib import Path

from emulator.facts.build import write
from emulator.facts.packages import RELEASES, download


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        given = [Path(argument) for argument in arguments]
        packages = given or [download(release, Path(directory)) for release in RELEASES]
        for path in write(packages):
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
