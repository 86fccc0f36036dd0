"""Particles of known pose, RELION's relion_refine on them, and how far found poses are from the true ones.

What poses.py, classes.py and refinement.py share. The phantom is the asymmetric one of ideal helices, 64 pixels of
3 A, with contrast transfer and shifts of up to 6 A; images and map are scaled so that the noise has variance one, as
RELION wants its particles. Neither program is told any pose: tables hold zeros in their place.
"""

import dataclasses
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import xarray as xr

BOX, PIXEL = 64, 3.0
CONFORMATIONS = ("n_classes", "motion", "n_points", "radius", "b_factor", "arrangement")
SHIFT_SIGMA, SHIFT_LIMIT = 4.0, 6.0
NOISE_STREAM = 5
"""Stream of randomness of the noise, as in the simulator."""

FILTER_EDGE = 2.0
"""Width of the cosine edge of RELION's first low-pass filter [shell]."""

FAR = 10.0
"""An angular error of more than this counts as a lost particle [degree]."""

RELION_COMMON = [
    *("--pool", "30", "--pad", "2", "--ctf", "--ctf_corrected_ref", "--particle_diameter", "170", "--flatten_solvent"),
    *("--zero_mask", "--oversampling", "1", "--healpix_order", "2", "--offset_range", "5", "--offset_step", "2"),
    *("--sym", "C1", "--preread_images", "--random_seed", "1"),
]
RELION_SEARCH = [*RELION_COMMON, "--norm", "--scale", "--tau2_fudge", "4"]
RELION_GRID = "4,608 orientations x 21 shifts = 96,768 a particle and class, then 8 x 4 times finer where significant"


@dataclasses.dataclass(frozen=True)
class ParticleSet:
    """Particles with noise of variance one, and the maps that they show in the same grey scale.

    Attributes
    ----------
    particles : xarray.Dataset
        With true poses and classes.
    density : ndarray, (classes, n, n, n), float32
        The maps.
    """

    particles: xr.Dataset
    density: np.ndarray

    @property
    def rotations(self) -> np.ndarray:
        """True rotations, (m, 3, 3)."""
        from cryonb.imaging.rotations import euler_to_matrix

        return euler_to_matrix(*(self.particles[name].values for name in ("rot", "tilt", "psi")))

    @property
    def shifts(self) -> np.ndarray:
        """True shifts, (m, 2) [angstrom]."""
        return np.stack([self.particles[name].values for name in ("shift_x", "shift_y")], axis=1)

    def without_poses(self) -> xr.Dataset:
        """Return the particles as a user would bring them: no pose, no shift, no class."""
        count = self.particles.sizes["particle"]
        nothing = {name: np.zeros(count) for name in ("rot", "tilt", "psi", "shift_x", "shift_y")}
        return _with(self.particles, class_number=np.ones(count, np.int64), **nothing)


def make_set(count: int, snr: float, seed: int = 1, **settings) -> ParticleSet:
    """Return simulated particles; `settings` are fields of the simulation, of the phantom among them."""
    import cryonb as cn
    from cryonb.imaging.noise import white_noise

    conformations = {name: settings.pop(name) for name in CONFORMATIONS if name in settings}
    truth = cn.phantom("helices", box_size=BOX, pixel_size=PIXEL, **conformations)
    chosen = {"n_particles": count, "seed": seed, "shift_sigma": SHIFT_SIGMA, "shift_limit": SHIFT_LIMIT} | settings
    clean = cn.simulate(truth, snr=0.0, threads=2, **chosen)
    images = clean["image"].values
    sigma = np.sqrt(np.mean(images.var(axis=(1, 2), dtype=np.float64)) / snr)
    noisy = images / np.float32(sigma) + white_noise(seed, NOISE_STREAM, np.arange(count), BOX)
    density = truth["density"].values.reshape(-1, BOX, BOX, BOX) / np.float32(sigma)
    return ParticleSet(_with(clean, image=noisy), density)


