"""Look through terraform/ for what is unsafe: `python tools/checkov.py`. Exits with 1 where something was found.

checkov lives in an environment of its own, made on first use: it brings a hundred packages, in versions that ours do
not go with. A finding that is to stay has its reason beside it, as `#checkov:skip=ID:reason`.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "3.3.30"
ENVIRONMENT = ROOT / ".checkov" / VERSION
PROGRAM = ENVIRONMENT / "bin" / "checkov"


def install() -> None:
    """Make the environment, unless it is there."""
    if PROGRAM.exists():
        return
    sys.stdout.write(f"Installing checkov {VERSION} (once) ...\n")
    sys.stdout.flush()
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"checkov=={VERSION}"], check=True)


def main() -> int:
    """Run it; what it prints are its findings."""
    install()
    # Nothing is fetched: no rules of a platform, no modules from elsewhere.
    options = ["--framework", "terraform", "--skip-download", "--quiet", "--compact"]
    return subprocess.run([str(PROGRAM), "--directory", "terraform", *options], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
