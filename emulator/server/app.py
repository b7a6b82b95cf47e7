"""The whole HTTP server, put together on one page."""

from asgi_cross_origin_protection import CrossOriginProtection
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulator.api.admin import AdminApi
from emulator.api.call_log import CallLog
from emulator.api.compute import ComputeApi
from emulator.api.home import HomePage
from emulator.api.metadata import MetadataApi
from emulator.api.project import ProjectApi
from emulator.api.secret_manager import SecretManagerApi
from emulator.api.sign_in import SignInApi
from emulator.api.terraform import TerraformApi
from emulator.cloud.cloud import Cloud
from emulator.core.rate_limit import RateLimit
from emulator.core.settings import Settings
from emulator.machines.manager import MachineManager
from emulator.openid.grants import Grants
from emulator.openid.keys import Signer
from emulator.web.pages import STYLE, Pages


def create_app(
    cloud: Cloud, manager: MachineManager, settings: Settings, url: str, client: tuple[str, str]
) -> Starlette:
    """`client` is the id and secret that the sign-in endpoint accepts."""
    clock = cloud.context.clock
    calls = CallLog(cloud.store, clock)
    limit = RateLimit(settings.guest_attributes_per_minute, clock)
    pages = Pages()
    admin = AdminApi(cloud, manager)
    signer = Signer(cloud.store, url, client[0], session_age_claims=settings.session_age_claims)
    sign_in = SignInApi(
        url=url,
        browser_url=settings.browser_url or url,
        client=client,
        grants=Grants(clock),
        signer=signer,
        pages=pages,
        clock=clock,
    )
    routes: list[BaseRoute] = [
        Route("/_emulator/style.css", _style),
        *HomePage(cloud, admin, pages, settings.ssh_port).routes(),
        *admin.routes(),
        *MetadataApi(cloud, manager, limit, signer).routes(),
        *TerraformApi(cloud, calls).routes(),
        *ComputeApi(cloud, manager, calls, limit).routes(),
        *SecretManagerApi(cloud, calls).routes(),
        *ProjectApi(cloud, calls).routes(),
        *sign_in.routes(),
    ]
    # Pages elsewhere on the web must not be able to change anything here.
    middleware = [Middleware(CrossOriginProtection)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={404: _no_such_call})


async def _style(request: Request) -> Response:
    return FileResponse(STYLE)


async def _no_such_call(request: Request, error: Exception) -> Response:
    message = f"The emulator does not have this call: {request.method} {request.url.path}"
    return JSONResponse({"error": {"code": 404, "message": message}}, 404)
