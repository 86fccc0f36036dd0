import dataclasses

import numpy as np
import pytest

from cryonb.imaging.ctf import CtfParameters, FrequencyPlane, contrast_transfer
from cryonb.units import wavelength


def parameters(**changes):
    one = dict(
        defocus_u=15000.0,
        defocus_v=13000.0,
        defocus_angle=20.0,
        phase_shift=30.0,
        voltage=300.0,
        spherical_aberration=2.7,
        amplitude_contrast=0.1,
        b_factor=0.0,
        scale=1.0,
    )
    return CtfParameters(**{name: np.array([value]) for name, value in {**one, **changes}.items()})


@pytest.mark.parametrize("size", [16, 17])
def test_each_coefficient_is_the_formula(size):
    p = parameters(b_factor=40.0, scale=0.8)
    result = contrast_transfer(p, FrequencyPlane.of(size, 2.0))[0]
    rows = np.fft.fftfreq(size, 2.0)
    for row, column in ((0, 0), (1, 2), (size - 2, 3), (size // 3, 1)):
        ky, kx = rows[row], column / (size * 2.0)
        square, theta = kx**2 + ky**2, np.arctan2(ky, kx)
        length = wavelength(300.0)
        defocus = 14000.0 + 1000.0 * np.cos(2 * (theta - np.deg2rad(20.0)))
        phase = np.pi * length * defocus * square - 0.5 * np.pi * length**3 * 2.7e7 * square**2
        phase += np.arcsin(0.1) + np.deg2rad(30.0)
        expected = np.sin(phase) * np.exp(-10.0 * square) * 0.8
        assert result[row, column] == pytest.approx(expected, abs=2e-5)


def test_images_do_not_influence_each_other():
    pair = CtfParameters(
        *(
            np.concatenate([getattr(parameters(defocus_u=u), f.name) for u in (9000.0, 21000.0)])
            for f in dataclasses.fields(CtfParameters)
        )
    )
    plane = FrequencyPlane.of(16, 3.0)
    both = contrast_transfer(pair, plane)
    assert np.array_equal(both[1], contrast_transfer(parameters(defocus_u=21000.0), plane)[0])
    assert np.array_equal(contrast_transfer(pair[1:], plane)[0], both[1])
