"""Reconstruction of 2,000 particles with CTF, beside RELION's relion_reconstruct in the same run.

Run by hand: ``python tests/benchmarks/reconstruction.py``. RELION is Debian's package `relion`; without it, only our
own times are printed. Both make two half maps: RELION by two runs with --subset, whose wall times are added; ours in
one process that has made a reconstruction before (its start-up is printed apart), reading included.
"""

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

N_PARTICLES = 2000
REPEATS = 3
WARM = """
import sys, time
start = time.perf_counter()
from cryonb.io import open_particles
from cryonb.refine.loop import reconstruct
path, pad, threads, repeats = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
def once(particles):
    return reconstruct(particles, box=dict(pad_factor=pad), compute=dict(threads=threads))
once(open_particles(path).isel(particle=slice(0, 64)))
first = time.perf_counter() - start
times = []
for _ in range(repeats):
    start = time.perf_counter()
    once(open_particles(path))
    times.append(time.perf_counter() - start)
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(first, min(times), int(peak.split()[1]) / 1024)
"""


def make_particles(folder: Path, box: int) -> Path:
    """Write a simulated data set and return its table."""
    from cryonb.io import write_star
    from cryonb.simulate import simulate

    path = folder / f"box{box}.star"
    write_star(simulate("helices", box_size=box, pixel_size=3.0, n_particles=N_PARTICLES, snr=0.1, seed=1), path)
    return path


def ours(star: Path, pad: float, threads: int) -> tuple[float, float, float]:
    """Return the seconds to the first small result in a new process, of a warm run, and the peak memory [MiB]."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", WARM, str(star), str(pad), str(threads), str(REPEATS)]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return tuple(map(float, out.split()))


def relions(star: Path, pad: float) -> tuple[float, float]:
    """Return the seconds of both subset runs together, and the peak memory of one [MiB]."""
    totals, memory = [], 0.0
    for _ in range(REPEATS):
        total = 0.0
        for subset in ("1", "2"):
            command = ["relion_reconstruct", "--i", star.name, "--o", "relion.mrc", "--ctf", "--pad", str(int(pad))]
            command += ["--skip_gridding", "--subset", subset]
            start = time.perf_counter()
            child = subprocess.Popen(command, cwd=star.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            total += time.perf_counter() - start
            if status:
                raise SystemExit(f"relion_reconstruct failed with status {status}")
            memory = max(memory, usage.ru_maxrss / 1024)
        totals.append(total)
    return min(totals), memory


def kernel_rates(box: int, pad: float = 2.0) -> tuple[float, float]:
    """Return images per second of insertion (with weights) and of projection, one thread, warm."""
    import numpy as np

    from cryonb.imaging.projector import Grid, fourier_volume, in_plane_limit, slices
    from cryonb.imaging.reconstruct import Accumulator
    from cryonb.imaging.rotations import random_rotations

    rng, count = np.random.default_rng(0), 64000 // box
    rotations = random_rotations(count, rng)
    turns = np.ascontiguousarray(rotations[:, None].astype(np.float32))
    inside = in_plane_limit(box, "circle", pairs="once")
    weights = np.broadcast_to(inside, (count, *inside.shape)).copy()
    values = ((rng.normal(size=weights.shape) + 1j * rng.normal(size=weights.shape)) * weights).astype(np.complex64)
    accumulator = Accumulator.empty(Grid.of(box, pad, "trilinear", box / 2))
    volume = fourier_volume(rng.normal(size=(box,) * 3).astype(np.float32), pad, max_index=box / 2)

    def rate(call) -> float:
        call()
        times = []
        for _ in range(7):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return count / min(times)

    insertion = rate(lambda: accumulator.insert(values, weights, turns))
    return insertion, rate(lambda: slices(volume, rotations, inside))


def floors(box: int, pad: float) -> str:
    """Return what one image needs at least: coefficients, bytes and operations of insertion and projection."""
    coefficients = 3.14159 * box**2 / 8
    inserted = coefficients * (12 + 8 * 12 * 2)
    read = coefficients * (8 * 8 + 8)
    return (
        f"box {box}: {coefficients:.0f} coefficients an image; insertion moves {inserted / 1e6:.2f} MB and does "
        f"{coefficients * 110 / 1e6:.2f} Mflop, projection {read / 1e6:.2f} MB and {coefficients * 60 / 1e6:.2f} Mflop"
    )


def import_cost() -> float:
    """Return the seconds that `import cryonb` adds to `import numpy, xarray`."""
    code = "import numpy, xarray, time; s = time.perf_counter(); import cryonb; print(time.perf_counter() - s)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(run.stdout) for run in runs)


def apart(function, *arguments):
    """Return what a function returns in a process of its own: children inherit the peak memory of their parent."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128])
    boxes = parser.parse_args().boxes
    print(f"import cryonb adds {import_cost():.3f} s to numpy and xarray\n")
    print("Kernels, one thread, pad 2, warm [images/s]:")
    for box in boxes:
        insertion, projection = apart(kernel_rates, box)
        print(f"  box {box:4d}: insertion {insertion:8.0f}   projection {projection:8.0f}")
        print(f"  {floors(box, 2.0)}")
    print(f"\nBoth half maps of {N_PARTICLES} particles with CTF, best of {REPEATS}:")
    print("  box  pad | ours 1 thread  2 threads  first in process  peak MiB | RELION 2 runs  peak MiB | time  memory")
    with tempfile.TemporaryDirectory() as folder:
        for box in boxes:
            star = apart(make_particles, Path(folder), box)
            for pad in (1.0, 2.0):
                _, one, _ = ours(star, pad, 1)
                first, two, memory = ours(star, pad, 2)
                row = f"  {box:4d} {pad:4.0f} | {one:11.2f} s {two:8.2f} s {first:15.2f} s {memory:9.0f} |"
                if shutil.which("relion_reconstruct"):
                    theirs, their_memory = relions(star, pad)
                    row += f" {theirs:11.2f} s {their_memory:9.0f} | {two / theirs:.2f}x  {memory / their_memory:.2f}x"
                print(row, flush=True)


if __name__ == "__main__":
    main()
