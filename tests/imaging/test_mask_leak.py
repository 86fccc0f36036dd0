"""Mask leak: random phases stay real maps, and the two corrections see no leak where there is none to see."""

import mrcfile
import numpy as np
import pytest
import starfile
from tolerances import FLOAT32_FFT, RANDOM_PHASES, RELION_MASKED

from cryonb.imaging.fourier import half_transform, real_space
from cryonb.imaging.mask_leak import (
    correct_for_mask,
    modified_correlation,
    phase_randomised_correlation,
    randomise_phases,
)
from cryonb.imaging.masks import lowpass, soft_sphere
from cryonb.imaging.shells import fourier_shell_correlation, shell_index


def noise(size, seed):
    return np.random.default_rng(seed).normal(size=(size,) * 3).astype(np.float32)


def rngs(count):
    return [np.random.default_rng([0, draw]) for draw in range(count)]


@pytest.mark.parametrize("size", [8, 9, 16, 17])
def test_random_phases_keep_amplitudes_and_the_map_real(size):
    transform = half_transform(noise(size, 0))
    randomised = randomise_phases(transform, 3, np.random.default_rng(1))
    scale = np.abs(transform).max()
    assert np.abs(half_transform(real_space(randomised, size)) - randomised).max() < FLOAT32_FFT * scale
    assert np.abs(np.abs(randomised) - np.abs(transform)).max() < FLOAT32_FFT * scale
    kept = shell_index(size) < 3
    assert np.array_equal(randomised[kept], transform[kept])
    changed = np.abs(randomised - transform)[~kept]
    assert np.median(changed) > 0.5 * np.median(np.abs(transform)[~kept])
    assert randomised.dtype == transform.dtype


def test_random_phases_do_not_correlate_without_a_mask():
    signal = half_transform(noise(32, 0))
    fsc = phase_randomised_correlation(signal, signal, np.ones((32,) * 3, np.float32), 8, rngs(4))
    assert fsc[:8] == pytest.approx(np.ones(8), abs=FLOAT32_FFT)
    assert np.abs(fsc[8:]).max() < 0.1


def test_correction_starts_two_shells_past_the_randomisation():
    masked, randomised = np.full(8, 0.9), np.full(8, 0.5)
    assert correct_for_mask(masked, randomised, 3) == pytest.approx([0.9] * 5 + [0.8] * 3)
    assert np.isnan(correct_for_mask(masked, np.ones(8), 3)[5:]).all()


@pytest.mark.parametrize("size", [16, 17])
def test_modified_correlation_under_no_mask_is_the_plain_one(size):
    first, second = noise(size, 1), noise(size, 2) + noise(size, 1)
    plain = fourier_shell_correlation(half_transform(first), half_transform(second))
    seen = []
    modified = modified_correlation(
        first, second, np.ones_like(first), lambda fraction, text: seen.append((fraction, text))
    )
    assert modified == pytest.approx(plain, abs=FLOAT32_FFT)
    assert seen[-1][0] == 1.0
    assert len(seen) == size // 2 + 1


def test_a_mask_leaks_into_filtered_maps_but_not_into_the_modified_correlation():
    size = 48
    signal = 3 * noise(size, 0)
    halves = [lowpass(signal + noise(size, seed), 1.0, size / 10) for seed in (1, 2)]
    mask = soft_sphere(size, 1.0, 8.0, 3.0)
    masked = fourier_shell_correlation(*[half_transform(half * mask) for half in halves])
    modified = modified_correlation(*halves, mask)
    assert masked[18] > 0.8
    assert abs(modified[18]) < 0.3
    assert modified[5] > 0.8


def test_masked_and_corrected_curves_of_relion(data):
    first, second, mask = (
        np.asarray(mrcfile.read(data / "relion" / name), np.float32)
        for name in ("rec31_half1_pad2.mrc", "rec31_half2_pad2.mrc", "mask.mrc")
    )
    table = starfile.read(data / "relion/postprocess.star")["fsc"]
    transforms = half_transform(first), half_transform(second)
    raw = fourier_shell_correlation(*transforms)
    start = int(np.argmax(raw < 0.8))
    assert 64 * 2.1 / start == pytest.approx(14.933333)
    masked = fourier_shell_correlation(half_transform(first * mask), half_transform(second * mask))
    assert np.abs(masked - table["rlnFourierShellCorrelationMaskedMaps"]).max() < RELION_MASKED
    corrected = correct_for_mask(masked, phase_randomised_correlation(*transforms, mask, start, rngs(4)), start)
    difference = np.abs(corrected - table["rlnFourierShellCorrelationCorrected"].to_numpy())
    assert difference[: start + 1].max() < RELION_MASKED
    assert difference[start + 2 :].max() < RANDOM_PHASES
