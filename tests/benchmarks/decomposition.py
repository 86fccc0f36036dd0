"""The whole decomposition of 1,000 particles, 64 pixels into a box of 128 voxels: time, memory, and where it goes.

Run by hand: ``python tests/benchmarks/decomposition.py``. Nothing else takes a curve apart; beside it stands what
RELION's relion_reconstruct (Debian's package `relion`) needs for as many half maps of the same box, without turning
grids, reading back, or stand-in images: the particles are padded to 128 pixels in Fourier space for it first.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N_PARTICLES, PIXELS, BOX, REPEATS = 1000, 64, 128, 3
DITHERS, SURROGATES = 4, 4
HALF_MAPS = 4 + 2 * DITHERS + 4 * SURROGATES + 2

WARM = """
import sys, time, warnings
warnings.simplefilter("ignore")
import cryonb as cn
particles = cn.open_particles(sys.argv[1])
config = dict(box=dict(box_size=int(sys.argv[2]), pad_factor=2.0), compute=dict(threads=int(sys.argv[3])))
start = time.perf_counter()
cn.diagnose(particles.isel(particle=slice(0, 64)), "decomposition", config=config, dithers=1, surrogates=1)
first = time.perf_counter() - start
times = []
for _ in range(int(sys.argv[4])):
    start = time.perf_counter()
    cn.diagnose(particles, "decomposition", config=config, dithers=4, surrogates=4)
    times.append(time.perf_counter() - start)
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(first, min(times), int(peak.split()[1]) / 1024)
"""

STEPS = {
    "images into weighted transforms": ("cryonb.refine.prepare", "Weigher.__call__"),
    "insertion": ("cryonb.imaging.reconstruct", "Accumulator.insert"),
    "division and back to real space": ("cryonb.refine.half_map", "divide_and_transform"),
    "reading turned grids back": ("cryonb.refine.operator", "read_back"),
    "stand-in images": ("cryonb.refine.stand_in", "_seen_with_noise"),
    "noise spectrum and scene": ("cryonb.diagnostics.decomposition", "scene_of"),
    "correlations": ("cryonb.diagnostics.correlations", "Correlations._add"),
    "half transforms": ("cryonb.refine.operator", "half_transform"),
    "weights and prediction": ("cryonb.diagnostics.parts", "part_of"),
}


def make_particles(folder: Path) -> Path:
    """Write a simulated data set and return its table."""
    from cryonb.io import write_star
    from cryonb.simulate import simulate

    path = folder / "particles.star"
    write_star(simulate("helices", n_particles=N_PARTICLES, binning=BOX / PIXELS, snr=20.0, seed=1), path)
    return path


def ours(star: Path, threads: int) -> tuple[float, float, float]:
    """Return the seconds of the first small run in a new process, of a warm run, and the peak memory [MiB]."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", WARM, str(star), str(BOX), str(threads), str(REPEATS)]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return tuple(map(float, out.split()))


def shares(star: Path) -> dict[str, float]:
    """Return the seconds that each step takes in a run on one thread, and "all"."""
    import importlib

    import cryonb as cn
    from cryonb.diagnostics import decomposition

    spent: dict[str, float] = dict.fromkeys(STEPS, 0.0)

    def timed(label, function):
        def call(*arguments, **settings):
            start = time.perf_counter()
            try:
                return function(*arguments, **settings)
            finally:
                spent[label] += time.perf_counter() - start

        return call

    particles = cn.open_particles(star)
    config = dict(box=dict(box_size=BOX, pad_factor=2.0), compute=dict(threads=1))
    cn.diagnose(particles.isel(particle=slice(0, 64)), "decomposition", config=config, dithers=1, surrogates=1)
    for label, (module, name) in STEPS.items():
        owner = importlib.import_module(module)
        *path, last = name.split(".")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, timed(label, getattr(owner, last)))
    decomposition.part_of = timed("weights and prediction", decomposition.part_of)
    start = time.perf_counter()
    cn.diagnose(particles, "decomposition", config=config, dithers=DITHERS, surrogates=SURROGATES)
    return {**spent, "all": time.perf_counter() - start}


