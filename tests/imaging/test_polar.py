import numpy as np
import pytest
from tolerances import FLOAT32_FFT, NUFFT_SINGLE

from cryonb.imaging.polar import RingImages, Rings, ring_slices
from cryonb.imaging.projector import fourier_volume, slices
from cryonb.imaging.rotations import euler_to_matrix, random_rotations
from cryonb.imaging.views import view_matrices

RINGS = Rings.of(1, 6, 24)


def volume(size=20, seed=0):
    rng = np.random.default_rng(seed)
    z, y, x = np.indices((size,) * 3) - size // 2
    ball = z**2 + y**2 + x**2 < (0.3 * size) ** 2
    return fourier_volume((ball * rng.normal(size=(size,) * 3)).astype(np.float32), max_index=9)


def orders(values):
    found = np.ascontiguousarray(values).view(np.float32).reshape(-1, RINGS.n_angles) @ RINGS.analysis()
    return found.reshape(*values.shape[:-1], RINGS.orders, 2).view(np.complex64)[..., 0]


def test_angular_orders_are_those_of_the_whole_ring():
    sampled = ring_slices(volume(), random_rotations(3, np.random.default_rng(1)), RINGS)
    whole = np.concatenate([sampled, sampled.conj()], axis=-1)
    expected = np.fft.fft(whole, axis=-1)[..., : RINGS.orders] / RINGS.n_angles
    np.testing.assert_allclose(orders(sampled), expected, atol=FLOAT32_FFT * np.abs(expected).max())


def test_antipodes_are_mirror_images():
    views = view_matrices(1)
    near, far = (orders(ring_slices(volume(), half, RINGS)) for half in views)
    sign = (-1.0) ** np.arange(RINGS.orders)
    np.testing.assert_allclose(far, sign * near.conj(), atol=FLOAT32_FFT * np.abs(near).max())


@pytest.mark.parametrize("psi", [0.0, 45.0, 210.0, 345.0])
def test_the_synthesis_peaks_at_the_turn_in_the_plane(psi):
    still, turned = (ring_slices(volume(), euler_to_matrix([20.0], [50.0], [angle]), RINGS) for angle in (0.0, psi))
    product = (orders(turned) * orders(still).conj()).sum(axis=1)[0]
    even, odd = RINGS.synthesis()
    parts = [
        np.einsum("amd,md->a", matrix, np.stack([part.real, part.imag], axis=1))
        for matrix, part in ((even, product[0::2]), (odd, product[1::2]))
    ]
    curve = np.concatenate([parts[0] + parts[1], parts[0] - parts[1]])
    assert np.argmax(curve) * 360.0 / RINGS.n_angles == psi
    whole = [np.concatenate([part, part.conj()], axis=-1) for part in (turned[0], still[0])]
    direct = [
        (whole[0] * np.roll(whole[1], -shift, axis=1).conj()).real.mean(axis=1).sum() for shift in range(RINGS.n_angles)
    ]
    # Orders of half the angles and beyond are left out: the sums differ by what the slices hold there.
    np.testing.assert_allclose(curve, direct, atol=0.05 * max(direct))


@pytest.mark.parametrize("size", [20, 21])
def test_images_on_rings_are_their_transforms(size):
    pixels = np.random.default_rng(2).normal(size=(3, size, size)).astype(np.float32)
    found = RingImages(RINGS, size, 4)(pixels)
    kx, ky = RINGS.points()
    line = np.arange(size) - size // 2
    wave_x = np.exp(-2j * np.pi * kx[..., None] * line / size)
    wave_y = np.exp(-2j * np.pi * ky[..., None] * line / size)
    expected = np.einsum("rax,ray,myx->mra", wave_x, wave_y, pixels, optimize=True)
    np.testing.assert_allclose(found, expected, atol=5 * NUFFT_SINGLE * np.abs(expected).max())


def test_ring_slices_are_slices_where_both_are_sampled():
    rotations = random_rotations(2, np.random.default_rng(3))
    on_rings = ring_slices(volume(), rotations, RINGS)
    rows = slices(volume(), rotations, np.ones((20, 11), np.float32))
    np.testing.assert_allclose(on_rings[:, :, 0], rows[:, 0, 1:7], atol=FLOAT32_FFT * np.abs(rows).max())
    np.testing.assert_allclose(on_rings[:, :, 6], rows[:, 1:7, 0], atol=FLOAT32_FFT * np.abs(rows).max())


def test_shift_factors_centre_an_image():
    image = np.zeros((1, 20, 20), np.float32)
    image[0, 10, 10] = 1.0
    moved = np.roll(image, (-2, 3), axis=(1, 2))
    rings = RingImages(RINGS, 20, 1)
    factors = RINGS.shift_factors(np.array([[-3 / 20, 2 / 20]]))
    np.testing.assert_allclose(rings(moved) * factors, rings(image), atol=1e-4)
