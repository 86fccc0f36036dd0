import numpy as np
import pytest

from cryonb.imaging.projector import Grid, fourier_volume, gridding_profile, kernel_profile
from cryonb.imaging.wiener import CORRECTED_SHARE, EMPTIED_SHARE, correcting_stencil, sliceable, within


@pytest.mark.parametrize(
    ("kernel", "pad", "error"),
    [("trilinear", 2.0, 0.004), ("trilinear", 1.5, 0.005), ("trilinear", 1.0, 0.01), ("nearest", 2.0, 0.004)],
)
@pytest.mark.parametrize("size", [48, 33, 8])
def test_the_stencil_undoes_both_kernels_inside_the_box_and_empties_the_padding(kernel, pad, error, size):
    grid = Grid.of(size, pad, kernel, size / 2)
    place = np.arange(grid.padded) - grid.padded // 2
    part = np.abs(place) / (size / 2)
    for correct in (True, False):
        stencil = correcting_stencil(grid, correct)
        wave = stencil[0] + 2 * sum(
            weight * np.cos(2 * np.pi * step * place / grid.padded) for step, weight in enumerate(stencil[1:], 1)
        )
        undone = wave * kernel_profile(grid, place) ** 2 if correct else wave
        assert np.abs(undone - 1)[part <= CORRECTED_SHARE].max() < 1.1 * error
        assert np.abs(wave[part >= EMPTIED_SHARE]).max(initial=0.0) < 0.05


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
    away = distance < grid.radius - len(correcting_stencil(grid))
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
