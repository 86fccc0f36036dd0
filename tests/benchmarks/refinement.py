"""From a 30 A reference to the end, beside RELION: 1,000 particles at SNR 0.4, no pose given.

Run by hand: ``python tests/benchmarks/refinement.py [--particles 1000] [--relion] [--auto 5]``. Ours refine with
independent halves: `homogeneous` and `refine3d`; `class3d` with one class is the peer of RELION's Class3D of six
iterations (``--relion``); ``--auto N`` runs RELION's gold-standard refinement on three ranks to iteration N. Times are
of the whole run, after a run on a few particles, which is printed apart; RELION's from when it has read the particles.

Errors are those of the poses as they are; beside them stands the turn that all particles share, which is the map's to
choose, and the median without it. FSC = 0.5 is between the truth and the mean of the half maps, not filtered, once as
they are and once both under the run's own mask; of RELION, its own map, under a soft sphere. It is what a claim at
0.143 should come to. A claim that reads nan says that the curve does not cross before the data end, at 6 A.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pose_sets
from pose_sets import BOX, PIXEL, PoseErrors, apart

START = 30.0
TIMES = " wall s   CPU s  first"
RESOLUTIONS = "common turn, without | truth, masked, claimed, limit [A]"
RADIUS, EDGE = 62.0, 9.0
"""Sphere about the particle, and its soft edge [angstrom]."""

RECIPES = ("homogeneous", "refine3d", "class3d")


def against_truth(density: np.ndarray, truth: np.ndarray, turn: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Return the resolutions at which a map correlates with the truth by 0.5, without a mask and with one.

    `turn` is the common turn of the map: it is taken out where it is more than a tenth of a degree.
    """
    from cryonb.imaging.fourier import half_transform
    from cryonb.imaging.shells import crossing, fourier_shell_correlation

    if pose_sets.angles_between(turn[None], np.eye(3)[None])[0] > 0.1:
        density = turned(density, turn)
    found = {}
    for name, part in {"truth": np.float32(1.0), "masked": mask}.items():
        curve = fourier_shell_correlation(half_transform(density * part), half_transform(truth * part))
        found[name] = BOX * PIXEL / crossing(curve, 0.5)
    return found