def relions(star: Path) -> float:
    """Return the seconds of relion_reconstruct for one half map of the same box."""
    import cryonb as cn
    from cryonb.imaging.fourier import resize
    from cryonb.io import write_star
    from cryonb.schema import PARTICLES, build, grid_coordinates

    particles = cn.open_particles(star).compute()
    pixels = resize(particles["image"].values, BOX, 2)
    grid = grid_coordinates(BOX, float(particles["pixel_size"]) * PIXELS / BOX)
    variables = {name: particles[name].values for name in particles.data_vars if name != "image"}
    coords = {"particle": particles["particle"].values, "y": grid["y"], "x": grid["x"]}
    coords |= {"optics": particles["optics"].values, "pixel_size": float(particles["pixel_size"]) * PIXELS / BOX}
    wide = star.with_name("wide.star")
    write_star(build(PARTICLES, {"image": pixels, **variables}, coords), wide)
    times = []
    for subset in ("1", "2", "1"):
        command = [
            "relion_reconstruct",
            "--i",
            wide.name,
            "--o",
            "relion.mrc",
            "--ctf",
            "--pad",
            "2",
            "--skip_gridding",
        ]
        start = time.perf_counter()
        subprocess.run([*command, "--subset", subset], cwd=star.parent, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def floors() -> str:
    """Return what the work needs at least."""
    half = N_PARTICLES / 2
    circle, square = 3.14159 * PIXELS**2 / 8, PIXELS**2 / 2
    squares, circles = 2 + DITHERS + 2 * SURROGATES + 2, 2 + DITHERS + 2 * SURROGATES
    inserted = half * (squares * square + circles * circle)
    points, fine = 4.18879 * (BOX / 2) ** 3 / 2, (1.25 * BOX) ** 3
    return (
        f"insertion: {inserted / 1e6:.1f} million coefficients, {inserted * 204 / 1e9:.1f} GB moved, "
        f"{inserted * 110 / 1e9:.1f} Gflop; read-back: {2 * DITHERS} transforms, each a complex128 FFT of "
        f"{1.25 * BOX:.0f}^3 ({5 * fine * 22 / 1e9:.2f} Gflop) and {points / 1e3:.0f} thousand points of 11^3 "
        f"neighbours ({points * 11**3 * 4 / 1e9:.1f} Gflop); {HALF_MAPS} inverse transforms of {2 * BOX}^3, cropped"
    )


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        star = make_particles(Path(folder))
        print(f"{N_PARTICLES} particles, {PIXELS} pixels into {BOX} voxels, pad 2, trilinear, with CTF, both limits,")
        print(f"{DITHERS} turned grids, {SURROGATES} surrogates, pure noise: {HALF_MAPS} half maps; best of {REPEATS}:")
        for threads in (1, 2):
            first, seconds, memory = ours(star, threads)
            print(f"  {threads} thread(s): {seconds:6.2f} s, peak {memory:5.0f} MiB (first small run {first:.1f} s)")
        if shutil.which("relion_reconstruct"):
            one = relions(star)
            print(f"  relion_reconstruct, one half map: {one:.2f} s; {HALF_MAPS} of them: {one * HALF_MAPS:.1f} s")
        spent = shares(star)
        everything = spent.pop("all")
        print(f"\nWhere one thread's {everything:.2f} s go:")
        for label, seconds in sorted(spent.items(), key=lambda item: -item[1]):
            print(f"  {label:34s} {seconds:6.2f} s  {100 * seconds / everything:4.0f} %")
        rest = everything - sum(spent.values())
        print(f"  {'the rest':34s} {rest:6.2f} s  {100 * rest / everything:4.0f} %")
        print(f"\nThe work: {floors()}")


if __name__ == "__main__":
    main()
