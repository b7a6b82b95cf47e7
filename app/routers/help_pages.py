"""Short pages of help, linked from the pages where they help."""

from fastapi import APIRouter, Request, Response

from app.deps import MemberDep
from app.models.workstation import DEVICE_PATH, MOUNT_POINT
from app.web import render

TOPICS = {
    "ssh": "Your first SSH connection",
    "vs-code": "VS Code and Cursor",
    "disk": "Disks: what stays and what is deleted",
    "gpu": "GPU and driver",
    "host-key": "“Remote host identification has changed”",
    "spot": "Spot machines",
}
"""Path → title."""
router = APIRouter(prefix="/help")


@router.get("")
async def index(request: Request, _: MemberDep) -> Response:
    """All topics."""
    return render(request, "help/index.html", {"topics": TOPICS})


def _add(topic: str, title: str) -> None:
    """One path for each topic."""

    async def show(request: Request, _: MemberDep) -> Response:
        context = {"title": title, "mount_point": MOUNT_POINT, "device_path": DEVICE_PATH}
        return render(request, f"help/{topic}.html", context)

    router.add_api_route(f"/{topic}", show, methods=["GET"], name=f"help: {topic}")


for _topic, _title in TOPICS.items():
    _add(_topic, _title)
