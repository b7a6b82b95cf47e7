"""The process that Terraform starts: a gRPC server on a Unix socket, announced on standard output."""

import functools
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from emulator.provider.facts_file import Facts
from emulator.provider.schema_cache import schema_bytes
from emulator.provider.wire import CALLS

COOKIE = "TF_PLUGIN_MAGIC_COOKIE"
CLIENT_CERTIFICATE = "PLUGIN_CLIENT_CERT"
CORE_PROTOCOL, PLUGIN_PROTOCOL = 1, 5
THREADS = 24  # Terraform works on ten resources at once, and Stop must get through besides
ORPHAN_CHECK_SECONDS = 5.0
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def main(version: str, schema_cache: str) -> None:
    """Serve until Terraform says Shutdown, or is gone."""
    if COOKIE not in os.environ:
        sys.exit("This is a plugin: Terraform starts it.")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt goes to the whole group; Terraform sends Stop instead
    done = threading.Event()
    server = grpc.server(ThreadPoolExecutor(THREADS), options=OPTIONS)
    server.add_generic_rpc_handlers(_handlers(version, Path(schema_cache), done))
    folder = _socket_folder()
    socket = folder / "s"
    certificate = _listen(server, f"unix:{socket}")
    server.start()
    sys.stdout.write(f"{CORE_PROTOCOL}|{PLUGIN_PROTOCOL}|unix|{socket}|grpc|{certificate}\n")
    sys.stdout.flush()
    _wait(done)
    socket.unlink(missing_ok=True)
    folder.rmdir()
    os._exit(0)  # threads that wait for abandoned operations must not hold the process


def _socket_folder() -> Path:
    """A new folder with a short name, since the path of a socket can have at most 107 characters."""
    folder = Path(os.environ.get("TMPDIR") or "/tmp") / f"tfg{os.urandom(6).hex()}"  # noqa: S108  # made private
    folder.mkdir(mode=0o700)
    return folder


def _listen(server: Any, address: str) -> str:
    """Open the socket, with mutual TLS when Terraform asks for it; the certificate to announce, or nothing."""
    if CLIENT_CERTIFICATE not in os.environ:
        server.add_insecure_port(address)
        return ""
    from emulator.provider.tls import self_signed  # takes longer to import than everything else

    identity = self_signed()
    # grpc would refuse Terraform's certificate, which no authority signed, so none is demanded.
    server.add_secure_port(address, grpc.ssl_server_credentials([(identity.key, identity.certificate)]))
    return identity.announcement


def _wait(done: threading.Event) -> None:
    parent = os.getppid()
    while not done.wait(ORPHAN_CHECK_SECONDS):
        if os.getppid() != parent:
            return


def _handlers(version: str, schema_cache: Path, done: threading.Event) -> tuple[Any, ...]:
    facts = Facts(version)
    provider = _LazyProvider(facts)

    def shut_down(request: bytes, context: Any) -> bytes:
        done.set()
        return b""

    calls = {name: _unary(functools.partial(provider.call, name)) for name in CALLS}
    calls["GetSchema"] = _unary(lambda request, context: schema_bytes(facts, schema_cache))
    return (
        grpc.method_handlers_generic_handler("tfplugin5.Provider", calls),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": _unary(shut_down)}),
        grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": _silence()}),
    )


class _LazyProvider:
    """The provider proper, imported at the first call that needs it: serving the stored schema does not."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._provider: Any = None
        self._lock = threading.Lock()

    def call(self, name: str, request: bytes, context: Any) -> bytes:
        try:
            return bytes(self._get().call(name, request))
        except Exception as error:  # a defect here is to be read in Terraform's own output
            traceback.print_exc()
            context.abort(grpc.StatusCode.INTERNAL, f"emulated provider, {name}: {error!r}")
            raise

    def _get(self) -> Any:
        with self._lock:
            if self._provider is None:
                from emulator.provider.service import Provider

                self._provider = Provider(self._facts)
            return self._provider


def _unary(handle: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(handle)


def _silence() -> Any:
    return grpc.unary_stream_rpc_method_handler(lambda request, context: iter(()))
