"""How long a model thinks."""

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Fixed with `seconds` alone; even between it and `most`; log-normal around it with `sigma`."""

    seconds: float = 0.0
    most: float | None = None
    sigma: float = 0.0

    def sample(self, chance: random.Random) -> float:
        if self.sigma > 0 and self.seconds > 0:
            drawn = chance.lognormvariate(math.log(self.seconds), self.sigma)
            return min(drawn, self.most) if self.most is not None else drawn
        if self.most is not None:
            return chance.uniform(self.seconds, self.most)
        return self.seconds
