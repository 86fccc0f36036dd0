"""Orientations: from where the particles were seen, and how evenly their slices fill Fourier space."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import must
from ..imaging.rotations import euler_to_matrix
from ..imaging.symmetry import symmetry_operators
from ..knobs import Config, knob
from ..schema import SAMPLING, Field, Kind, build, declare
from .half_maps import select_class

ORIENTATIONS = declare(
    Kind(
        "cryonb/orientations",
        {
            "view_density": Field(("view",), required=True),
            "view_count": Field(("view",)),
            "slice_density": Field(("view",), required=True),
            "slice_count": Field(("view",)),
            "evenness": Field(()),
            "efficiency": Field(()),
            "empty_fraction": Field(()),
        },
        {**SAMPLING, "n_particles": "1", "slice_half_angle": "degree"},
        dimensions={"view": "1"},
        coordinates={
            "view_rot": Field(("view",), "degree"),
            "view_tilt": Field(("view",), "degree"),
            "view_rot_width": Field(("view",), "degree"),
            "view_tilt_low": Field(("view",), "degree"),
            "view_tilt_high": Field(("view",), "degree"),
        },
    )
)
"""Cells of equal area on the sphere; densities are relative to an even spread (1 = as many as that puts there)."""

CHUNK = 1 << 20
"""Products of directions and views that are held at a time."""

EMPTIEST = 5.0
"""Part of the directions of Fourier space that `sampling_evenness` leaves out [percent]."""

MOST_VIEWS = 1_000_000
"""Slices of more views (symmetry copies included) are counted on every second, third, ... particle."""


@dataclasses.dataclass(frozen=True)
class OrientationOptions(Config):
    """Settings of the distribution of orientations."""

    n_views: int = knob(
        600, help="About how many cells of equal area the sphere is cut into.", minimum=12, maximum=50000
    )
    class_id: int = knob(
        0, help="Which class of a refinement, weighted by its posterior; 0 = all particles.", minimum=0
    )
    resolution: float = knob(
        0.0, help="Resolution at which slices are counted; 0 = the particle Nyquist.", unit="angstrom", minimum=0.0
    )
    particle_diameter: float = knob(
        0.0, help="Diameter of the particle, which makes slices 1/D thick; 0 = the box.", unit="angstrom", minimum=0.0
    )


@dataclasses.dataclass(frozen=True)
class SphereCells:
    """Cells of exactly equal area on the sphere, ring by ring from the north pole.

    Attributes
    ----------
    per_ring : ndarray, (rings,), int64
        Cells of every ring.
    """

    per_ring: np.ndarray

    @classmethod
    def about(cls, count: int) -> "SphereCells":
        """Return cells that are about as wide as high.

        Parameters
        ----------
        count : int
            About how many cells.

        Returns
        -------
        SphereCells
            The cells.
        """
        rings = max(2, round(math.sqrt(count * math.pi) / 2.0))
        middle = (np.arange(rings) + 0.5) * np.pi / rings
        return cls(np.maximum(3, np.round(count * np.sin(middle) / np.sin(middle).sum())).astype(np.int64))

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.per_ring.sum())

    @property
    def heights(self) -> np.ndarray:
        """Cosines of the tilts between rings, (rings + 1,), float64: equal heights are equal areas."""
        return 1.0 - 2.0 * np.concatenate([[0], np.cumsum(self.per_ring)]) / self.count

    def indices(self, directions: np.ndarray) -> np.ndarray:
        """Return the cell of every direction.

        Parameters
        ----------
        directions : ndarray, (n, 3), float64
            Unit vectors x, y, z.

        Returns
        -------
        ndarray, (n,), int64
            Cell numbers.
        """
        ring = np.searchsorted(-self.heights, -directions[:, 2], side="right") - 1
        ring = np.clip(ring, 0, self.per_ring.size - 1)
        turn = np.arctan2(directions[:, 1], directions[:, 0]) / (2.0 * np.pi) % 1.0
        first = np.concatenate([[0], np.cumsum(self.per_ring)[:-1]])
        column = np.minimum((turn * self.per_ring[ring]).astype(np.int64), self.per_ring[ring] - 1)
        return first[ring] + column

    def coordinates(self) -> dict[str, np.ndarray]:
        """Return where the cells lie.

        Returns
        -------
        dict of str to ndarray, (cells,), float64
            `view_rot` and `view_tilt` of the centres, `view_rot_width`, `view_tilt_low`, `view_tilt_high` [degree].
        """
        heights = self.heights
        middle = 0.5 * (heights[1:] + heights[:-1])
        repeat = self.per_ring
        column = np.concatenate([np.arange(cells) for cells in repeat])
        width = np.repeat(360.0 / repeat, repeat)
        rot = (column + 0.5) * width
        tilt = {"view_tilt": middle, "view_tilt_low": heights[:-1], "view_tilt_high": heights[1:]}
        rings = {name: np.repeat(np.rad2deg(np.arccos(np.clip(z, -1, 1))), repeat) for name, z in tilt.items()}
        return {"view_rot": np.where(rot > 180.0, rot - 360.0, rot), "view_rot_width": width, **rings}

    def centres(self) -> np.ndarray:
        """Return unit vectors to the centres of the cells.

        Returns
        -------
        ndarray, (cells, 3), float64
            Components x, y, z.
        """
        where = self.coordinates()
        rot, tilt = np.deg2rad(where["view_rot"]), np.deg2rad(where["view_tilt"])
        return np.stack([np.sin(tilt) * np.cos(rot), np.sin(tilt) * np.sin(rot), np.cos(tilt)], axis=1)


def slices_through(views: np.ndarray, weights: np.ndarray, directions: np.ndarray, half_width: float) -> np.ndarray:
    """Return how many slices pass through every direction of Fourier space.

    Parameters
    ----------
    views : ndarray, (n, 3), float64
        Unit vectors along which particles were seen; a slice is perpendicular to its view.
    weights : ndarray, (n,), float64
        Weight of every view.
    directions : ndarray, (m, 3), float64
        Unit vectors.
    half_width : float
        Sine of the angle up to which a direction counts as lying in a slice.

    Returns
    -------
    ndarray, (m,), float64
        Sum of the weights of the views with abs(v . d) <= half_width. An even spread puts n half_width there.
    """
    counts = np.zeros(len(directions))
    step = max(1, CHUNK // len(directions))
    for start in range(0, len(views), step):
        part = slice(start, start + step)
        counts += (np.abs(directions @ views[part].T) <= half_width) @ weights[part]
    return counts


def sampling_efficiency(slice_density: np.ndarray, one_slice: float) -> float:
    """Return how well slices are spread: the harmonic mean of their density.

    Parameters
    ----------
    slice_density : ndarray, (m,), float64
        Density relative to an even spread, in directions of equal solid angle.
    one_slice : float
        Density that a single slice stands for; empty directions count as half of it.

    Returns
    -------
    float
        1 / mean(1 / density): 1 for an even spread; the noise of a direction falls as its density, so this is the
        factor by which the mean noise variance is raised, inverted.

    References
    ----------
    Baldwin & Lyumkis (2020), Prog. Biophys. Mol. Biol. 150, 160-183 (sampling compensation factor)

    Examples
    --------
    >>> round(sampling_efficiency(np.array([0.5, 1.5]), 0.1), 3)
    0.75
    """
    return float(1.0 / np.mean(1.0 / np.maximum(slice_density, 0.5 * one_slice)))


def sampling_evenness(slice_density: np.ndarray) -> float:
    """Return how well the emptiest directions are filled: a low percentile of the slice density over its mean.

    Parameters
    ----------
    slice_density : ndarray, (m,), float64
        Slices in directions of equal solid angle, in any unit.

    Returns
    -------
    float
        P5(density) / mean(density): 1 where all directions hold the same; 0 where more than 5 % of them are empty.

    Examples
    --------
    >>> sampling_evenness(np.array([3.0, 3.0, 3.0])), sampling_evenness(np.array([0.0, 0.0, 3.0]))
    (1.0, 0.0)
    """
    mean = float(np.mean(slice_density))
    return float(np.percentile(slice_density, EMPTIEST)) / mean if mean > 0 else 0.0


def _definitions(slices: float) -> str:
    scatter = 100.0 / math.sqrt(slices) if slices > 0 else math.inf
    return (
        f"Evenness is the slice density that {EMPTIEST:g} % of the directions of Fourier space stay below, over the "
        "mean; efficiency is the harmonic mean of the density; both are 1 where all directions hold the same. "
        f"A direction holds {slices:.3g} slices on average, so chance alone makes densities scatter by {scatter:.0f} %."
    )


def _poses(dataset: xr.Dataset, class_id: int) -> tuple[np.ndarray, np.ndarray]:
    has_poses = all(name in dataset for name in ("rot", "tilt", "psi"))
    must(has_poses, "the Dataset must hold rot, tilt and psi", "no poses", "Refine the particles first")
    angles = [dataset[name].values for name in ("rot", "tilt", "psi")]
    finite = bool(np.isfinite(angles).all()) and angles[0].size > 0
    must(finite, "there must be poses, all finite [degree]", "none, or NaN", "Leave out particles without a pose")
    weights = np.ones(angles[0].size)
    if class_id and "class_posterior" in dataset:
        weights = select_class(dataset, class_id)["class_posterior"].values.astype(np.float64)
    must(weights.sum() > 0, "a class must hold particles", "none", "Choose another class")
    return euler_to_matrix(*angles)[:, 2], weights


def slice_half_width(dataset: xr.Dataset, options: OrientationOptions) -> float:
    """Return the sine of half the angle that a slice of thickness 1/D covers at a resolution.

    Parameters
    ----------
    dataset : xarray.Dataset
        Particles or a refinement.
    options : OrientationOptions
        Diameter and resolution; zero takes the box and the particle Nyquist.

    Returns
    -------
    float
        d / (2 D), at most 1.
    """
    pixel_size = float(dataset["pixel_size"]) if "pixel_size" in dataset.coords else float(dataset["voxel_size"])
    step = float(dataset["voxel_size"]) if "voxel_size" in dataset.coords else pixel_size
    edge = dataset.sizes.get("x", 0) * step
    finest = 1.0 / float(dataset["particle_nyquist"]) if "particle_nyquist" in dataset.coords else 2.0 * pixel_size
    resolution = options.resolution or finest
    diameter = options.particle_diameter or edge
    rule = "particle_diameter must be given where neither the table nor images tell the box [angstrom]"
    must(diameter > 0, rule, "0", "Give it (--particle-diameter, particle_diameter=)")
    return min(1.0, resolution / (2.0 * diameter))


class OrientationsDiagnostic:
    """Distribution of the views, and of the slices that they fill."""

    name = "orientations"
    title = "Orientations"
    accepts = ("cryonb/particles", "cryonb/refinement")
    options = OrientationOptions
    needs_images = False

    def compute(
        self,
        dataset: xr.Dataset,
        options: OrientationOptions,
        config: RunConfig,
        mask: Any,
        progress: Callable[[float, str], None],
    ):
        """Return both distributions as a Dataset of kind ``cryonb/orientations``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Particles or a refinement, with poses.
        options : OrientationOptions
            Settings.
        config : RunConfig
            Its symmetry is applied to the views.
        mask : object
            Not used.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/orientations``. `view_count` is of the poses as given, `view_density` and `slice_density`
            of all symmetry copies; `evenness` is that of `sampling_evenness`, `efficiency` that of
            `sampling_efficiency`, `empty_fraction` the part of Fourier space without a slice;
            ``attrs["definitions"]`` says so in words.
        """
        views, weights = _poses(dataset, options.class_id)
        cells = SphereCells.about(options.n_views)
        operators = symmetry_operators(config.imaging.symmetry)
        copies = np.concatenate([views @ operator for operator in operators])
        copied = np.tile(weights, len(operators))
        half_width = slice_half_width(dataset, options)
        even = copied.sum() * half_width
        stride = math.ceil(len(copies) / MOST_VIEWS)
        some, their_weights = copies[::stride], copied[::stride]
        slices = slices_through(some, their_weights, cells.centres(), half_width)
        slices *= copied.sum() / their_weights.sum()
        density = np.bincount(cells.indices(copies), copied, cells.count) * cells.count / copied.sum()
        relative = slices / even
        progress(1.0, "orientations")
        variables = {
            "view_density": density,
            "view_count": np.bincount(cells.indices(views), weights, cells.count),
            "slice_density": relative,
            "slice_count": slices,
            "evenness": sampling_evenness(relative),
            "efficiency": sampling_efficiency(relative, 1.0 / even),
            "empty_fraction": float(np.mean(slices == 0)),
        }
        scalars = {
            name: dataset[name].item() for name in SAMPLING if name in dataset.coords and dataset[name].ndim == 0
        }
        scalars |= {"n_particles": float(weights.sum()), "slice_half_angle": math.degrees(math.asin(half_width))}
        coords = {"view": np.arange(cells.count), **cells.coordinates(), **scalars}
        attrs = {"symmetry": config.imaging.symmetry, "definitions": _definitions(float(slices.mean()))}
        return build(ORIENTATIONS, variables, coords, attrs)


DIAGNOSTIC = OrientationsDiagnostic()
