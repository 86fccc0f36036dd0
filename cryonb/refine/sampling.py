"""Boxes, pixel sizes and Nyquist frequencies of a run, all over one field of view."""

import dataclasses
import math
from typing import Self

import xarray as xr

from ..config import RunConfig
from ..errors import must
from ..imaging.resample import binned_size


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Boxes and frequencies of a run, all over one field of view.

    Attributes
    ----------
    read_size : int
        Pixels along an edge of the images as read.
    pixel_size : float
        Their pixel size [angstrom].
    binned_size : int
        Pixels along an edge after binning.
    box_size : int
        Voxels along an edge of the target grid.
    transform_size : int
        Pixels along an edge of the images whose transforms are inserted.
    raw_size : int
        Pixels along an edge of the images of which the transforms were taken, before cropping.
    max_index : float
        Largest abs(k) of the circle limit, in units of 1 / field of view.
    data_index : float
        Largest abs(k) that is inserted of what the images hold, corners included, in the same units.
    cut_index : float
        Where the settings cut the data off, in the same units; infinity where they do not.
    """

    read_size: int
    pixel_size: float
    binned_size: int
    box_size: int
    transform_size: int
    raw_size: int
    max_index: float
    data_index: float
    cut_index: float = math.inf

    @classmethod
    def of(cls, particles: xr.Dataset, config: RunConfig) -> Self:
        """Return the sampling of a run.

        Parameters
        ----------
        particles : xarray.Dataset
            Kind cryonb/particles.
        config : RunConfig
            Settings.

        Returns
        -------
        Sampling
            The sampling.

        Raises
        ------
        InputError
            If images are not square, a box would be too small, or a mask would lie outside of it.
        """
        rows, read = particles["image"].shape[-2:]
        must(rows == read, "particle images must be square [pixel]", f"{rows} x {read}", "Crop or pad them to a square")
        must(read >= 8, "particle images must have at least 8 pixels", read, "Extract larger images")
        pixel_size = float(particles["pixel_size"])
        binned = binned_size(read, config.box.binning)
        box = config.box.box_size or binned
        interpolated = config.box.resample != "fourier"
        transform, raw = (box, box) if interpolated else (binned, read)
        wanted = config.refine.max_resolution
        cut_index = read * pixel_size / wanted if wanted > 0 else math.inf
        rule = "max_resolution must leave at least two shells [angstrom]"
        must(cut_index >= 2, rule, f"{wanted:g}", f"Use {read * pixel_size / 2:g} or less")
        corner = read * pixel_size * 3**0.5 / 2
        rule = f"mask radius must be at most {corner:.4g} [angstrom], where the corners of the box are"
        must(config.mask.radius <= corner, rule, f"{config.mask.radius:g}", "Use a smaller one, or mask kind none")
        edge = min(binned, transform) / 2
        furthest = edge * (2**0.5 if config.box.limit == "square" else 1.0)
        return cls(
            read, pixel_size, binned, box, transform, raw, min(edge, cut_index), min(furthest, cut_index), cut_index
        )

    @property
    def field_of_view(self) -> float:
        """Edge of the box [angstrom]."""
        return self.read_size * self.pixel_size

    @property
    def voxel_size(self) -> float:
        """Voxel size of the target grid [angstrom]."""
        return self.field_of_view / self.box_size

    @property
    def binned_pixel_size(self) -> float:
        """Pixel size after binning [angstrom]."""
        return self.field_of_view / self.binned_size

    @property
    def particle_nyquist(self) -> float:
        """Highest frequency that the binned images hold along an axis [1/angstrom]."""
        return 0.5 / self.binned_pixel_size

    @property
    def grid_nyquist(self) -> float:
        """Highest frequency that the target grid holds along an axis [1/angstrom]."""
        return 0.5 / self.voxel_size

    @property
    def grey_scale(self) -> float:
        """Factor from a coefficient of an image to one of the volume.

        Pixels hold line integrals in units of the pixel size as read, voxels hold density, so that a volume has the
        same grey scale whatever its box.
        """
        raw_pixel = self.field_of_view / self.raw_size
        return raw_pixel**2 * self.pixel_size / self.voxel_size**3

    @property
    def scalars(self) -> dict[str, float]:
        """Scalar coordinates of a result: boxes, sizes and both Nyquist frequencies."""
        return {
            "voxel_size": self.voxel_size,
            "pixel_size": self.pixel_size,
            "box_size": self.box_size,
            "binning": self.read_size / self.binned_size,
            "particle_nyquist": self.particle_nyquist,
            "grid_nyquist": self.grid_nyquist,
        }
