"""Reads the serial console of a machine, once for each boot and whenever somebody asks for it."""

import structlog
from google.api_core.exceptions import BadRequest, NotFound

from app.models import Workstation
from app.services.workstations import consoles
from app.worker.claim import Tools
from app.worker.errors import GOOGLE_ERRORS

log = structlog.get_logger()
_OFF = "Google has the serial console of running machines only."
_AWAY = "Google did not return the serial console. Try again later."


async def read_console(tools: Tools, name: str) -> None:
    """Read the console that this inspection is of, and keep it. If that fails, keep why, in the portal's own words:
    Google's name accounts and permissions."""
    workstation_id, _ = consoles.parts_of(name)
    async with tools.database.sessions() as session:
        workstation = await session.get(Workstation, workstation_id)
    if workstation is None or workstation.is_destroyed:
        return
    output, problem = "", None
    try:
        output = await tools.compute.serial_console(workstation.zone, workstation.resource_name)
    except GOOGLE_ERRORS as error:
        log.warning("a serial console could not be read", workstation=workstation_id, error=str(error))
        problem = _OFF if isinstance(error, BadRequest | NotFound) else _AWAY
    async with tools.database.sessions.begin() as session:
        await consoles.keep(tools.context(session), name, output, problem)
