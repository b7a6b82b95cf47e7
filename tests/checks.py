"""The checks beside the tests: format, lint, types, layers, templates, Terraform's format. `python -m tests.checks`."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.infra import terraform

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def commands() -> list[list[str]]:
    """Each check's command."""
    fmt = terraform.command(
        terraform.executable(""), "fmt", "terraform", check=terraform.FLAG, recursive=terraform.FLAG
    )
    return [
        [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
        [str(BIN / "ruff"), "check", "--quiet", "."],
        [str(BIN / "mypy")],
        [str(BIN / "lint-imports")],
        [str(BIN / "djlint"), "app/templates", "emulator", "--lint", "--check", "--quiet"],
        fmt,
    ]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """One check, from the project's folder."""
    environment = terraform.environment() if "terraform" in command[0] else None
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def main() -> int:
    """Run all, two at a time; print what failed."""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, commands()))
    for result in results:
        name = " ".join([Path(result.args[0]).name, *result.args[1:]])
        print(f"{'failed' if result.returncode else 'ok':7}{name}")
        if result.returncode:
            print(result.stdout + result.stderr)
    return 1 if any(result.returncode for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
