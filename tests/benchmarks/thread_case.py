"""Classes look great, and the homogeneous refinement of the same particles looks horrible: why, in one figure.

Run by hand: ``python tests/benchmarks/thread_case.py [--particles 1000] [--snr 0.6] [--out FOLDER]``; two to three
minutes on two cores. It prints the table of the numbers, asserts what the figure says, and writes thread_case.png.

The truth is a phantom of ideal helices, 136 voxels at 1.05 angstrom. Its particles are binned so far (4 times, to 34
pixels of 4.2 angstrom) that the curve of every refinement is still high at their Nyquist frequency, 8.4 angstrom:

- ``heterogeneous`` interpolates them into its fixed box of 128 voxels; its map looks good, and its curve runs on past
  the Nyquist frequency of the particles. The decomposition says what that is made of.
- ``homogeneous`` stays in the box of the particles. The Guinier fit that sharpens its map has three shells to go by,
  from 10 to 8.4 angstrom; a program that sharpens by it all the same (``sharpen = always``) gives the horrible map.
- Left unsharpened, as ``if_reliable`` decides, the same map shows its helices; so does that of ``refine3d``.
- The same particles, extracted again at bin 2, give the fit the range that it needs, and sharpening helps.
"""

import argparse
import dataclasses
import re
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

SIZE, PIXEL = 136, 1.05
COARSE, FINE = 4, 2
LENGTH = SIZE * PIXEL
NYQUIST = 2 * PIXEL * COARSE
"""Of the particles that are binned too far [angstrom]."""

RADIUS, EDGE = 0.33 * LENGTH, 8.0
"""Sphere about the particle in which maps are compared, and its soft edge [angstrom]."""

B_FACTOR = 60.0
"""How fast the amplitudes of the truth fall [angstrom^2]."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One refinement: whose, of which particles, with which settings, and the words above it."""

    name: str
    title: str
    recipe: str
    binning: int
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)


