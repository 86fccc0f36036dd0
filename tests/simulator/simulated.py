"""Run in a process of its own, with Numba's CUDA simulator: every recorded launch again, by the GPU backend's code.

What was launched, over what, and how far each argument is from what the CPU left in it goes to a file, as JSON.
"""

import json
import sys
import traceback
import warnings

import numpy as np
from simulator.launches import EXAMPLES, Launch, launches_of

from cryonb.backends import gpu_kernels


def repeated(launch: Launch) -> tuple:
    """Return the arguments of a launch after the simulator has run it on those from before."""
    gpu_kernels.start(gpu_kernels.kernel(launch.maker, launch.constants), launch.shape, launch.taken)
    return launch.before


def compared(launch: Launch) -> dict:
    """Return how far the simulator's results are from the CPU's, and how much the CPU changed, of the largest value."""
    changed = [_distance(before, after) for before, after in zip(launch.before, launch.after)]
    apart = [_distance(mine, after) for mine, after in zip(repeated(launch), launch.after)]
    return {"maker": launch.maker.__name__, "changed": max(changed), "apart": max(apart)}


def _distance(first, second) -> float:
    first, second = np.asarray(first), np.asarray(second)
    if not np.array_equal(np.isfinite(first), np.isfinite(second)):
        return float("inf")
    known = np.isfinite(second)
    scale = np.abs(second[known]).max(initial=0.0) or 1.0
    return float(np.abs(first[known] - second[known]).max(initial=0.0) / scale)


def main(target: str) -> None:
    """Write what came of every example: a list of comparisons, or a sentence of what went wrong."""
    warnings.simplefilter("ignore")
    found = {}
    for name in EXAMPLES:
        try:
            found[name] = [compared(launch) for launch in launches_of(name)]
        except Exception:
            found[name] = traceback.format_exc()
    with open(target, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(sys.argv[1])
