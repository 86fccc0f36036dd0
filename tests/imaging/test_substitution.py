import numpy as np
import pytest
import scipy.fft
from tolerances import KEPT_COEFFICIENT, NOISE_SIGMAS

from cryonb.imaging.fourier import half_radius
from cryonb.imaging.noise import white_noise
from cryonb.imaging.substitution import substitute_noise

IDS = np.array([3, 11, 4, 90])


def images(size, seed=0):
    """Return images of a blob in noise, which have phases that mean something."""
    line = np.arange(size) - size // 2
    blob = np.exp(-((line[:, None] - 2) ** 2 + line**2) / 18.0)
    return (white_noise(seed, 0, IDS, size) + 5.0 * blob).astype(np.float32)


@pytest.mark.parametrize("size", [24, 25])
def test_amplitudes_stay_and_phases_go(size):
    given = images(size)
    made = substitute_noise(given, IDS, 5.0, seed=2)
    before, after = scipy.fft.rfft2(given), scipy.fft.rfft2(made)
    past = half_radius(size, 2) >= 5.0
    largest = np.abs(before).max()
    assert made.dtype == np.float32 and made.shape == given.shape
    assert np.abs(after - before)[:, ~past].max() < KEPT_COEFFICIENT * largest
    assert np.abs(np.abs(after) - np.abs(before)).max() < KEPT_COEFFICIENT * largest
    turned = (after * before.conj())[:, past]
    turned /= np.maximum(np.abs(turned), 1e-12)
    assert abs(turned.mean()) < NOISE_SIGMAS / np.sqrt(turned.size / 2)
    assert np.ptp(np.angle(turned)) > 6.0


def test_corners_are_substituted_too():
    given = images(16)
    made = substitute_noise(given, IDS, 7.0, seed=2)
    difference = np.abs(scipy.fft.rfft2(made) - scipy.fft.rfft2(given))
    assert np.median(difference[:, half_radius(16, 2) > 8.5]) > 1.0


def test_an_image_gets_the_same_noise_in_any_batch():
    given = images(16)
    whole = substitute_noise(given, IDS, 3.0, seed=5)
    alone = substitute_noise(given[2:3], IDS[2:3], 3.0, seed=5)
    turned = substitute_noise(given[::-1], IDS[::-1], 3.0, seed=5)
    assert np.array_equal(whole[2:3], alone) and np.array_equal(whole[::-1], turned)


def test_noise_differs_by_particle_seed_and_replica():
    given = np.broadcast_to(images(16)[:1], (4, 16, 16)).astype(np.float32)
    made = substitute_noise(given, IDS, 3.0, seed=5)
    others = [substitute_noise(given, IDS, 3.0, seed=6), substitute_noise(given, IDS, 3.0, seed=5, replica=1)]
    past = half_radius(16, 2) >= 3.0

    def phases(pixels):
        return scipy.fft.rfft2(pixels)[:, past]

    for one, other in [(made[0], made[1]), *((made[0], more[0]) for more in others)]:
        first, second = phases(one[None])[0], phases(other[None])[0]
        likeness = np.real(np.vdot(first, second)) / np.vdot(first, first).real
        assert abs(likeness) < 0.5


def test_nothing_changes_where_the_noise_begins_past_the_images():
    given = images(16)
    assert np.abs(substitute_noise(given, IDS, 99.0, seed=1) - given).max() < KEPT_COEFFICIENT * np.abs(given).max()
