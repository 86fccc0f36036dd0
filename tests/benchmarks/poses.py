"""Pose search beside RELION: time and errors on the same particles, from the true map low-passed to 12 and to 30 A.

Run by hand: ``python tests/benchmarks/poses.py [--particles 400] [--sets 12:0.1 30:0.1 30:0.02]``; a set is the
resolution of the reference [A] and the SNR of the images. RELION is Debian's package `relion`: one iteration of
relion_refine without its maximization, HEALPix order 2 and one oversampling, shifts within 15 A, two threads; its
start-up (reading, first noise estimate) is taken off. Ours searches the same range of shifts globally and refines what
it keeps, in one process that has searched before; the first search of a new process is printed apart.

The floor is the error of our local search started at the true poses with the same reference; the bound is Cramer-Rao's.
"""

import argparse
import dataclasses
import importlib
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pose_sets
from pose_sets import BOX, PIXEL, PoseErrors, apart, last_shell, low_passed

SHIFT_RANGE = 15.0
"""Largest shift searched along x and y, by both programs [angstrom]."""

STEPS = {
    "references on rings, once": ("cryonb.imaging.sweep", "Sweep", "of"),
    "reading images": ("cryonb.refine.images", "Images", "_drawn"),
    "preparing images": ("cryonb.refine.observed", "Observer", "prepared"),
    "images and transfer in rows": ("cryonb.refine.observed", "Observer", "in_rows"),
    "images and transfer on rings": ("cryonb.refine.observed", "Observer", "on_rings"),
    "shifted images into angular orders": ("cryonb.imaging.sweep", "Sweep", "_orders"),
    "views: products, turns, best ones": ("cryonb.imaging.sweep", "Sweep", "_best_views"),
    "views that lie apart": ("cryonb.imaging.sweep", "Sweep", "_spread"),
    "refinement of candidates": ("cryonb.refine.search", "Seeker", "_refined"),
    "labels": ("cryonb.refine.search", "Seeker", "_labelled"),
}
"""Steps of a search: module, class and method."""

COMPUTE, MEMORY = 247.0, 42.0
"""Ceilings of two threads: float32 matrix products [GFLOP/s] and copies [GB/s]."""


def run_of(particles, resolution: float, threads: int, search: str = "global", backend: str = "numba"):
    """Return the machinery of a refinement about to align some particles."""
    from cryonb.config import RunConfig
    from cryonb.refine.counter import Counter
    from cryonb.refine.prepare import images_of
    from cryonb.refine.run import Run

    refine = dict(search=search, search_resolution=max(12.0, resolution), shift_range=SHIFT_RANGE)
    config = RunConfig.gather(refine=refine, compute=dict(threads=threads, backend=backend))
    images = images_of(particles, config)
    count = len(images)
    half = 1 + np.arange(count) % 2
    return Run(images, np.arange(count), half, images.sampling, config, None, threads, Counter(1.0, None))


def repeated_run(run, times: int):
    """Return the machinery to align the same particles so many times over."""
    rows = np.tile(np.arange(len(run.images)), times)
    half = run.half[rows]
    return dataclasses.replace(run, images=run.images.shown(rows), ids=np.arange(len(rows)), half=half)


def aligned(run, reference: np.ndarray, resolution: float):
    """Return the candidates of all particles of a run; the noise is measured around the particles."""
    members = np.arange(len(run.images))
    limit = last_shell(resolution)
    noise = run.background_noise(members)
    return run.align([run.fourier(reference, limit=limit)], members, limit=limit, noise=noise)


def poses_of(candidates) -> tuple[np.ndarray, np.ndarray]:
    """Return the best rotation and shift [angstrom] of every particle."""
    return candidates.of_best("rotation"), candidates.of_best("shift") * BOX * PIXEL