def _with(particles: xr.Dataset, **values: np.ndarray) -> xr.Dataset:
    """Return particles with other values, labels and units kept."""
    return particles.assign({name: particles[name].copy(data=data) for name, data in values.items()})


def low_passed(density: np.ndarray, resolution: float) -> np.ndarray:
    """Return a map as RELION's --ini_high leaves it: half the amplitude at the resolution, a cosine edge about it."""
    from cryonb.imaging.fourier import half_radius, half_transform, real_space

    first = BOX * PIXEL / resolution - FILTER_EDGE / 2
    inside = np.clip((half_radius(BOX) - first) / FILTER_EDGE, 0.0, 1.0)
    kept = (0.5 + 0.5 * np.cos(np.pi * inside)).astype(np.float32)
    return real_space(half_transform(density) * kept, BOX).astype(np.float32)


def last_shell(resolution: float) -> float:
    """Return where the edge of that filter ends [1 / field of view]."""
    return BOX * PIXEL / resolution + FILTER_EDGE / 2


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run of another program.

    Attributes
    ----------
    folder : Path
        Where it wrote.
    start_up : float
        Seconds until it had read the particles and begun to compare.
    seconds : float
        Seconds from there to the end, by the wall clock.
    processor : float
        Seconds of all its threads, start-up included.
    """

    folder: Path
    start_up: float
    seconds: float
    processor: float


def has_relion() -> bool:
    """Return whether RELION is installed."""
    return shutil.which("relion_refine") is not None


def for_relion(folder: Path, particles: xr.Dataset, densities: Sequence[np.ndarray]) -> None:
    """Write particles.star and references as RELION reads them: ref.mrc, or refs.star where there are several."""
    import mrcfile

    from cryonb.io import write_star

    write_star(particles, folder / "particles.star")
    names = ["ref.mrc"] if len(densities) == 1 else [f"ref{number}.mrc" for number in range(1, len(densities) + 1)]
    for name, density in zip(names, densities):
        with mrcfile.new(folder / name, np.ascontiguousarray(density, np.float32), overwrite=True) as file:
            file.voxel_size = PIXEL
    if len(names) > 1:
        lines = ["", "data_", "", "loop_", "_rlnReferenceImage #1", *names, ""]
        (folder / "refs.star").write_text("\n".join(lines), encoding="utf-8")


def run_relion(folder: Path, arguments: Sequence[str], threads: int = 2, ranks: int = 0) -> Finished:
    """Run relion_refine on what `for_relion` wrote; on several ranks where asked for."""
    reference = "refs.star" if (folder / "refs.star").exists() else "ref.mrc"
    (folder / "run").mkdir(exist_ok=True)
    command = ["relion_refine", "--i", "particles.star", "--ref", reference, "--o", "run/run", "--j", str(threads)]
    if ranks:
        launch = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", "relion_refine_mpi"]
        command = [*launch, *command[1:]]
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}
    began, clock = time.perf_counter(), time.time()
    with (folder / "run.out").open("w") as out, (folder / "run.err").open("w") as errors:
        child = subprocess.Popen(
            [*command, *arguments], cwd=folder, stdout=out, stderr=errors, env={**os.environ, **allowed}
        )
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"relion_refine failed with status {status}: {(folder / 'run.err').read_text()[-2000:]}")
    ready = max(path.stat().st_mtime for path in (folder / "run").glob("run_it000_*")) - clock
    return Finished(folder, ready, seconds - ready, usage.ru_utime + usage.ru_stime)


def relion_table(folder: Path, iteration: int) -> dict[str, np.ndarray]:
    """Return RELION's particles after an iteration, in the order of ours: rotations, shifts [angstrom], and the rest.

    The keys are `rotations`, `shifts`, `class_number`, `significant` and `half`.
    """
    import starfile

    from cryonb.imaging.rotations import euler_to_matrix

    found = sorted((folder / "run").glob(f"run_it{iteration:03d}*_data.star"))
    table = starfile.read(found[0], always_dict=True)["particles"]
    order = np.argsort(table["rlnImageName"].str.split("@").str[0].astype(int).to_numpy())
    columns = {name: table[name].to_numpy()[order] for name in table.columns}
    angles = (columns[f"rlnAngle{name}"].astype(float) for name in ("Rot", "Tilt", "Psi"))
    shifts = np.stack([columns[f"rlnOrigin{axis}Angst"].astype(float) for axis in "XY"], axis=1)
    return {
        "rotations": euler_to_matrix(*angles),
        "shifts": shifts,
        "class_number": columns["rlnClassNumber"].astype(int),
        "significant": columns["rlnNrOfSignificantSamples"].astype(float),
        "half": columns["rlnRandomSubset"].astype(int) if "rlnRandomSubset" in columns else np.ones(len(order), int),
    }


def relion_resolution(folder: Path, iteration: int) -> float:
    """Return the resolution that RELION states after an iteration [angstrom]."""
    found = sorted((folder / "run").glob(f"run_it{iteration:03d}*model.star"))[0]
    return next(float(line.split()[1]) for line in found.read_text().splitlines() if "rlnCurrentResolution" in line)


def poses_in(refinement: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return rotations and shifts [angstrom] of one of our refinements."""
    from cryonb.imaging.rotations import euler_to_matrix

    rotations = euler_to_matrix(*(refinement[name].values for name in ("rot", "tilt", "psi")))
    return rotations, np.stack([refinement[name].values for name in ("shift_x", "shift_y")], axis=1)