CASES = (
    Case("heterogeneous", "Heterogeneous, box of 128", "heterogeneous", COARSE, {"box": {"limit": "square"}}),
    Case("always", "Homogeneous, always sharpened", "homogeneous", COARSE, {}, {"sharpen": "always"}),
    Case("if_reliable", "Homogeneous, sharpened if reliable", "homogeneous", COARSE, {}, {"sharpen": "if_reliable"}),
    Case("refine3d", "Refine3D", "refine3d", COARSE),
    Case("bin 2", "Homogeneous, extracted again at bin 2", "homogeneous", FINE, {}, {"sharpen": "if_reliable"}),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a refinement.

    Attributes
    ----------
    case : Case
        The refinement.
    run : xarray.Dataset
        Its last iteration.
    parts : xarray.Dataset
        Its decomposition.
    density : ndarray, (n, n, n), float32
        The map that its user sees, on the grid of the truth.
    likeness : float
        Correlation of that map with the truth, filtered to the Nyquist frequency of the particles.
    truth : ndarray, (shells,), float64
        The correlation that both half maps would have by that of their mean with the truth.
    """

    case: Case
    run: xr.Dataset
    parts: xr.Dataset
    density: np.ndarray
    likeness: float
    truth: np.ndarray

    @property
    def nyquist(self) -> float:
        """Nyquist frequency of the particles [angstrom]."""
        return 1.0 / float(self.run["particle_nyquist"])

    @property
    def claim(self) -> float:
        """Resolution that the package would state [angstrom]; NaN where the data end first."""
        return float(self.run["claimed_resolution"])

    @property
    def b_factor(self) -> tuple[float, float, float]:
        """B factor of the sharpening with its 95 % interval [angstrom^2]; NaN where none was applied."""
        number = r"(-?\d+)"
        found = re.search(rf"sharpened by {number} A\^2 \(95 % interval {number} to {number}\)", self.note)
        return tuple(map(float, found.groups())) if found else (np.nan, np.nan, np.nan)

    @property
    def note(self) -> str:
        """What was done to the map that is shown."""
        return str(self.run.attrs.get("volume_note", ""))

    def curve(self, component: str) -> np.ndarray:
        """Return a component of the decomposition."""
        return self.parts["fsc"].sel(component=component).values

    def past_nyquist(self, component: str) -> np.ndarray:
        """Return a component from the first shell past the Nyquist frequency of the particles to sqrt 2 of it."""
        frequency = self.parts["frequency"].values * self.nyquist
        return self.curve(component)[(frequency > 1.0 + 1e-6) & (frequency <= 2**0.5)]


# -- particles and refinements


@cache
def phantom_and_particles(count: int, snr: float) -> tuple[xr.Dataset, dict[int, xr.Dataset]]:
    """Return the truth, and the same particles at both binnings: the coarse ones are Fourier crops of the fine ones."""
    import cryonb as cn

    truth = cn.phantom("helices", box_size=SIZE, pixel_size=PIXEL, b_factor=B_FACTOR)
    fine = cn.simulate(truth, n_particles=count, binning=FINE, snr=snr, seed=1)
    return truth, {FINE: fine, COARSE: binned(fine, COARSE // FINE)}


def binned(particles: xr.Dataset, factor: int) -> xr.Dataset:
    """Return particles whose images are Fourier crops."""
    from cryonb.imaging.fourier import resize
    from cryonb.schema import PARTICLES, build, grid_coordinates

    images = particles["image"].values
    size = images.shape[-1] // factor
    pixel = float(particles["pixel_size"]) * factor
    grid = grid_coordinates(size, pixel)
    variables = {name: values.values for name, values in particles.data_vars.items() if name != "image"}
    kept = {name: particles[name].values for name in ("particle", "optics")}
    coords = {**kept, "y": grid["y"], "x": grid["x"], "pixel_size": pixel}
    return build(PARTICLES, {**variables, "image": resize(images, size, 2)}, coords)


def outcome(case: Case, count: int, snr: float, dithers: int = 4) -> Outcome:
    """Return what comes of a refinement from the truth low-passed, as far as the recipe low-passes it."""
    import cryonb as cn
    from cryonb.imaging.dither import read_back
    from cryonb.imaging.fourier import half_transform, real_space, resize
    from cryonb.imaging.shells import fourier_shell_correlation

    truth, particles = phantom_and_particles(count, snr)
    refine = {"recipe": case.recipe, "params": dict(case.params)}
    run = cn.refine(particles[case.binning], truth, refine=refine, **case.settings)
    parts = decomposed(case, count, snr, dithers, run)
    turn = common_turn(run, particles[case.binning])
    mean, shown = (read_back(density, turn) for density in (run["half_map"].values.mean(axis=0), run["volume"].values))
    size = len(mean)
    known = half_transform(resize(truth["density"].values, size))
    back = common_shift(mean, known)
    own = np.clip(fourier_shell_correlation(mean * back, known), 0.0, 1.0)
    density = resize(real_space(shown * back, size).astype(np.float32), SIZE)
    nyquist = 1.0 / float(run["particle_nyquist"])
    return Outcome(case, run, parts, density, likeness(density, truth, nyquist), own**2 / (2.0 - own**2))


def common_turn(run: xr.Dataset, particles: xr.Dataset) -> np.ndarray:
    """Return the turn that all poses of a run share against the true ones: the map's to choose, and taken out here."""
    import pose_sets

    from cryonb.imaging.rotations import euler_to_matrix

    found, true = (
        euler_to_matrix(*(table[name].values for name in ("rot", "tilt", "psi"))) for table in (run, particles)
    )
    return pose_sets.common_turn(found, true)


def common_shift(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the phases that take out the shift of a map against the truth, from those of what is coarser than 25 A."""
    from cryonb.imaging.fourier import half_indices, half_radius

    size = len(found)
    indices = [np.broadcast_to(index, found.shape) for index in half_indices(size)]
    coarse = (half_radius(size) <= LENGTH / 25.0) & (half_radius(size) > 0)
    product = (found * true.conj())[coarse]
    rows = 2.0 * np.pi * np.stack([index[coarse] for index in indices], axis=1)
    weight = np.sqrt(np.abs(product))
    shift, *_ = np.linalg.lstsq(rows * weight[:, None], np.angle(product) * weight, rcond=None)
    return np.exp(-2j * np.pi * sum(index * part for index, part in zip(indices, shift))).astype(np.complex64)


_DECOMPOSED: dict[tuple, xr.Dataset] = {}


def decomposed(case: Case, count: int, snr: float, dithers: int, run: xr.Dataset) -> xr.Dataset:
    """Return the decomposition of a run; runs that differ in their sharpening only share one."""
    import cryonb as cn

    key = case.recipe, case.binning, count, snr
    if key not in _DECOMPOSED:
        particles = phantom_and_particles(count, snr)[1][case.binning]
        options = {"particles": particles, "dithers": dithers, "surrogates": 0}
        _DECOMPOSED[key] = cn.diagnose(run, "decomposition", **options)
    return _DECOMPOSED[key]


def filtered(density: np.ndarray, resolution: float) -> np.ndarray:
    """Return a map on the grid of the truth without what is finer than a resolution."""
    from cryonb.imaging.fourier import half_radius, half_transform, real_space

    inside = half_radius(SIZE) <= LENGTH / resolution
    return real_space(half_transform(density) * inside, SIZE).astype(np.float32)


def likeness(density: np.ndarray, truth: xr.Dataset, resolution: float) -> float:
    """Return the correlation in real space of a map with the truth, filtered to a resolution, within a soft sphere."""
    weight = sphere()
    own, true = (
        one - np.average(one, weights=weight) for one in (density, filtered(truth["density"].values, resolution))
    )
    product, first, second = (float(np.sum(weight * a * b)) for a, b in ((own, true), (own, own), (true, true)))
    return product / (first * second) ** 0.5


@cache
def sphere() -> np.ndarray:
    from cryonb.imaging.masks import soft_sphere

    return soft_sphere(SIZE, PIXEL, RADIUS, EDGE)


# -- what must come of it


def check(found: Mapping[str, Outcome]) -> None:
    """Assert what the figure says."""
    classes, horrible, plain, other, mended = (found[case.name] for case in CASES)
    check_classes(classes)
    check_sharpening(horrible, plain)
    check_end_of_data(other)
    check_mended(mended, plain)


def check_classes(one: Outcome) -> None:
    """Assert that the classes look good in a box of 128, and run on past Nyquist: by their corners, not the grid."""
    assert int(one.run["box_size"]) == 128 and one.likeness > 0.85
    runs_on, grid, corner = (one.past_nyquist(name) for name in ("standard", "grid_locked", "corner"))
    assert runs_on[0] > 0.143 and np.abs(grid).max() < 0.1
    assert runs_on.argmax() == 0 and corner[1:4].sum() > 0.6 * runs_on[1:4].sum()


def check_end_of_data(one: Outcome) -> None:
    """Assert that helices show, and that the curve is high where the data end, so that no resolution is stated."""
    assert one.likeness > 0.9
    assert one.curve("circle")[-1] > 0.143
    assert np.isnan(one.claim) and "before the data end" in one.run.attrs["note"]


def check_sharpening(horrible: Outcome, plain: Outcome) -> None:
    """Assert that three shells are no Guinier plot: a B factor without meaning, and a map that is worse for it."""
    b_factor, low, high = horrible.b_factor
    assert abs(b_factor) > 5 * B_FACTOR and high - low > 10 * B_FACTOR and "20 are needed" in horrible.note
    assert np.array_equal(plain.run["half_map"], horrible.run["half_map"])
    assert plain.note.startswith("not sharpened") and horrible.likeness < plain.likeness - 0.15
    check_end_of_data(plain)


def check_mended(mended: Outcome, plain: Outcome) -> None:
    """Assert that with less binning the fit has its range, holds the truth, and is applied."""
    _, low, high = mended.b_factor
    assert low < B_FACTOR < high and high - low < 3 * B_FACTOR and "although" not in mended.note
    assert mended.nyquist < 0.6 * plain.nyquist and mended.likeness > 0.85


COLUMNS = (
    "run",
    "box",
    "claims [A]",
    "FSC at Nyquist",
    "FSC past Nyquist",
    "of it grid-locked",
    "with truth",
    "B [A^2]",
)


def table(found: Mapping[str, Outcome]) -> str:
    """Return the numbers as a table; past Nyquist are the means up to sqrt 2 of it."""
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(cells(one) for one in found.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cells(one: Outcome) -> list[str]:
    """Return the numbers of one run in words."""
    square = one.parts.attrs["limit"] == "square"
    own, grid = ("standard", "grid_locked") if square else ("circle", "grid_locked_circle")
    at = np.argmin(np.abs(one.parts["frequency"].values - 1.0 / one.nyquist))
    past = one.past_nyquist(own)
    b_factor = "{:.0f} ({:.0f} to {:.0f})".format(*one.b_factor) if np.isfinite(one.b_factor[0]) else "none applied"
    return [
        one.case.title,
        f"{int(one.run['box_size'])}",
        f"{one.claim:.2f}" if np.isfinite(one.claim) else f"data end, {one.nyquist:.2f}",
        f"{one.curve(own)[at]:.2f}",
        f"{past.mean():.2f}, first {past[0]:.2f}" if past.size else "no shells",
        f"{one.past_nyquist(grid).mean():.2f}" if past.size else "",
        f"{one.likeness:.2f}",
        b_factor,
    ]


def main() -> None:
    """Run the refinements, print the table, assert, and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=1000)
    parser.add_argument("--snr", type=float, default=0.6)
    parser.add_argument("--out", type=Path, default=Path("."))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    from thread_figure import figure

    warnings.simplefilter("ignore")
    found = {case.name: outcome(case, chosen.particles, chosen.snr) for case in CASES}
    print(table(found))
    truth = phantom_and_particles(chosen.particles, chosen.snr)[0]
    figure(found, truth["density"].values).savefig(chosen.out / "thread_case.png")
    check(found)


if __name__ == "__main__":
    main()
