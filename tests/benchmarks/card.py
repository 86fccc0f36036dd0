"""A machine as benchmarks see it: a timer that waits for it, and the ceilings that it reaches by itself.

What gpu.py and gpu_kernels.py share. Everything runs on any backend: on the CPU it rehearses what a card will do.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Card:
    """A backend, and how much work a measurement may be.

    Attributes
    ----------
    backend : Backend
        The machine.
    small : bool
        Whether this is a rehearsal: sizes that show nothing but that all runs.
    """

    backend: Any
    small: bool = False

    def wait(self) -> None:
        """Wait until all that was asked for is done: a copy to the host comes after everything before it."""
        self.backend.download(self.backend.xp.zeros(1, np.float32))

    def seconds(self, work: Callable[[], Any], repeats: int = 5) -> float:
        """Return the shortest time of some work, done once before."""
        work()
        times = []
        for _ in range(1 if self.small else repeats):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            times.append(time.perf_counter() - start)
        return min(times)


@dataclasses.dataclass(frozen=True)
class Ceilings:
    """What a machine reaches where nothing else is in the way.

    Attributes
    ----------
    copy : float
        Reading and writing memory in a copy [byte/s].
    product : float
        Products of float32 matrices [flop/s].
    upload : float
        Arrays of the host that are fed, the copy into pinned memory included [byte/s].
    """

    copy: float
    product: float
    upload: float

    @classmethod
    def of(cls, card: Card) -> "Ceilings":
        """Measure them."""
        xp, edge = card.backend.xp, 256 if card.small else 8192
        first = xp.ones(2**18 if card.small else 2**28, np.float32)
        second = xp.zeros_like(first)
        copied = card.seconds(lambda: xp.copyto(second, first))
        one = xp.ones((edge, edge), np.float32)
        other = xp.zeros_like(one)
        multiplied = card.seconds(lambda: xp.matmul(one, one, out=other))
        host, times = np.ones(2**18 if card.small else 2**26, np.float32), 4 if card.small else 16

        def fed() -> None:
            for _ in card.backend.feed(lambda _: host, range(times)):
                pass

        return cls(2 * first.nbytes / copied, 2 * edge**3 / multiplied, times * host.nbytes / card.seconds(fed, 2))

    def __str__(self) -> str:
        return (
            f"copy {self.copy / 1e9:.0f} GB/s (read and written), float32 matrix products {self.product / 1e12:.2f} "
            f"TFLOP/s, fed from the host {self.upload / 1e9:.1f} GB/s"
        )


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest difference of two arrays over the largest value of the second."""
    return float(np.nanmax(np.abs(first - second)) / np.nanmax(np.abs(second)))
