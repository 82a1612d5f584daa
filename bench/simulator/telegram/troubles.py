"""What can be made to go wrong: faults of the Bot API, its limits, and the manner of delivery."""

from dataclasses import asdict

from bench.simulator.faults import Fault, Faults, Kind
from bench.simulator.home import Home, at_home
from bench.simulator.telegram.limits import Limits
from bench.simulator.telegram.postman import Manner


class Troubles:
    """The tester's side of the fake."""

    home: Home

    def __init__(self, seed: int) -> None:
        self.limits = Limits()
        self.manner = Manner()
        self._faults = Faults(seed)

    @at_home
    def fail(
        self,
        kind: Kind = "status",
        *,
        status: int = 500,
        method: str | None = None,
        chat_id: int | None = None,
        token: str | None = None,
        retry_after: float | None = None,
        seconds: float = 0.0,
        description: str = "",
        count: int | None = None,
        probability: float = 1.0,
        for_seconds: float | None = None,
    ) -> Fault:
        """Order a fault; without `count` and `for_seconds` it lasts until `heal`."""
        where = {"method": method, "chat_id": chat_id, "token": token}
        fault = Fault(
            kind,
            {name: value for name, value in where.items() if value is not None},
            status,
            retry_after,
            seconds,
            description,
            probability,
            count,
        )
        return self._faults.add(fault, for_seconds=for_seconds)

    @at_home
    def heal(self) -> None:
        """End all faults."""
        self._faults.clear()

    @at_home
    def limit(
        self,
        *,
        enforced: bool = True,
        bot_per_second: int = 30,
        chat_per_second: float = 1.0,
        chat_burst: int = 3,
        group_per_minute: int = 20,
    ) -> None:
        """Refuse with 429 what breaks the limits on sending, or only count it; counting begins anew."""
        self.limits.set(Limits(enforced, bot_per_second, chat_per_second, chat_burst, group_per_minute))

    @at_home
    def deliver(
        self,
        *,
        copies: int | None = None,
        copy_chance: float | None = None,
        deaf_chance: float | None = None,
        together: bool | None = None,
        retry: bool | None = None,
        retry_base: float | None = None,
        retry_cap: float | None = None,
        attempts: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change how updates are delivered (see `Manner`); what is not given stays."""
        given = {
            "copies": copies,
            "copy_chance": copy_chance,
            "deaf_chance": deaf_chance,
            "together": together,
            "retry": retry,
            "retry_base": retry_base,
            "retry_cap": retry_cap,
            "attempts": attempts,
            "timeout": timeout,
        }
        for name, value in given.items():
            if value is not None:
                setattr(self.manner, name, value)

    def _calm(self) -> None:
        """All as it was at the start."""
        self._faults.clear()
        self.limits.set(Limits())
        self.deliver(**asdict(Manner()))
