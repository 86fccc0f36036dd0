"""Two conformations told apart, beside RELION's Class3D: the share of particles in the right class, over the SNR.

Run by hand: ``python tests/benchmarks/classes.py [--particles 500] [--snr 0.8 0.4 0.2 0.1] [--shares 50,50 80,20]``.
The second conformation has one of its four bodies turned about a hinge. No pose is given. Both programs make eight
iterations from the same start: both true maps low-passed to 40 A, or with ``--start one`` their mean alone, from which
each program makes its two classes different in its own way. RELION is Debian's package `relion`: K = 2, HEALPix order
2 with one oversampling, T = 4, two threads. A class is named after the conformation that most of its particles show.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pose_sets
from pose_sets import PIXEL, PoseErrors, apart

ITERATIONS, START = 8, 40.0
RECIPES = {
    "class3d, posterior": ("class3d", {"assignment": "posterior"}, {}),
    "class3d, hard": ("class3d", {"assignment": "hard"}, {}),
    "heterogeneous, posterior": ("heterogeneous", {"assignment": "posterior"}, {"box_size": pose_sets.BOX}),
    "heterogeneous, hard": ("heterogeneous", {"assignment": "hard"}, {"box_size": pose_sets.BOX}),
}
TIMES = "wall s   CPU s first s"
ENOUGH = 95.0
"""Share that counts as told apart [%]."""


def set_of(count: int, snr: float, shares: str, motion: float) -> pose_sets.ParticleSet:
    """Return particles of two conformations; the variance of the signal is that of both together."""
    return pose_sets.make_set(count, snr, n_classes=2, motion=motion, class_shares=shares)


def starts_of(made: pose_sets.ParticleSet, start: str) -> list[np.ndarray]:
    """Return the maps that both programs begin with, before their low-pass filter."""
    return list(made.density) if start == "two" else [made.density.mean(axis=0)]


def right(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Return the share of particles in the right class, and the share of the smaller class found [%]."""
    same = 100.0 * float(np.mean(found == true))
    smaller = 100.0 * min(np.mean(found == 1), np.mean(found == 2))
    return max(same, 100.0 - same), float(smaller)


def ours(count: int, snr: float, shares: str, recipe: str, arguments: dict) -> dict:
    """Return what one recipe makes of the particles; its second run, after one on a few particles."""
    import cryonb as cn
    from cryonb.schema import VOLUME, build, grid_coordinates

    warnings.simplefilter("ignore")
    made = set_of(count, snr, shares, arguments["motion"])
    name, params, box = RECIPES[recipe]
    maps = starts_of(made, arguments["start"])
    coords = {**grid_coordinates(pose_sets.BOX, PIXEL), "voxel_size": PIXEL}
    references = [build(VOLUME, {"density": density}, coords) for density in maps]
    refine = {"recipe": name, "n_classes": 2, "n_iterations": ITERATIONS, "initial_lowpass": START, "params": params}
    groups = {"refine": refine, "box": box, "compute": {"threads": arguments["threads"]}}
    particles = made.without_poses()
    began = time.perf_counter()
    few = groups | {"refine": {**refine, "n_iterations": 1}}
    cn.refine(particles.isel(particle=slice(0, 64)), references, **few)
    first = time.perf_counter() - began
    start, used = time.perf_counter(), time.process_time()
    done = cn.refine(particles, references, **groups)
    return {
        "first": first,
        "wall": time.perf_counter() - start,
        "processor": time.process_time() - used,
        "right": right(done["class_number"].values, made.particles["class_number"].values),
        "errors": PoseErrors.of(pose_sets.poses_in(done), (made.rotations, made.shifts)),
        "iterations": int(done["iteration"]),
    }


def relions(count: int, snr: float, shares: str, arguments: dict) -> dict:
    """Return what RELION's Class3D makes of the particles."""
    warnings.simplefilter("ignore")
    made = set_of(count, snr, shares, arguments["motion"])
    with pose_sets.scratch() as folder:
        folder = Path(folder)
        pose_sets.for_relion(folder, made.without_poses(), starts_of(made, arguments["start"]))
        wanted = ["--K", "2", "--iter", str(ITERATIONS), "--ini_high", f"{START:g}"]
        done = pose_sets.run_relion(folder, [*pose_sets.RELION_SEARCH, *wanted], arguments["threads"])
        table = pose_sets.relion_table(folder, ITERATIONS)
    return {
        "first": done.start_up,
        "wall": done.seconds,
        "processor": done.processor,
        "right": right(table["class_number"], made.particles["class_number"].values),
        "errors": PoseErrors.of((table["rotations"], table["shifts"]), (made.rotations, made.shifts)),
        "iterations": ITERATIONS,
    }


def compare(snr: float, shares: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Print the rows of one set, and return the shares that are right."""
    given, found = vars(arguments), {}
    rows = {name: (ours, name) for name in arguments.recipes}
    if pose_sets.has_relion() and not arguments.no_relion:
        rows = {"RELION 3.1.3 Class3D": (relions,), **rows}
    for label, (function, *more) in rows.items():
        made = apart(function, arguments.particles, snr, shares, *more, given)
        share, smaller = made["right"]
        found[label] = share
        print(
            f"  {snr:5g} | {shares:5s} | {label:24s} | {share:5.1f} % | {smaller:4.1f} % | {made['wall']:7.1f} "
            f"{made['processor']:7.1f} {made['first']:5.1f} | {made['errors']}",
            flush=True,
        )
    return found


def main() -> None:
    """Print the table, and the lowest SNR at which each program tells the conformations apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=500)
    parser.add_argument("--snr", type=float, nargs="+", default=[0.8, 0.4, 0.2, 0.1])
    parser.add_argument("--shares", nargs="+", default=["50,50", "80,20"])
    parser.add_argument("--motion", type=float, default=30.0, help="Turn of the moving body [degree].")
    parser.add_argument("--start", choices=("two", "one"), default="two")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-relion", action="store_true")
    arguments = parser.parse_args()
    print(f"{arguments.particles} particles of two conformations, {arguments.motion:g} degrees apart, 64 px at 3 A,")
    start = f"{ITERATIONS} iterations from {arguments.start} start(s) at {START:g} A"
    print(f"{start}; {pose_sets.machine()}, load {os.getloadavg()[0]:.1f}")
    print(f"    SNR | share | program                  |  right  | small. | {TIMES} | {PoseErrors.HEADINGS}")
    least: dict[tuple[str, str], float] = {}
    for shares in arguments.shares:
        for snr in arguments.snr:
            for label, share in compare(snr, shares, arguments).items():
                if share >= ENOUGH:
                    least[label, shares] = min(snr, least.get((label, shares), np.inf))
    print(f"\nLowest SNR at which {ENOUGH:g} % are right:")
    for (label, shares), snr in least.items():
        print(f"  {label:24s} {shares:5s} {snr:g}")


if __name__ == "__main__":
    main()
