"""Particles whose images hold noise past a frequency, made when they are read: nothing is copied or kept."""

import hashlib

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from ..imaging.substitution import substitute_noise
from ..provenance import digest, stamp
from ..schema import PARTICLES, validate


class SubstitutedImages(BackendArray):
    """Images with noise in place of their high frequencies, seen as one array (particle, y, x) and made when indexed.

    Parameters
    ----------
    images : xarray.DataArray
        The images, perhaps still in their files; (particle, y, x).
    from_index : float
        Where the noise begins [1 / field of view].
    seed : int
        Seed of the noise.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, images: xr.DataArray, from_index: float, seed: int) -> None:
        self.images, self.from_index, self.seed = images.variable, float(from_index), int(seed)
        self.particles = images["particle"].values
        self.shape = images.shape

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        """Return the images that an xarray indexer selects."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def fingerprint(self) -> str:
        """Return a text that changes with the images and with the noise, without making the images.

        Returns
        -------
        str
            Digest of the images, where the noise begins, and its seed.
        """
        ids = hashlib.blake2b(np.ascontiguousarray(self.particles).tobytes(), digest_size=8).hexdigest()
        return f"{digest(xr.DataArray(self.images))} {ids} noise from {self.from_index:.6f}, seed {self.seed}"

    def _outer(self, key: tuple) -> np.ndarray:
        chosen, y, x = key
        rows = np.atleast_1d(np.arange(self.shape[0])[chosen])
        pixels = np.asarray(self.images[rows].values, dtype=np.float32)
        made = substitute_noise(pixels, self.particles[rows], self.from_index, self.seed)
        made = made[:, y][..., x]
        return made[0] if not isinstance(chosen, slice) and np.ndim(chosen) == 0 else made


def substituted(particles: xr.Dataset, from_frequency: float, seed: int = 0) -> xr.Dataset:
    """Return particles whose images hold noise of the same power past a frequency.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles; images that are still in their files stay there.
    from_frequency : float
        Where the noise begins [1/angstrom].
    seed : int, optional
        Seed of the noise.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/particles, everything else as it was.

    References
    ----------
    Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004
    """
    images = particles["image"].transpose("particle", "y", "x")
    field_of_view = images.sizes["x"] * float(particles["pixel_size"])
    lazy = indexing.LazilyIndexedArray(SubstitutedImages(images, from_frequency * field_of_view, seed))
    made = particles.assign(image=(images.dims, lazy, dict(images.attrs)))
    settings = {"from_frequency": float(from_frequency), "seed": int(seed)}
    return stamp(validate(made, PARTICLES), "substitute_noise", settings, [particles])
