"""Which part of a long list or log is asked for, as queries of pages and of the API have it."""

from typing import Annotated, Literal

from fastapi import Query

MOST_ROWS = 2**31 - 1
"""Postgres counts lines and rows in an integer of 32 bits; a larger number would be an error of its, not ours."""
MOST_ENTRIES = 2**63 - 1
"""Postgres numbers the audit's entries in 64 bits."""

Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=MOST_ROWS)]
After = Annotated[int, Query(ge=0, le=MOST_ROWS)]
"""The number of the last line of a log that somebody has."""

Below = Annotated[int, Query(ge=1, le=MOST_ROWS)]
"""The lowest number of a page that is read from its highest number on."""

BelowEntry = Annotated[int, Query(ge=1, le=MOST_ENTRIES)]
"""The number of the last entry of the audit that somebody has."""

Sort = Annotated[Literal["created", "name", "owner", "status", "type", "zone", "hours", "used"], Query()]
"""By which a list of workstations is sorted (services/workstations/listing.py)."""

AfterId = Annotated[str, Query(max_length=20, pattern="^[a-z0-9]*$")]
"""The id of the last row that somebody has; empty for the beginning."""

Boot = Annotated[str, Query(max_length=100, pattern="^[a-z0-9.-]*$")]
"""The id of a boot; empty for none."""