def angles_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the angle of the rotation from one matrix to the other [degree], (m,)."""
    apart = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    sine = np.sqrt(np.einsum("mij,mij->m", apart, apart) / 8.0)
    return np.rad2deg(2.0 * np.arcsin(np.clip(sine, 0.0, 1.0)))


def common_turn(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the rotation of the map that brings found poses nearest to the true ones, lost particles left out.

    A refinement is free to turn its map: found = true G^T for all particles alike.
    """
    turn = np.eye(3)
    for limit in (180.0, 30.0, 15.0, 15.0):
        kept = angles_between(found @ turn, true) <= limit
        if not kept.any():
            return np.eye(3)
        left, _, right = np.linalg.svd(np.einsum("mji,mjk->ik", found[kept], true[kept]))
        turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    return turn


@dataclasses.dataclass(frozen=True)
class PoseErrors:
    """How far found poses are from the true ones.

    Attributes
    ----------
    angle, angle_90 : float
        Median of the angular error, and what 90 % stay below [degree].
    shift, shift_90 : float
        The same of the length of the error of the shift [angstrom].
    lost : float
        Share of particles more than `FAR` degrees off [%].
    kept_angle, kept_shift : float
        Medians over the particles that are not lost.
    """

    angle: float
    angle_90: float
    shift: float
    shift_90: float
    lost: float
    kept_angle: float
    kept_shift: float

    @classmethod
    def of(cls, found: tuple[np.ndarray, np.ndarray], true: tuple[np.ndarray, np.ndarray]) -> "PoseErrors":
        """Return the errors of rotations (m, 3, 3) and shifts (m, 2) [angstrom]."""
        angle = angles_between(found[0], true[0])
        shift = np.linalg.norm(found[1] - true[1], axis=1)
        kept = angle <= FAR
        medians = (np.median(angle[kept]), np.median(shift[kept])) if kept.any() else (np.nan, np.nan)
        share = 100.0 * np.mean(~kept)
        spread = (np.median(angle), np.quantile(angle, 0.9), np.median(shift), np.quantile(shift, 0.9))
        return cls(*map(float, (*spread, share, *medians)))

    HEADINGS = "median / 90 % [deg] | median / 90 % [A] | lost | of the rest"

    def __str__(self) -> str:
        return (
            f"{self.angle:6.2f} / {self.angle_90:6.2f}    | {self.shift:5.2f} / {self.shift_90:5.2f}     | "
            f"{self.lost:4.1f} % | {self.kept_angle:.2f} deg, {self.kept_shift:.2f} A"
        )


