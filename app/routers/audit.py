"""The admins' page of the audit log, and its downloads."""

import json
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from app.deps import AdminDep, PortalDep, SessionDep
from app.models import Action, AuditEntry
from app.models.audit_entry import KINDS
from app.routers import audit_files, log_files, streams
from app.routers.paging import BelowEntry
from app.services import audit
from app.services.audit import ENTRIES_A_PAGE, AuditFilter
from app.services.terraform.attributes import Attribute
from app.web import field_sentences, render, wants_fragment

router = APIRouter(prefix="/admin")
_PAGES = {"workstation": "/workstations/", "stack": "/workstations/", "run": "/runs/"}
_LISTS = {
    "allowed_ip": "/admin/allowed-ips",
    "iam_admin": "/admin/iam",
    "member": "/admin/members",
    "team": "/admin/members",
    "shared_stack": "/admin/shared-stack",
}
_ANY = [("", "Any")]


@dataclass(frozen=True)
class EntryView:
    """An entry, with its values before and after in the form that the plan's macros show."""

    entry: AuditEntry

    @property
    def joined(self) -> bool:
        """Whether the actor is a new member, who was added by their own sign-in."""
        return self.entry.action == Action.JOIN_MEMBER and self.entry.actor_id == self.entry.thing_id

    @property
    def href(self) -> str | None:
        """The path of the resource's page, if it has one."""
        page = _PAGES.get(self.entry.thing_kind)
        return page + self.entry.thing_id if page else _LISTS.get(self.entry.thing_kind)

    @property
    def attributes(self) -> list[Attribute]:
        """The values before and after, by name."""
        before, after = self.entry.before, self.entry.after
        return [
            Attribute(path=name, before=_text(before.get(name)), after=_text(after.get(name)), note=None)
            for name in dict.fromkeys([*before, *after])
        ]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


@router.get("/audit")
async def page(request: Request, session: SessionDep, _: AdminDep, below: BelowEntry | None = None) -> Response:
    """The newest entries, or those with a smaller number than `below`. Invalid filters are shown with their errors."""
    asked = dict(request.query_params)
    try:
        desired = AuditFilter.model_validate(asked)
    except ValidationError as error:
        context = _context(asked, field_sentences(error.errors()))
        # htmx does not show responses with a status of 4xx.
        status = 200 if wants_fragment(request) else 422
        return render(request, "audit/list.html", context, fragment="audit/_show.html", status=status)
    found = await audit.entries(session, desired, below=below)
    context = {**_context(asked, {}), "entries": [EntryView(entry) for entry in found], "query": _query(desired)}
    if len(found) == ENTRIES_A_PAGE:
        context["older"] = "/admin/audit" + _query(desired, below=str(found[-1].number))
    return render(request, "audit/list.html", context, fragment="audit/_show.html")


def _context(asked: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    return {
        "form": {name: asked.get(name, "") for name in ("person", "action", "kind", "thing", "from", "to")},
        "errors": errors,
        "actions": _ANY + [(action.value, f"{_name_of_kind(action.kind)}: {action.words}") for action in Action],
        "kinds": _ANY + [(kind, _name_of_kind(kind)) for kind in KINDS],
        "entries": [],
        "older": None,
        "query": "",
    }


def _name_of_kind(kind: str) -> str:
    return kind.replace("_", " ").replace("ssh", "SSH").replace("allowed ip", "allowed IP")


def _query(desired: AuditFilter, **more: str) -> str:
    fields = {**desired.as_query, **more}
    return f"?{urlencode(fields)}" if fields else ""


@router.get("/audit.csv")
async def download_csv(portal: PortalDep, _: AdminDep, desired: Annotated[AuditFilter, Query()]) -> StreamingResponse:
    """The filtered entries as CSV."""
    content = audit_files.csv_rows(audit.batches(portal.database, desired))
    return streams.file(content, "audit.csv", "text/csv; charset=utf-8")


@router.get("/audit.jsonl")
async def download_json_lines(
    portal: PortalDep, _: AdminDep, desired: Annotated[AuditFilter, Query()]
) -> StreamingResponse:
    """The filtered entries as JSON Lines."""
    return streams.file(
        audit_files.json_lines(audit.batches(portal.database, desired)), "audit.jsonl", log_files.JSON_LINES
    )
