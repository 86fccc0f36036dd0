"""How often the labels and intervals of a decomposition are right, against particles of which the truth is known.

Run by hand: ``python tests/benchmarks/calibration.py [--seeds 20] [--workers 2] [--out CALIBRATION.md]``.
Every seed makes particles of its own phantom, B factor, noise and number, seen from everywhere or from the top, with
and without contrast transfer; each set is decomposed at pad 1 and 2, with the circle and the square as in-plane limit.

The truth of a shell is FSC(A, T) FSC(B, T), each the square root of signal over power, with A and B the half maps of
the run's own limit and T the phantom as the particles can show it: every point of the padded grid weighted by how
often a half set of as many poses reaches it. Two half maps that miss the same directions cannot tell; beside it stands
the truth against the phantom as it is.
"""

import argparse
import datetime
import itertools
import os
import platform
import subprocess
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

BOX, PIXEL, BINNING, DITHERS = 64, 2.5, 2.0, 4
SPREAD_OF_TOP = 20.0
PADS, LIMITS, POSES, TRANSFERS = (1.0, 2.0), ("circle", "square"), ("uniform", "top"), (False, True)
LABELS = ("measured", "corner", "noise", "support", "no data")
SIGNAL, STRONG, NOTHING = ("measured", "corner"), 0.3, 0.05
HALF_SETS = 20
"""Half sets over which it is averaged how often a point is reached."""


def poses_settings(poses: str) -> dict:
    """Return how particles lie; from the top means within about 60 degrees of it."""
    return {"orientations": poses, "preferred_fraction": 1.0, "preferred_spread": SPREAD_OF_TOP}


def drawn(seed: int) -> dict:
    """Return what a seed decides: falling spectra and faint particles end in band, flat ones in the corner."""
    rng = np.random.default_rng([seed, 5])
    return {
        "b_factor": float(rng.choice([0.0, 60.0, 150.0, 400.0])),
        "snr": float(10.0 ** rng.uniform(-1.5, 0.7)),
        "n_particles": int(rng.choice([300, 600, 900])),
    }


def particles_of(seed: int, poses: str, ctf: bool):
    """Return the phantom of a seed and its particles."""
    from cryonb.phantoms import phantom
    from cryonb.simulate import simulate

    chosen = drawn(seed)
    truth = phantom(box_size=BOX, pixel_size=PIXEL, b_factor=chosen.pop("b_factor"), arrangement=seed)
    particles = simulate(truth, binning=BINNING, ctf=ctf, seed=seed, threads=1, **chosen, **poses_settings(poses))
    return truth["density"].values, particles


