import numpy as np
import pytest

from cryonb.imaging.projector import Grid, fourier_volume, gridding_profile
from cryonb.imaging.wiener import CORRECTED_SHARE, TAPS, correcting_stencil, sliceable, within


@pytest.mark.parametrize(
    ("kernel", "pad", "error"), [("trilinear", 2.0, 0.002), ("trilinear", 1.5, 0.01), ("nearest", 2.0, 1e-3)]
)
def test_the_stencil_undoes_both_kernels_inside_the_box(kernel, pad, error):
    grid = Grid.of(48, pad, kernel, 24)
    place = np.arange(48) - 24
    stencil = correcting_stencil(grid)
    wave = stencil[0] + 2 * sum(
        weight * np.cos(2 * np.pi * step * place / grid.padded) for step, weight in enumerate(stencil[1:], 1)
    )
    used = np.abs(place) <= CORRECTED_SHARE * 24
    assert np.abs(wave * gridding_profile(grid) ** 2 - 1)[used].max() < error


@pytest.mark.parametrize("size", [16, 15])
def test_the_correction_is_that_of_real_space(size):
    """Of a map in the middle of the box: convolved on the grid, or divided in real space; away from the grid's edge."""
    density = np.zeros((size,) * 3, np.float32)
    inner = slice(size // 2 - 4, size // 2 + 5)
    density[inner, inner, inner] = np.random.default_rng(0).normal(size=(9, 9, 9))
    plain = fourier_volume(density, 2.0, "trilinear", False, 7.0)
    profile = gridding_profile(plain.grid) ** 2
    spread = (density * profile[:, None, None] * profile[:, None] * profile).astype(np.float32)
    met_both = fourier_volume(spread, 2.0, "trilinear", False, 7.0)
    grid = plain.grid
    line = np.arange(-grid.reach, grid.reach + 1)
    distance = np.sqrt(line[:, None, None] ** 2 + line[:, None] ** 2 + np.arange(grid.columns) ** 2).ravel()
    away = distance < grid.radius - TAPS
    left, before = (np.abs(one.values - plain.values)[away].max() for one in (sliceable(_holding(met_both)), met_both))
    assert left < 0.02 * before and before > 0.1 * np.abs(plain.values).max()


def _holding(volume):
    """What stands for an accumulator whose quotient is a volume: weight 1 everywhere."""
    grid = volume.grid
    values = volume.values.reshape(grid.side, grid.side, grid.columns)[:, :, grid.margin :]
    sums = np.stack([values.real, values.imag, np.ones(values.shape)], axis=-1)
    folded = np.ascontiguousarray(sums, np.float32)
    return _Folded(grid, folded)


class _Folded:
    def __init__(self, grid, sums):
        self.grid, self._sums = grid, sums

    def fold(self):
        return self._sums


def test_a_part_of_a_volume_is_that_of_a_coarser_one():
    density = np.random.default_rng(1).normal(size=(16, 16, 16)).astype(np.float32)
    whole = fourier_volume(density, 2.0, "trilinear", True, 8.0)
    assert np.array_equal(within(whole, 2.0, 5.0).values, fourier_volume(density, 2.0, "trilinear", True, 5.0).values)
    assert within(whole, 2.0, 8.0) is whole
