"""Google's place taken: the run limits of stopped machines."""

from datetime import timedelta

from app.infra.run_limits import RunLimits


class LimitsInMemory(RunLimits):
    """Of one machine, which is stopped whenever its limit is set."""

    def __init__(self) -> None:
        super().__init__("project", "")
        self.limit: timedelta | None = None
        self.troubles: list[Exception] = []
        """What the next calls raise."""

    async def set(self, zone: str, instance: str, limit: timedelta | None) -> bool:
        if self.troubles:
            raise self.troubles.pop(0)
        before, self.limit = self.limit, limit
        return before != limit