def sphere() -> np.ndarray:
    """Return a soft sphere about the particle."""
    z, y, x = (np.indices((BOX,) * 3) - BOX // 2) * PIXEL
    ramp = np.clip((np.sqrt(x**2 + y**2 + z**2) - RADIUS) / EDGE, 0.0, 1.0)
    return (0.5 + 0.5 * np.cos(np.pi * ramp)).astype(np.float32)


def turned(density: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Return a map whose point x holds what was at turn^T x, by splines."""
    from scipy.ndimage import affine_transform

    backward = turn.T[::-1, ::-1]
    centre = np.full(3, BOX // 2, float)
    return affine_transform(density, backward, centre - backward @ centre, order=5).astype(np.float32)


def judged(poses: tuple, density: np.ndarray, made: pose_sets.ParticleSet, mask: np.ndarray) -> dict:
    """Return the errors of a refinement."""
    true = made.rotations, made.shifts
    turn = pose_sets.common_turn(poses[0], true[0])
    return {
        "errors": PoseErrors.of(poses, true),
        "common": float(pose_sets.angles_between(turn[None], np.eye(3)[None])[0]),
        "without": float(np.median(pose_sets.angles_between(poses[0] @ turn, true[0]))),
        **against_truth(np.asarray(density, np.float32), made.density[0], turn.T, mask),
    }


def ours(count: int, snr: float, recipe: str, iterations: int, threads: int) -> list[dict]:
    """Return one row an iteration, with the time until then."""
    import cryonb as cn
    from cryonb.schema import VOLUME, build, grid_coordinates

    warnings.simplefilter("ignore")
    made = pose_sets.make_set(count, snr)
    coords = {**grid_coordinates(BOX, PIXEL), "voxel_size": PIXEL}
    reference = build(VOLUME, {"density": made.density[0]}, coords)
    refine = {"recipe": recipe, "n_iterations": iterations, "initial_lowpass": START}
    groups = {"refine": refine, "compute": {"threads": threads}}
    particles = made.without_poses()
    began = time.perf_counter()
    cn.refine(particles.isel(particle=slice(0, 64)), reference, **groups | {"refine": {**refine, "n_iterations": 1}})
    first = time.perf_counter() - began
    rows, wall, processor = [], 0.0, 0.0
    steps = cn.iterate(particles, reference, **groups)
    while True:
        start, used = time.perf_counter(), time.process_time()
        done = next(steps, None)
        wall, processor = wall + time.perf_counter() - start, processor + time.process_time() - used
        if done is None:
            break
        density = done["half_map"].values.mean(axis=0)
        row = {"iteration": int(done["iteration"]), "wall": wall, "processor": processor, "first": first}
        claimed = {"claimed": float(done["claimed_resolution"]), "limit": float(done["alignment_limit"])}
        mask = done["mask"].values if "mask" in done else sphere()
        rows.append(row | claimed | judged(pose_sets.poses_in(done), density, made, mask))
    rows[-1] |= {"wall": wall, "processor": processor}
    return rows


def relions(count: int, snr: float, auto: int, iterations: int, threads: int) -> list[dict]:
    """Return the last iteration of RELION's Class3D with one class, or of its gold-standard refinement."""
    import mrcfile

    warnings.simplefilter("ignore")
    made = pose_sets.make_set(count, snr)
    with pose_sets.scratch() as folder:
        folder = Path(folder)
        pose_sets.for_relion(folder, made.without_poses(), made.density[:1])
        if auto:
            own = ["--auto_refine", "--split_random_halves", "--low_resol_join_halves", "40", "--norm", "--scale"]
            own += ["--auto_iter_max", str(auto), "--ini_high", f"{START:g}"]
            done = pose_sets.run_relion(folder, [*own, *pose_sets.RELION_COMMON], 1, ranks=3)
        else:
            own = ["--K", "1", "--iter", str(iterations), "--ini_high", f"{START:g}"]
            done = pose_sets.run_relion(folder, [*pose_sets.RELION_SEARCH, *own], threads)
        last = max(int(path.name[6:9]) for path in (folder / "run").glob("run_it*_data.star"))
        table = pose_sets.relion_table(folder, last)
        maps = [mrcfile.read(path) for path in (folder / "run").glob(f"run_it{last:03d}*class001.mrc")]
        claimed = pose_sets.relion_resolution(folder, last)
    row = {"iteration": last, "wall": done.seconds, "processor": done.processor, "first": done.start_up}
    found = judged((table["rotations"], table["shifts"]), np.mean(maps, axis=0), made, sphere())
    return [row | {"claimed": claimed, "limit": np.nan} | found]


def print_row(label: str, row: dict) -> None:
    """Print one line of the table."""
    times = f"{row['wall']:7.1f} {row['processor']:7.1f} {row['first']:6.1f}"
    common = f"{row['common']:5.2f} {row['without']:5.2f}"
    resolutions = " ".join(f"{row[name]:6.1f}" for name in ("truth", "masked", "claimed", "limit"))
    print(f"  {label:18s} {row['iteration']:2d} | {times} | {row['errors']} | {common} | {resolutions}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=1000)
    parser.add_argument("--snr", type=float, default=0.4)
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--iterations", type=int, default=0, help="Of ours; 0 = each recipe's own number.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", action="store_true", help="Print every iteration of ours.")
    parser.add_argument("--relion", action="store_true", help="Run RELION's Class3D, six iterations.")
    parser.add_argument("--auto", type=int, default=0, help="Run RELION's gold-standard refinement to this iteration.")
    arguments = parser.parse_args()
    print(f"{arguments.particles} particles, SNR {arguments.snr:g}, from the true map at {START:g} A")
    print(f"{arguments.threads} threads; {pose_sets.machine()}, load {os.getloadavg()[0]:.1f}")
    print(f"  program iterations | {TIMES} | {PoseErrors.HEADINGS} | {RESOLUTIONS}")
    size = arguments.particles, arguments.snr
    for recipe in arguments.recipes:
        rows = apart(ours, *size, recipe, arguments.iterations, arguments.threads)
        for row in rows if arguments.every else rows[-1:]:
            print_row(recipe, row)
    if arguments.relion and pose_sets.has_relion():
        print_row("RELION Class3D", apart(relions, *size, 0, 6, arguments.threads)[0])
    if arguments.auto and pose_sets.has_relion():
        print_row("RELION auto-refine", apart(relions, *size, arguments.auto, 0, arguments.threads)[0])


if __name__ == "__main__":
    main()
