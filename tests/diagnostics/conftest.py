"""Half maps to judge: RELION's, and made-up ones whose signal and noise are known."""

import mrcfile
import numpy as np
import pytest

from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.masks import soft_sphere
from cryonb.schema import HALVES, PARTICLES, REFINEMENT, VOLUME, build, grid_coordinates, shell_coordinates


def volume(halves, voxel_size, **scalars):
    """Return half maps as a Dataset."""
    size = halves[0].shape[0]
    grid = grid_coordinates(size, voxel_size)
    variables = {"half_map": np.stack(halves).astype(np.float32)}
    return build(VOLUME, variables, {"half": list(HALVES), **grid, "voxel_size": voxel_size, **scalars})


def decaying_halves(size=64, voxel_size=1.5, b_factor=80.0, noise=0.1, seed=0):
    """Return a blob of random structure whose amplitudes fall with a B factor, with independent noise in each half."""
    rng = np.random.default_rng(seed)
    fall = np.exp(-b_factor / 4 * (half_radius(size) / (size * voxel_size)) ** 2)
    blob = soft_sphere(size, 1.0, 0.3 * size, 4.0)
    signal = real_space(half_transform(rng.normal(size=(size,) * 3) * blob) * fall, size)
    return [signal + noise * rng.normal(size=signal.shape) for _ in range(2)]


def refinement(halves, voxel_size, weight, limit="", **scalars):
    """Return half maps as a refinement with insertion weights and a few poses."""
    size = halves[0].shape[0]
    rng = np.random.default_rng(5)
    poses = {name: rng.uniform(0, 180, 50) for name in ("rot", "tilt", "psi")}
    variables = {
        "half_map": np.stack(halves).astype(np.float32),
        "insertion_weight": np.stack([weight, weight]),
        **poses,
    }
    coords = {
        "half": list(HALVES),
        "particle": np.arange(50),
        **grid_coordinates(size, voxel_size),
        **shell_coordinates(size, voxel_size),
        "voxel_size": voxel_size,
        "pixel_size": voxel_size,
        **scalars,
    }
    return build(REFINEMENT, variables, coords, {"limit": limit})


def particles(rot, tilt, psi, size=32, pixel_size=2.0):
    """Return poses with empty images."""
    count = len(rot)
    axis = (np.arange(size) - size // 2) * pixel_size
    variables = {"image": np.zeros((count, size, size), np.float32), "rot": rot, "tilt": tilt, "psi": psi}
    return build(PARTICLES, variables, {"particle": np.arange(count), "y": axis, "x": axis, "pixel_size": pixel_size})


@pytest.fixture(scope="session")
def relion_halves(data):
    """Return RELION's half maps."""
    names = [data / f"relion/rec31_half{half}_pad2.mrc" for half in (1, 2)]
    return volume([np.asarray(mrcfile.read(name)) for name in names], 2.1)


@pytest.fixture(scope="session")
def relion_mask(data):
    """Return RELION's mask."""
    return np.asarray(mrcfile.read(data / "relion/mask.mrc"), np.float32)


@pytest.fixture(scope="session")
def halves():
    """Return half maps that decay with a B factor of 80 A^2 and reach 3 A."""
    return volume(decaying_halves(), 1.5)
