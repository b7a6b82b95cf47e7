"""/api/v1/infrastructure: what is shared, how it is doing, and the lines to use it. No passwords."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.deps import MemberDep, PortalDep, SessionDep
from app.models import SharedStackStatus
from app.routers.api.shapes import errors
from app.services import inspections
from app.services.runs import stacks
from app.services.shared import infrastructure, infrastructure_state
from app.services.shared.infrastructure_parts import Part
from app.services.shared.infrastructure_state import Light

router = APIRouter(prefix="/api/v1/infrastructure", tags=["infrastructure"], responses=errors(401))


class LightAnswer(BaseModel):
    """How a part is doing, as a worker saw it at `looked_at`."""

    tone: str = Field(examples=["ok", "busy", "warn", "bad", "idle"])
    word: str
    detail: str


class SnippetAnswer(BaseModel):
    """Lines to copy."""

    title: str
    text: str
    note: str


class PartAnswer(BaseModel):
    """One part that is there."""

    key: str = Field(examples=["mlflow", "docker", "pypi", "storage", "sql", "kubernetes", "network", "gcloud"])
    title: str
    facts: dict[str, str] = Field(description="Facts by name. Outputs of terraform/shared have the same name here.")
    snippets: list[SnippetAnswer]
    light: LightAnswer | None


class InfrastructureAnswer(BaseModel):
    """The shared infrastructure as applied last."""

    status: SharedStackStatus
    applied_at: datetime | None
    looked_at: datetime | None = Field(description="When a worker last checked it.")
    parts: list[PartAnswer]


@router.get("")
async def read_infrastructure(portal: PortalDep, session: SessionDep, member: MemberDep) -> InfrastructureAnswer:
    """The parts that are there, with what the member who asks needs."""
    stack = await stacks.shared(session)
    outputs = stack.outputs if stack else {}
    who = infrastructure.viewer(stack, member, portal.settings)
    around = await infrastructure.surroundings(session, stack, portal.settings)
    inspection = await inspections.read(session, infrastructure_state.INSPECTION)
    lights = infrastructure_state.lights_of(inspection)
    found = infrastructure.parts(outputs, who, around, portal.settings)
    return InfrastructureAnswer(
        status=stack.status if stack else SharedStackStatus.ABSENT,
        applied_at=stack.applied_at if stack else None,
        looked_at=inspection.taken_at if inspection else None,
        parts=[_answer(part, lights.get(part.key)) for part in found],
    )


def _answer(part: Part, light: Light | None) -> PartAnswer:
    return PartAnswer(
        key=part.key,
        title=part.title,
        facts={fact.name: fact.value for fact in part.facts},
        snippets=[SnippetAnswer(title=each.title, text=each.text, note=each.note) for each in part.snippets],
        light=LightAnswer(tone=light.tone, word=light.word, detail=light.detail) if light else None,
    )
