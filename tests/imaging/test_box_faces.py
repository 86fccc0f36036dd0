"""A step at the faces of a box lies on the axes of its transform; maps and noise do not."""

import numpy as np
import pytest

from cryonb.imaging.box_faces import made_on_axes, off_axis_correlation
from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.shells import fourier_shell_correlation, shell_index, shell_power


def curves(first, second):
    transforms = [half_transform(half) for half in (first, second)]
    curve = fourier_shell_correlation(*transforms)
    return curve, off_axis_correlation(*transforms, curve, np.stack([shell_power(each) for each in transforms]))


def halves(size, seed=0):
    rng = np.random.default_rng(seed)
    fall = np.exp(-((half_radius(size) / 6.0) ** 2))
    signal = real_space(half_transform(rng.normal(size=(size,) * 3)) * fall, size)
    return [signal + 0.2 * rng.normal(size=signal.shape) for _ in range(2)]


@pytest.mark.parametrize("size", [24, 25])
def test_it_is_the_correlation_of_maps_without_those_coefficients(size):
    pair = halves(size)
    kept = np.ones((size,) * 3, bool)
    for axis in range(3):
        kept[tuple(slice(None) if other == axis else 0 for other in range(3))] = False
    whole = [np.fft.fftn(np.fft.ifftshift(half)) * kept for half in pair]
    radius = np.fft.fftfreq(size, 1.0 / size) ** 2
    shell = np.round(np.sqrt(radius[:, None, None] + radius[:, None] + radius)).astype(int)
    naive = [
        np.sum((whole[0] * whole[1].conj()).real[shell == s])
        / np.sqrt(np.prod([np.sum(np.abs(each[shell == s]) ** 2) for each in whole]))
        for s in range(2, size // 2 + 1)
    ]
    assert curves(*pair)[1][2:] == pytest.approx(naive, abs=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_step_at_a_face_is_found_where_it_makes_the_curve(axis):
    pair = halves(48)
    held = np.ones(25, bool)
    assert made_on_axes(*curves(*pair), held) == 0
    for half in pair:
        half += 3.0
        np.moveaxis(half, axis, 0)[[0, -1]] = 0.0
    curve, off_axis = curves(*pair)
    start = made_on_axes(curve, off_axis, held)
    assert 5 <= start <= 14
    assert curve[start] > 0.2 and abs(off_axis[20:].mean()) < 0.05
    assert made_on_axes(curve, off_axis, held & (np.arange(25) < start)) == 0


def test_the_layer_lines_of_a_filament_are_no_step():
    pair = [half_transform(half) for half in halves(48)]
    for each in pair:
        each[15, 0, 0] = each[-15, 0, 0] = 300.0 * np.abs(each[shell_index(48) == 15]).max()
    curve, off_axis = curves(*[real_space(each, 48) for each in pair])
    assert curve[15] - off_axis[15] > 0.5
    assert made_on_axes(curve, off_axis, np.ones(25, bool)) == 0
