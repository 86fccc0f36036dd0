"""What a card does: kernels beside floors measured on the same card, whole runs beside the CPU, and if they agree.

Run by hand on a machine with an NVIDIA card: ``python tests/benchmarks/gpu.py [--parts kernels halves search ...]``.
It prints tables in Markdown for RESULTS.md. ``--backend numba --small`` rehearses it on a CPU: sizes that show nothing
but that all of it runs. Times are of warm runs: kernels compiled, transforms planned.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import gpu_kernels
import numpy as np
from card import Card, Ceilings, difference, table

HERE = Path(__file__).resolve().parent
AGREE = 1e-4
"""Half maps of card and CPU may differ by this much of the largest voxel."""


def heading(card: Card, ceilings: Ceilings) -> str:
    """Return what is measured, where, and with which versions."""
    from importlib import metadata

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout
    names = ("numpy", "scipy", "numba", "numba-cuda", "cupy-cuda13x", "cupy-cuda12x", "cufinufft", "finufft")
    held = []
    for name in names:
        try:
            held.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    command = " ".join(["python", "tests/benchmarks/gpu.py", *sys.argv[1:]])
    return (
        f"{time.strftime('%Y-%m-%d')}, commit {commit.strip() or 'unknown'}, `{command}`. {card.backend.describe()}; "
        f"{os.cpu_count()} CPU cores, {platform.system()}, Python {platform.python_version()}, {', '.join(held)}.\n\n"
        f"Ceilings measured in the same run: {ceilings}."
    )


def written(folder: Path, name: str, **settings) -> Path:
    """Return the table of a simulated data set."""
    from cryonb.io import write_star
    from cryonb.simulate import simulate

    path = folder / f"{name}.star"
    write_star(simulate("helices", seed=1, **settings), path)
    return path


def repeated(star: Path, times: int) -> Path:
    """Return a table that lists the particles of another so many times over: as many reads, a smaller file."""
    lines = star.read_text(encoding="utf-8").splitlines()
    again = [line for line in lines if "@" in line]
    place = max(number for number, line in enumerate(lines) if "@" in line) + 1
    path = star.with_name(f"{star.stem}_{times}.star")
    path.write_text("\n".join([*lines[:place], *again * (times - 1), *lines[place:]]) + "\n", encoding="utf-8")
    return path


def timed(work) -> tuple[float, object]:
    """Return the seconds of some work, and its result."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def halves(card: Card, folder: Path) -> str:
    """Compare half maps of card and CPU, for several settings of the operator."""
    import cryonb as cn

    count, pixels = (60, 24) if card.small else (2000, 64)
    particles = cn.open_particles(
        written(folder, "halves", n_particles=count, box_size=pixels, pixel_size=192.0 / pixels, snr=0.5)
    )
    settings = {
        "pad 2, circle": {},
        "pad 1, square, finer box": dict(box_size=2 * pixels, pad_factor=1, limit="square"),
        "Kaiser-Bessel, binned": dict(kernel="kaiser_bessel", binning=1.5),
        "cubic, finer box": dict(resample="cubic", box_size=2 * pixels),
    }
    rows = []
    for name, box in settings.items():
        cn.reconstruct(particles, box=box, compute=dict(backend=card.backend.name))
        there, on_card = timed(
            lambda box=box: cn.reconstruct(particles, box=box, compute=dict(backend=card.backend.name))
        )
        here, on_cpu = timed(lambda box=box: cn.reconstruct(particles, box=box, compute=dict(backend="numba")))
        apart = difference(on_card["half_map"].values, on_cpu["half_map"].values)
        assert apart <= AGREE, f"half maps differ by {apart:.1e} for {name}"
        curve = float(np.nanmax(np.abs(on_card["fsc_unmasked"].values - on_cpu["fsc_unmasked"].values)))
        rows.append([name, f"{there:.2f}", f"{here:.2f}", f"{here / there:.1f}", f"{apart:.1e}", f"{curve:.1e}"])
    head = ["setting", "s, this backend", "s, CPU", "ratio", "half maps differ by", "curves differ by"]
    return f"Half maps of {count} particles of {pixels} pixels, CTF.\n\n{table(head, rows)}"


def search(card: Card, folder: Path) -> str:
    """Time the pose search, global and local, of many particles; compare poses with the CPU's on some of them."""
    import pose_sets
    import poses

    made = pose_sets.make_set(40 if card.small else 1000, 0.1)
    rows = []
    for resolution in (30.0,) if card.small else (12.0, 30.0):
        reference = pose_sets.low_passed(made.density[0], resolution)
        few = poses.run_of(made.without_poses(), resolution, os.cpu_count(), backend="numba")
        poses.aligned(few, reference, resolution)
        here, known = timed(
            lambda few=few, reference=reference, resolution=resolution: poses.aligned(few, reference, resolution)
        )
        run = poses.run_of(made.without_poses(), resolution, os.cpu_count(), backend=card.backend.name)
        found = poses.aligned(run, reference, resolution)
        turned = pose_sets.angles_between(found.of_best("rotation"), known.of_best("rotation"))
        same = float(np.mean(turned < 0.1))
        assert same > 0.97, f"{same:.1%} of the poses are the CPU's"
        times = 2 if card.small else 100
        many = poses.repeated_run(run, times)
        there, _ = timed(
            lambda many=many, reference=reference, resolution=resolution: poses.aligned(many, reference, resolution)
        )
        count = len(many.images)
        rows.append(
            [
                f"{resolution:g} A", f"{count:,}", f"{there:.1f}", f"{1e3 * there / count:.3f}",
                f"{1e3 * here / len(few.images):.2f}", f"{here / len(few.images) / (there / count):.0f}", f"{same:.1%}",
            ]
        )  # fmt: skip
    head = [
        "reference",
        "particles",
        "s",
        "ms a particle",
        "CPU, ms a particle",
        "ratio",
        "poses within 0.1 degree of the CPU's",
    ]
    return f"Pose search, global and local, 64 pixels, CTF, SNR 0.1, shifts within 15 A.\n\n{table(head, rows)}"


