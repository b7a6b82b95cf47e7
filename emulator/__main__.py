"""`python -m emulator -- COMMAND`: COMMAND, with a pocket Google Cloud around it."""

import argparse
import asyncio
import logging
import os
import sys

from .faults import FaultError
from .ports import NoPort
from .server import run
from .settings import SettingsError, read_settings
from .store import StoreInUse

EPILOG = "Settings come from the environment (EMULATOR_*) and are listed in emulator/settings.py."
USAGE_ERROR = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__, epilog=EPILOG)
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="without one, serves until interrupted")
    command = parser.parse_args().command
    logging.basicConfig(level=logging.INFO, format="emulator: %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    try:
        return asyncio.run(run(read_settings(os.environ), command, os.environ))
    except (SettingsError, StoreInUse, NoPort, FaultError) as error:
        logging.error("%s", error)  # noqa: TRY400 - the message is for a person; a traceback says nothing more
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