@lru_cache(maxsize=64)
def reached(count: int, pad: float, limit: str, poses: str) -> np.ndarray:
    """Return how often a half set of so many poses reaches each point of the padded grid, in the order of an FFT."""
    from cryonb.imaging.fourier import half_radius
    from cryonb.imaging.projector import Grid, in_plane_limit
    from cryonb.imaging.reconstruct import Accumulator
    from cryonb.imaging.rotations import euler_to_matrix
    from cryonb.simulate import simulate

    size = int(BOX / BINNING)
    settings = {"box_size": 16, "pixel_size": 10.0, "binning": 2.0, "snr": 0.0, "ctf": False}
    drawn_poses = simulate(n_particles=HALF_SETS * count, seed=987, threads=1, **settings, **poses_settings(poses))
    angles = (drawn_poses[name].values for name in ("rot", "tilt", "psi"))
    turns = np.ascontiguousarray(euler_to_matrix(*angles)[:, None].astype(np.float32))
    used = in_plane_limit(size, limit, size / 2, pairs="once")
    grid = Grid.of(BOX, pad, "trilinear", size / 2 * (2**0.5 if limit == "square" else 1.0))
    weights = np.broadcast_to(used, (count, *used.shape)).copy()
    share = np.zeros((grid.side, grid.side, grid.reach + 1))
    for start in range(0, len(turns), count):
        accumulator = Accumulator.empty(grid)
        accumulator.insert(weights.astype(np.complex64), weights, turns[start : start + count])
        share += (accumulator.fold()[..., 2] > 0) / HALF_SETS
    seen = np.where(half_radius(grid.padded) > grid.radius + 1, 1.0, 0.0)
    last = min(grid.reach, (grid.padded - 1) // 2)
    lines = np.arange(-last, last + 1)
    held = np.ix_(lines + grid.reach, lines + grid.reach, np.arange(last + 1))
    seen[np.ix_(lines, lines, np.arange(last + 1))] += share[held]
    return np.minimum(seen, 1.0)


def as_seen(density: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return a phantom whose padded transform is weighted by how often its points are reached."""
    from cryonb.imaging.fourier import half_transform, real_space

    padded = seen.shape[0]
    first = padded // 2 - BOX // 2
    inside = (slice(first, first + BOX),) * 3
    wide = np.zeros((padded,) * 3, np.float32)
    wide[inside] = density
    return real_space(half_transform(wide) * seen, padded)[inside]


def true_curve(halves, truth: np.ndarray) -> np.ndarray:
    """Return FSC(A, T) FSC(B, T), zero where either is negative."""
    from cryonb.imaging.fourier import half_transform
    from cryonb.imaging.shells import fourier_shell_correlation

    with_truth = half_transform(truth)
    curves = [fourier_shell_correlation(half_transform(half), with_truth) for half in halves]
    return np.prod(np.clip(np.nan_to_num(curves), 0.0, None), axis=0)


def judged(seed: int, poses: str, ctf: bool) -> list[dict]:
    """Return the decompositions of one set of particles beside the truth."""
    import cryonb as cn

    warnings.simplefilter("ignore")
    density, particles = particles_of(seed, poses, ctf)
    count, rows = particles.sizes["particle"] // 2, []
    for pad, limit in itertools.product(PADS, LIMITS):
        groups = {
            "box": {"box_size": BOX, "pad_factor": pad, "limit": limit},
            "compute": {"threads": 1, "seed": seed},
        }
        found = cn.diagnose(particles, "decomposition", dithers=DITHERS, surrogates=0, config=groups)
        halves = cn.reconstruct(particles, groups)["half_map"].values
        component = "dithered" if limit == "square" else "dithered_circle"
        setting = {"seed": seed, "poses": poses, "ctf": ctf, "pad": pad, "limit": limit}
        rows.append(
            setting
            | {
                "measured": found["fsc"].sel(component=component).values[1:],
                "half_width": found["fsc_spread"].sel(component=component).values[1:],
                "band": found["band"].values[1:].astype(str),
                "true": true_curve(halves, as_seen(density, reached(count, pad, limit, poses)))[1:],
                "true_whole": true_curve(halves, density)[1:],
            }
        )
    return rows


def all_rows(seeds: range, workers: int) -> list[dict]:
    """Return every decomposition, made in processes of their own."""
    tasks = list(itertools.product(seeds, POSES, TRANSFERS))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [row for rows in pool.map(judged, *zip(*tasks)) for row in rows]


def figures(rows: list[dict], truth: str = "true") -> dict[str, float]:
    """Return the shares that a calibration is judged by, in percent, with the numbers of shells behind them."""
    join = {name: np.concatenate([row[name] for row in rows]) for name in ("measured", "half_width", "band", truth)}
    true, labelled = join[truth], np.isin(join["band"], SIGNAL)
    data = np.isin(join["band"], (*SIGNAL, "noise"))
    nothing, strong = true < NOTHING, true > STRONG
    covered = np.abs(join["measured"] - true) <= join["half_width"]
    share = {
        "false": (nothing, labelled),
        "false with data": (nothing & data, labelled),
        "missed": (strong, ~labelled),
        "covered": (data, covered),
    }
    values = {name: 100.0 * hit[among].mean() if among.any() else np.nan for name, (among, hit) in share.items()}
    return values | {f"{name} of": int(among.sum()) for name, (among, _) in share.items()}


def confusion(rows: list[dict]) -> list[str]:
    """Return the table of labels against the truth."""
    band = np.concatenate([row["band"] for row in rows])
    true = np.concatenate([row["true"] for row in rows])
    classes = {
        f"above {STRONG}": true > STRONG,
        f"{NOTHING} to {STRONG}": (true >= NOTHING) & (true <= STRONG),
        f"below {NOTHING}": true < NOTHING,
    }
    lines = [f"| true FSC | {' | '.join(LABELS)} |", "|---" * (len(LABELS) + 1) + "|"]
    for name, chosen in classes.items():
        counts = " | ".join(str(int((band[chosen] == label).sum())) for label in LABELS)
        lines.append(f"| {name} | {counts} |")
    return lines


def setting_table(rows: list[dict]) -> list[str]:
    """Return one line a setting, and one for all."""
    lines = [
        "| pad | limit | poses | CTF | false signal | of shells with data | missed signal | interval holds truth | "
        "holds whole phantom's |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for pad, limit, poses, ctf in itertools.product(PADS, LIMITS, POSES, TRANSFERS):
        wanted = {"pad": pad, "limit": limit, "poses": poses, "ctf": ctf}
        chosen = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
        lines.append(f"| {pad:g} | {limit} | {poses} | {'yes' if ctf else 'no'} | {_line_of(chosen)} |")
    return [*lines, f"| all | | | | {_line_of(rows)} |"]


def _line_of(rows: list[dict]) -> str:
    got, whole = figures(rows), figures(rows, "true_whole")
    names = ("false", "false with data", "missed", "covered")
    parts = [f"{got[name]:.2f} % of {got[f'{name} of']}" if got[f"{name} of"] else "none" for name in names]
    return " | ".join([*parts, f"{whole['covered']:.1f} %"])


def commit() -> str:
    """Return the commit that is checked out."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True).stdout.strip()


def circumstances(seeds: range, seconds: float, code: str) -> str:
    """Return when, with what and on what the table was made."""
    import numba
    import scipy

    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return (
        f"{datetime.date.today()}, commit {code}, "
        f"`python tests/benchmarks/calibration.py --seeds {len(seeds)} --first {seeds[0]}`; "
        f"{seconds / 60:.0f} minutes on {os.cpu_count()} cores ({processor}); Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}, Numba {numba.__version__}."
    )


def report(rows: list[dict], seeds: range, seconds: float, code: str) -> str:
    """Return the page."""
    whole = figures(rows, "true_whole")
    return "\n".join(
        [
            "# Calibration of the decomposition",
            "",
            circumstances(seeds, seconds, code),
            "",
            f"{len(rows)} decompositions of 300 to 900 particles of {BOX / BINNING:.0f} px into a box of {BOX}, "
            f"{DITHERS} turned grids; helix phantoms of B factors 0 to 400 A^2, SNR 0.03 to 5. Poses from the top are "
            f"spread by {SPREAD_OF_TOP:g} degrees, up to some 60.",
            "",
            "The truth of a shell is FSC(A, T) FSC(B, T), with T the phantom as that many poses can show it: each "
            "point of the padded grid is weighted by how often a half set reaches it. Two half maps that miss the same "
            "directions agree all the same, so that no half-map FSC can know of them; the last column of the second "
            "table is against the phantom as it is. Signal = bands measured and corner. False: signal where the true "
            f"FSC is below {NOTHING}; missed: none where it is above {STRONG}. The interval is `fsc_spread` about the "
            "dithered curve of the run's own limit, on shells that hold data; its constants were fitted to seeds 0 to "
            "19. Shell 0 is left out.",
            "",
            *confusion(rows),
            "",
            *setting_table(rows),
            "",
            f"Against the phantom as it is: {whole['false']:.2f} % false, {whole['missed']:.2f} % missed, "
            f"{whole['covered']:.1f} % covered.",
            "",
        ]
    )


def main() -> None:
    """Write the page, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="Sets of particles a setting.")
    parser.add_argument("--first", type=int, default=20, help="First seed; the intervals were fitted to seeds 0 to 19.")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="Processes.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "CALIBRATION.md", help="Page to write.")
    parser.add_argument("--shells", type=Path, default=None, help="Also keep the numbers of every shell (.npz).")
    arguments = parser.parse_args()
    start, code = time.perf_counter(), commit()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    rows = all_rows(seeds, arguments.workers)
    page = report(rows, seeds, time.perf_counter() - start, code)
    arguments.out.write_text(page, encoding="utf-8")
    print(page)
    if arguments.shells:
        np.savez(arguments.shells, **{name: np.stack([row[name] for row in rows]) for name in rows[0]})


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
