"""`python -m emulator -- COMMAND`: run COMMAND with an emulated Google Cloud."""

import argparse
import asyncio
import logging
import os
import sys

from emulator.cloud.faults import FaultError
from emulator.core.settings import SettingsError, read_settings
from emulator.core.store import StoreInUse
from emulator.server.run import run
from emulator.web.ports import NoPort

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
    except OSError as error:
        if error.filename is None:
            raise
        # The data folder is read-only, or the disk is full.
        logging.error("%s cannot be used: %s", error.filename, error.strerror)  # noqa: TRY400 - as above
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
