"""Masks: their lengths are what was asked for, in angstrom, and a bad one is refused."""

import numpy as np
import pytest

from cryonb.config import MaskConfig
from cryonb.errors import InputError
from cryonb.imaging.masks import (
    checked_mask,
    cosine_edge,
    distance_outside,
    dynamic_mask,
    kept_fraction,
    lowpass,
    make_mask,
    mask_diameter,
    soft_sphere,
    threshold_mask,
    without_specks,
)


def ball(size, radius):
    axis = np.arange(size) - size // 2
    return np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2) <= radius


@pytest.mark.parametrize("size", [32, 33])
def test_sphere_is_one_inside_zero_outside_and_half_between(size):
    mask = soft_sphere(size, 2.0, radius=16.0, edge_width=8.0)
    line = mask[size // 2, size // 2, size // 2 :]
    assert mask.dtype == np.float32
    assert (line[:9] == 1).all()
    assert line[10] == pytest.approx(0.5)
    assert (line[12:] == 0).all()


def test_hard_edge():
    assert np.array_equal(soft_sphere(16, 1.0, 5.0, 0.0) > 0, ball(16, 5))
    assert set(np.unique(cosine_edge(np.linspace(-1, 1, 9), 0.0))) == {0.0, 1.0}


def test_threshold_mask_grows_by_angstroms():
    density = ball(48, 6).astype(np.float32)
    mask = threshold_mask(density, 2.0, 0.5, dilate=6.0, edge_width=8.0, lowpass_resolution=0.0)
    line = mask[24, 24, 24:]
    assert (line[:10] == 1).all()
    assert line[11] == pytest.approx(0.5)
    assert (line[13:] == 0).all()


def test_specks_are_no_part_of_a_mask():
    density = ball(48, 6).astype(np.float32)
    density[2:4, 2:4, 2:4] = 1.0
    mask = threshold_mask(density, 2.0, 0.5, 6.0, 8.0, 0.0)
    assert mask[2, 2, 2] == 0
    two = ball(48, 6) | np.roll(ball(48, 4), 16, axis=0)
    assert np.array_equal(without_specks(two), two)


def test_dynamic_mask_is_a_threshold_mask_between_near_and_far():
    density = ball(48, 6).astype(np.float32)
    mask = dynamic_mask(density, 2.0, 0.5, near=6.0, far=14.0, start_resolution=8.0)
    assert np.array_equal(mask, threshold_mask(density, 2.0, 0.5, 6.0, 8.0, 8.0))


def test_distances_do_not_depend_on_the_window():
    region = np.zeros((20, 20, 20), bool)
    region[3, 4, 5] = region[10, 4, 5] = True
    near, far = distance_outside(region, 4.0), distance_outside(region, 40.0)
    assert np.array_equal(near[near <= 4], far[far <= 4])
    assert far[3, 4, 15] == pytest.approx(10)


def test_lowpass_keeps_coarse_waves_and_drops_fine_ones():
    x = np.arange(32)
    for period, kept in ((16, 1.0), (4, 0.0)):
        wave = np.broadcast_to(np.cos(2 * np.pi * x / period), (32, 32, 32)).astype(np.float32)
        assert lowpass(wave, 2.0, 16.0) == pytest.approx(kept * wave, abs=1e-5)
        assert lowpass(wave, 2.0, 16.0).dtype == np.float32


@pytest.mark.parametrize("kind", ["sphere", "threshold", "dynamic"])
def test_settings_of_zero_stand_for_defaults(kind):
    mask = make_mask(ball(48, 8).astype(np.float32), 3.0, MaskConfig(kind=kind))
    assert mask.shape == (48, 48, 48)
    assert mask.dtype == np.float32
    assert mask[24, 24, 24] == 1
    assert mask[0, 0, 0] == 0


def test_no_mask_for_kind_none_and_a_coarser_lowpass_for_a_coarse_map():
    density = ball(48, 8).astype(np.float32)
    assert make_mask(density, 3.0, MaskConfig()) is None
    settings = MaskConfig(kind="threshold")
    assert make_mask(density, 3.0, settings, 40.0).sum() > make_mask(density, 3.0, settings, 6.0).sum()


def test_independent_part_of_the_box():
    hard = ball(32, 8).astype(np.float32)
    assert kept_fraction(hard) == pytest.approx(hard.mean())
    assert kept_fraction(soft_sphere(32, 1.0, 8.0, 4.0)) > hard.mean()


def test_diameter():
    assert mask_diameter(soft_sphere(32, 2.0, 16.0, 4.0), 2.0) == pytest.approx(2 * 17, abs=4)


def bad(change):
    mask = soft_sphere(16, 1.0, 5.0, 2.0)
    change(mask)
    return mask


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.ones((8, 8, 8)), "the mask must have the shape of the maps, 16 x 16 x 16 [voxel]; got 8 x 8 x 8."),
        (bad(lambda mask: mask.__setitem__((0, 0, 0), np.nan)), "the mask must be finite"),
        (bad(lambda mask: mask.__imul__(2.0)), "the mask must lie between 0 and 1; got 0 to 2."),
        (bad(lambda mask: mask.__imul__(0.0)), "the mask must keep something; got zero everywhere."),
    ],
)
def test_bad_masks_are_refused(mask, sentence):
    with pytest.raises(InputError) as caught:
        checked_mask(mask, (16, 16, 16))
    assert str(caught.value).startswith(sentence)


def test_a_map_without_positive_density_has_no_threshold():
    with pytest.raises(InputError, match="positive density"):
        threshold_mask(-ball(16, 4).astype(np.float32), 1.0, 0.5, 2.0, 2.0, 0.0)