def ours(count: int, resolution: float, snr: float, threads: int, repeats: int, phantom: dict) -> dict:
    """Return times and errors of our search, and of the local search that starts at the truth."""
    began = time.perf_counter()
    from cryonb.refine import search  # noqa: F401

    warnings.simplefilter("ignore")
    imported = time.perf_counter() - began
    made = pose_sets.make_set(count, snr, **phantom)
    reference = low_passed(made.density[0], resolution)
    run = run_of(made.without_poses(), resolution, threads)
    start = time.perf_counter()
    aligned(run_of(made.without_poses().isel(particle=slice(0, 64)), resolution, threads), reference, resolution)
    first = time.perf_counter() - start
    wall, processor = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        found = aligned(run, reference, resolution)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    true = made.rotations, made.shifts
    floor = aligned(run_of(made.particles, resolution, threads, search="local"), reference, resolution)
    return {
        "first": imported + first,
        "wall": min(wall) / count,
        "processor": min(processor) / count,
        "hypotheses": float(found.hypotheses.mean()),
        "errors": PoseErrors.of(poses_of(found), true),
        "floor": PoseErrors.of(poses_of(floor), true),
        "bound": pose_sets.cramer_rao(made, reference, last_shell(resolution), min(count, 200)),
        "beats": float(np.mean(found.of_best("score") >= floor.of_best("score") - 0.1)),
        "sound": float(np.mean(pose_sets.angles_between(found.of_best("rotation"), floor.of_best("rotation")) < 1.0)),
    }


class Counted:
    """NumPy with its matrix products timed and counted."""

    def __init__(self) -> None:
        self.seconds, self.operations = 0.0, 0.0

    def __getattr__(self, name: str):
        return getattr(np, name)

    def matmul(self, first, second, **options):
        """Return the product, and add its time and its operations to the account."""
        start = time.perf_counter()
        result = np.matmul(first, second, **options)
        self.seconds += time.perf_counter() - start
        self.operations += 2.0 * result.size * first.shape[-1]
        return result


def breakdown(count: int, resolution: float, snr: float, phantom: dict) -> dict:
    """Return the seconds of one search on one thread in each of its steps, and what its matrix products amount to."""
    from cryonb.backends import get_backend

    warnings.simplefilter("ignore")
    made = pose_sets.make_set(count, snr, **phantom)
    reference = low_passed(made.density[0], resolution)
    run = run_of(made.without_poses(), resolution, 1)
    aligned(run, reference, resolution)
    spent = dict.fromkeys(STEPS, 0.0)

    def timed(label, function):
        def call(*arguments, **settings):
            start = time.perf_counter()
            try:
                return function(*arguments, **settings)
            finally:
                spent[label] += time.perf_counter() - start

        return call

    for label, (module, owner, name) in STEPS.items():
        place = getattr(importlib.import_module(module), owner)
        method = place.__dict__[name]
        plain = method.__func__ if isinstance(method, classmethod) else method
        wrapped = timed(label, plain)
        setattr(place, name, classmethod(wrapped) if isinstance(method, classmethod) else wrapped)
    get_backend("numba").xp = products = Counted()
    start = time.perf_counter()
    found = aligned(run, reference, resolution)
    spent["all"] = time.perf_counter() - start
    return {"spent": spent, "matmul": (products.seconds, products.operations), "hypotheses": found.hypotheses.mean()}


def print_breakdown(count: int, resolution: float, snr: float, phantom: dict) -> None:
    """Print where one thread's time goes, and how far it is from the ceilings of the machine."""
    made = apart(breakdown, count, resolution, snr, phantom)
    spent, (seconds, operations) = made["spent"], made["matmul"]
    everything = spent.pop("all")
    spent["the rest, measuring the noise among it"] = everything - sum(spent.values())
    print(f"  where one thread's {1e3 * everything / count:.2f} ms a particle go:")
    for label, part in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"    {label:40s} {1e3 * part / count:7.3f} ms {100 * part / everything:5.1f} %")
    rate, half = operations / seconds / 1e9, COMPUTE / 2
    each = operations / count
    print(
        f"    matrix products among these: {each / 1e6:.0f} Mflop a particle in {1e3 * seconds / count:.3f} ms: ",
        end="",
    )
    print(f"{rate:.0f} GFLOP/s, {100 * rate / half:.0f} % of a thread's {half:.0f}, {each / half / 1e6:.3f} ms at best")
    scanned = 4.0 * made["hypotheses"]
    print(f"    best turns read {scanned / 1e6:.1f} MB a particle, in cache; ", end="")
    print(f"{scanned / MEMORY / 1e6:.3f} ms at the {MEMORY:g} GB/s of memory")


