"""A terminal in which somebody types."""

import subprocess
import threading
import time
from types import TracebackType
from typing import IO, Self


class Terminal:
    """A program that runs until its input ends; what it shows is read all the time."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdin
        assert self._process.stdout
        self._input: IO[bytes] = self._process.stdin
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[bytes]) -> None:
        while part := output.read1(4096):  # type: ignore[attr-defined] # a buffered reader, as Popen makes it
            self._shown += part

    @property
    def shown(self) -> str:
        return bytes(self._shown).decode(errors="replace").replace("\r", "")

    def enter(self, line: str) -> None:
        self._input.write(f"{line}\n".encode())
        self._input.flush()

    def wait_for(self, text: str, seconds: float, times: int = 1) -> None:
        """Until it has shown this so often."""
        deadline = time.monotonic() + seconds
        while self.shown.count(text) < times:
            assert time.monotonic() < deadline, f"{text!a} was not shown: {self.shown}"
            assert self._process.poll() is None, f"it has ended: {self.shown}"
            time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._input.close()