def cramer_rao(particles: ParticleSet, reference: np.ndarray, last: float, count: int = 200) -> tuple[float, float]:
    """Return the median errors of angle [degree] and shift [angstrom] that no unbiased estimate can beat.

    Parameters
    ----------
    particles : ParticleSet
        Particles, at whose true poses the information is taken; the noise has variance one.
    reference : ndarray, (n, n, n), float32
        Map that they are compared with.
    last : float
        Finest shell compared [1 / field of view].
    count : int, optional
        Particles looked at.

    Notes
    -----
    I_ij = sum_k Re(dS_k/dp_i conj dS_k/dp_j) / n^2 over the full plane, S = CTF times slice times phase ramp, p three
    turns of the image's frame and two shifts; derivatives by central differences. The medians are those of Gaussian
    errors with the covariance 1 / I, drawn a hundred times a particle.
    """
    from cryonb.imaging.noise import plane_multiplicity
    from cryonb.imaging.projector import in_plane_limit

    step_turn, step_shift, rng = 1e-3, 1e-2, np.random.default_rng(0)
    inside = in_plane_limit(BOX, "circle", last)
    weight = inside * plane_multiplicity(BOX) / BOX**2
    rotations, shifts = particles.rotations[:count], particles.shifts[:count]
    seen = _seen_by(particles, reference, inside, count)
    derivatives = []
    for axis in range(3):
        turns = [_turn(axis, sign * step_turn) for sign in (1, -1)]
        derivatives.append((seen(turns[0] @ rotations, shifts) - seen(turns[1] @ rotations, shifts)) / (2 * step_turn))
    for axis in range(2):
        move = step_shift * np.eye(2)[axis]
        derivatives.append((seen(rotations, shifts + move) - seen(rotations, shifts - move)) / (2 * step_shift))
    slopes = np.stack(derivatives, axis=1)
    information = np.einsum("mipq,mjpq,pq->mij", slopes, slopes.conj(), weight, optimize=True).real
    drawn = [rng.multivariate_normal(np.zeros(5), np.linalg.inv(matrix), 100) for matrix in information]
    errors = np.concatenate(drawn)
    angle, shift = np.linalg.norm(errors[:, :3], axis=1), np.linalg.norm(errors[:, 3:], axis=1)
    return float(np.rad2deg(np.median(angle))), float(np.median(shift))


def _turn(axis: int, angle: float) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(angle * np.eye(3)[axis]).as_matrix()


def _seen_by(particles: ParticleSet, reference: np.ndarray, inside: np.ndarray, count: int):
    """Return a function from poses to what the microscope makes of the reference, noise-free half transforms."""
    from cryonb.config import RunConfig
    from cryonb.imaging.ctf import FrequencyPlane, contrast_transfer
    from cryonb.imaging.exact import exact_slices
    from cryonb.imaging.images import displacement
    from cryonb.refine.prepare import images_of

    ctf = images_of(particles.particles.isel(particle=slice(0, count)), RunConfig()).ctf
    factor = contrast_transfer(ctf, FrequencyPlane.of(BOX, PIXEL)) * inside

    def seen(rotations: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        along_y, along_x = displacement(*(-shifts / (BOX * PIXEL)).T, BOX, 0, BOX)
        return exact_slices(reference, rotations) * factor * along_y[:, :, None] * along_x[:, None, :]

    return seen


def machine() -> str:
    """Return the processor and how many of it there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return f"{os.cpu_count()} cores, {next(line.split(':')[1].strip() for line in lines if 'model name' in line)}"


def apart(function, *arguments):
    """Return what a function returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def scratch() -> tempfile.TemporaryDirectory:
    """Return a temporary folder as a context manager."""
    return tempfile.TemporaryDirectory()