def relions(count: int, resolution: float, snr: float, threads: int, phantom: dict) -> dict:
    """Return times and errors of RELION."""
    warnings.simplefilter("ignore")
    made = pose_sets.make_set(count, snr, **phantom)
    with pose_sets.scratch() as folder:
        folder = Path(folder)
        pose_sets.for_relion(folder, made.without_poses(), made.density[:1])
        one = ["--ini_high", f"{resolution:g}", "--iter", "1", "--K", "1", "--skip_maximize"]
        done = pose_sets.run_relion(folder, [*pose_sets.RELION_SEARCH, *one], threads)
        table = pose_sets.relion_table(folder, 1)
    significant = table["significant"]
    return {
        "first": done.start_up,
        "wall": done.seconds / count,
        "processor": done.processor / count,
        "significant": (float(significant.mean()), float(np.median(significant))),
        "errors": PoseErrors.of((table["rotations"], table["shifts"]), (made.rotations, made.shifts)),
    }


def line(label: str, times: dict | None, errors: PoseErrors | None) -> None:
    """Print one row."""
    cells = f"{1e3 * times['wall']:8.2f} {1e3 * times['processor']:8.2f} {times['first']:6.2f}" if times else 24 * " "
    print(f"  {label:26s} | {cells} | {errors}", flush=True)


def compare(count: int, resolution: float, snr: float, arguments: argparse.Namespace, phantom: dict) -> None:
    """Print the table of one set."""
    print(f"\n{count} particles, SNR {snr:g}, reference low-passed to {resolution:g} A, {arguments.threads} threads:")
    print(f"  {'':26s} | ms wall   ms CPU  first s | {PoseErrors.HEADINGS}")
    theirs = None
    if pose_sets.has_relion() and not arguments.no_relion:
        theirs = apart(relions, count, resolution, snr, arguments.threads, phantom)
        line("RELION 3.1.3", theirs, theirs["errors"])
    mine = apart(ours, count, resolution, snr, arguments.threads, arguments.repeats, phantom)
    line("cryonb", mine, mine["errors"])
    line("floor: local from truth", None, mine["floor"])
    angle, shift = mine["bound"]
    print(f"  {'Cramer-Rao bound':26s} | {24 * ' '} | {angle:6.2f}              | {shift:5.2f}")
    print(f"  hypotheses a particle: cryonb {mine['hypotheses']:,.0f}", end="")
    if theirs:
        mean, median = theirs["significant"]
        print(f"; RELION {pose_sets.RELION_GRID}: mean {mean:,.0f}, median {median:,.0f} significant")
        ratios = (theirs[name] / mine[name] for name in ("wall", "processor"))
        print("  RELION's time over ours: {:.1f} wall, {:.1f} CPU".format(*ratios), end="")
    print(f"\n  error over floor: {mine['errors'].angle / mine['floor'].angle:.3f} in angle, ", end="")
    print(f"{mine['errors'].shift / mine['floor'].shift:.3f} in shift; among those not lost ", end="")
    print(f"{mine['errors'].kept_angle / mine['floor'].kept_angle:.3f}", end=", ")
    print(f"{mine['errors'].kept_shift / mine['floor'].kept_shift:.3f}")
    print(
        f"  scores as high as the floor's: {100 * mine['beats']:.1f} %; "
        f"within a degree of it: {100 * mine['sound']:.1f} %"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=400)
    parser.add_argument("--sets", nargs="+", default=["12:0.1", "30:0.1", "30:0.02"], help="resolution:SNR")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--points", type=int, default=0, help="Points of the phantom; 0 = as dense as a protein's.")
    parser.add_argument("--no-relion", action="store_true")
    parser.add_argument("--no-breakdown", action="store_true")
    arguments = parser.parse_args()
    print("64 px at 3 A, asymmetric helices, CTF, shifts up to 6 A, no poses given")
    print(f"{pose_sets.machine()}, load {os.getloadavg()[0]:.1f}")
    for text in arguments.sets:
        resolution, snr = map(float, text.split(":"))
        compare(arguments.particles, resolution, snr, arguments, {"n_points": arguments.points})
        if not arguments.no_breakdown:
            print_breakdown(min(arguments.particles, 200), resolution, snr, {"n_points": arguments.points})


if __name__ == "__main__":
    main()