def decomposition(card: Card, folder: Path) -> str:
    """Time the whole decomposition, and compare every component with the CPU's."""
    import cryonb as cn

    count, pixels, box = (60, 24, 48) if card.small else (1000, 64, 128)
    star = written(
        folder, "parts", n_particles=count, box_size=box, pixel_size=192.0 / box, binning=box / pixels, snr=20.0
    )
    particles = cn.open_particles(star)
    runs = dict(dithers=1, surrogates=1) if card.small else dict(dithers=4, surrogates=4)

    def on(name: str):
        config = dict(box=dict(box_size=box, pad_factor=2.0), compute=dict(backend=name))
        return cn.diagnose(particles, "decomposition", config=config, **runs)

    on(card.backend.name)
    there, parts = timed(lambda: on(card.backend.name))
    here, known = timed(lambda: on("numba"))
    apart = float(np.nanmax(np.abs(parts["fsc"].values - known["fsc"].values)))
    assert apart <= 10 * AGREE, f"components differ by {apart:.1e}"
    head = ["s, this backend", "s, CPU", "ratio", "components differ by"]
    text = f"Decomposition of {count} particles, {pixels} into {box} voxels, pad 2: {runs['dithers']} turned grids."
    return f"{text}\n\n{table(head, [[f'{there:.2f}', f'{here:.2f}', f'{here / there:.1f}', f'{apart:.1e}']])}"


def many_images(card: Card, folder: Path) -> str:
    """Reconstruct many large images from a file, beside what reading, feeding and inserting alone take."""
    import cryonb as cn
    from cryonb.config import RunConfig
    from cryonb.refine.counter import Counter
    from cryonb.refine.half_map import accumulated
    from cryonb.refine.prepare import images_of

    count, box, times = (40, 32, 3) if card.small else (1000, 256, 50)
    star = written(folder, "many", n_particles=count, box_size=box, pixel_size=384.0 / box, snr=0.1)
    particles = cn.open_particles(repeated(star, times))
    config = RunConfig.gather(compute=dict(backend=card.backend.name))
    images = images_of(particles, config)
    step = card.backend.together(32, box * box * 60.0)
    slices = [slice(start, min(start + step, len(images))) for start in range(0, len(images), step)]

    def fed() -> None:
        for _ in images.fed(card.backend, slices):
            pass
        card.wait()

    reading, _ = timed(lambda: [images.read(one) for one in slices[:4]])
    read = sum(one.stop - one.start for one in slices[:4])
    fed()
    accumulated(images.shown(np.arange(min(len(images), 2 * step))), os.cpu_count(), Counter(1.0, None))
    feeding, _ = timed(fed)

    def inserted() -> None:
        accumulated(images, os.cpu_count(), Counter(1.0, None))
        card.wait()

    inserting, _ = timed(inserted)
    whole, _ = timed(lambda: cn.reconstruct(particles, compute=dict(backend=card.backend.name)))
    rate = gpu_kernels.insertion(card, Ceilings(1.0, 1.0, 1.0), box, 8 if card.small else 512)[1]
    rows = [
        ["reading alone, one thread", f"{read / reading:,.0f}"],
        ["read ahead and uploaded, nothing computed", f"{len(images) / feeding:,.0f}"],
        ["insertion alone, of images on the card", rate],
        ["read, uploaded, transformed, weighed and inserted, all", f"{len(images) / inserting:,.0f}"],
        [f"cn.reconstruct of all {len(images):,}: {whole:.1f} s", f"{len(images) / whole:,.0f}"],
    ]
    text = f"{len(images):,} images of {box} pixels ({count:,} in the file, each read {times} times)."
    return f"{text}\n\n{table(['step', 'images/s'], rows)}"


PARTS = {"halves": halves, "search": search, "decomposition": decomposition, "many_images": many_images}


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    from cryonb.backends import available, get_backend

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="cupy", help="what is measured")
    parser.add_argument("--small", action="store_true", help="rehearse: sizes that show nothing")
    parser.add_argument("--parts", nargs="+", choices=["kernels", *PARTS], default=["kernels", *PARTS])
    chosen = parser.parse_args(arguments)
    if reason := available().get(chosen.backend, "no such backend"):
        raise SystemExit(f"{chosen.backend} does not work here: {reason}")
    warnings.simplefilter("ignore")
    card = Card(get_backend(chosen.backend), chosen.small)
    ceilings = Ceilings.of(card)
    print(heading(card, ceilings), flush=True)
    if "kernels" in chosen.parts:
        print("\n" + table(gpu_kernels.HEAD, gpu_kernels.rows(card, ceilings)), flush=True)
    for name in chosen.parts:
        if name in PARTS:
            with tempfile.TemporaryDirectory() as folder:
                print("\n" + PARTS[name](card, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
