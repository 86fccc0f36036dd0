import dataclasses
import itertools

import numpy as np
import pytest
from tolerances import CORNER_MEAN, CORNER_MOST, CORNER_SHARE, FLOAT32_WEIGHTS, GAIN_READ_BACK

from cryonb.config import RunConfig
from cryonb.imaging.corner import LONE_WEIGHT, WeightSums, coverage, predict_corner, weight_sums
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.projector import Grid, in_plane_limit
from cryonb.imaging.reconstruct import SMALLEST_WEIGHT, Accumulator, reconstruct
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.shells import fourier_shell_correlation, shell_power
from cryonb.phantoms import phantom
from cryonb.refine.planning import grid_of
from cryonb.refine.prepare import Weigher, half_sets
from cryonb.refine.requirements import settled
from cryonb.simulate import simulate


def test_coverage_is_what_a_square_covers():
    angle = np.linspace(0.0, 2.0 * np.pi, 40001)
    for rho in (0.7, 1.0, 1.05, 1.2, 1.4, 1.42):
        inside = np.maximum(np.abs(rho * np.cos(angle)), np.abs(rho * np.sin(angle))) <= 1.0
        assert coverage(rho) == pytest.approx(inside.mean(), abs=1e-3)


def some_weights(size=8, pad=2.0, count=12, seed=0, kernel="trilinear"):
    rng = np.random.default_rng(seed)
    inside = in_plane_limit(size, "square", pairs="once")
    grid = Grid.of(size, pad, kernel, size / 2 * 2**0.5)
    turns = np.ascontiguousarray(random_rotations(count, rng)[:, None].astype(np.float32))
    accumulator = Accumulator.empty(grid)
    weights = (rng.uniform(0.0, 1.0, (count, *inside.shape)) ** 4 * inside).astype(np.float32)
    accumulator.insert(weights.astype(np.complex64), weights, turns)
    return grid, accumulator


def naive_sums(weights_a, weights_b, grid, lone):
    """Loop over the full sphere: each point with x > 0 has a mirror image."""
    shells, furthest = grid.size // 2 + 1, max(grid.radius, grid.padded / 2)
    points = [
        (z, y, x)
        for z in range(-grid.reach, grid.reach + 1)
        for y in range(-grid.reach, grid.reach + 1)
        for x in range(grid.reach + 1)
    ]
    fine = {}
    for z, y, x in points:
        entry = fine.setdefault(int(np.float32(np.sqrt(z * z + y * y + x * x))), [0.0, 0.0, 0])
        entry[0] += weights_a[z + grid.reach, y + grid.reach, x]
        entry[1] += weights_b[z + grid.reach, y + grid.reach, x]
        entry[2] += 1
    totals = np.zeros((7, shells))
    for z, y, x in points:
        distance = np.sqrt(z * z + y * y + x * x)
        shell = int(np.floor(distance / grid.scale + 0.5))
        if shell >= shells:
            continue
        sums, gain, noise = fine[int(distance)], [], []
        for half, weights in enumerate((weights_a, weights_b)):
            weight = float(weights[z + grid.reach, y + grid.reach, x])
            floor = SMALLEST_WEIGHT * sums[half] / sums[2]
            gain.append(weight / max(weight, floor) if weight > 0 and distance <= furthest else 0.0)
            noise.append(gain[-1] ** 2 / (weight + lone) if weight > 0 else 0.0)
        both = gain[0] > 0 and gain[1] > 0
        terms = (1.0, both, gain[0] * gain[1], gain[0] ** 2, gain[1] ** 2, *noise)
        totals[:, shell] += (2.0 if x > 0 else 1.0) * np.array(terms, float)
    totals[1] /= totals[0]
    return totals


@pytest.mark.parametrize("size,pad", [(8, 2.0), (9, 1.0), (8, 1.5)])
def test_sums_are_what_the_loops_add(size, pad):
    (grid, first), (_, second) = (some_weights(size, pad, seed=seed) for seed in (1, 2))
    weights = [accumulator.fold()[..., 2] for accumulator in (first, second)]
    sums = weight_sums(*weights, grid)
    expected = naive_sums(*weights, grid, LONE_WEIGHT["trilinear"])
    assert np.allclose(dataclasses.astuple(sums)[:7], expected, rtol=FLOAT32_WEIGHTS)
    assert sums.both_filled[1:].min() > 0 and sums.both_filled.max() <= 1


def test_the_gain_is_what_the_division_leaves_of_a_constant():
    """Coefficients of one everywhere: the divided transform is the gain of every point."""
    grid, accumulator = some_weights(pad=1.0)
    _, again = some_weights(pad=1.0)
    weights = accumulator.fold()[..., 2].copy()
    density = reconstruct(again, gridding_correction=False).density
    power = shell_power(half_transform(density))
    gain = weight_sums(weights, weights, grid).gain_aa
    inner = slice(1, grid.size // 2)
    assert np.allclose(power[inner], gain[inner], rtol=GAIN_READ_BACK)


def law(shells, nyquist, slope, weight):
    """Return sums of evenly filled shells, and the correlation of a signal that falls as exp(-slope s)."""
    shell = np.arange(shells)
    count = 4.0 * np.pi * np.maximum(shell, 0.3) ** 2
    filled = coverage(shell / nyquist)
    gain = count * filled
    noise = gain / weight
    sums = WeightSums(count, filled, gain, gain, gain, noise, noise, 1.0)
    ratio = 100.0 * np.exp(-slope * shell)
    with np.errstate(invalid="ignore"):
        return sums, np.where(gain > 0, ratio * gain / (ratio * gain + noise), np.nan)


@pytest.mark.parametrize("slope", [0.0, 0.05, 0.2])
def test_a_signal_that_falls_evenly_is_found_again(slope):
    sums, fsc = law(49, 32.0, slope, 5.0)
    curve, half_width = predict_corner(sums, fsc, 32.0)
    past = (np.arange(49) > 32) & (np.arange(49) <= 45)
    assert np.array_equal(np.isfinite(curve), past) and np.array_equal(np.isfinite(half_width), past)
    assert np.all(np.abs(curve - fsc)[past] <= half_width[past])


def test_the_interval_widens_with_the_scatter_of_the_band():
    sums, fsc = law(49, 32.0, 0.1, 5.0)
    noisy = np.clip(fsc + 0.1 * np.random.default_rng(0).normal(size=49), 0.05, 0.98)
    even, uneven = (np.nansum(predict_corner(sums, curve, 32.0)[1]) for curve in (fsc, noisy))
    assert uneven > 1.5 * even


@pytest.mark.parametrize("fsc", [np.zeros(49), np.full(49, np.nan)])
def test_a_band_without_correlation_predicts_nothing(fsc):
    sums, _ = law(49, 32.0, 0.1, 5.0)
    curve, half_width = predict_corner(sums, fsc, 32.0)
    assert np.isnan(curve).all() and np.isnan(half_width).all()


SPECTRA = (
    {"kind": "helices", "pixel_size": 2.0, "b_factor": 60.0},
    {"kind": "helices", "pixel_size": 2.0, "b_factor": 200.0},
    {"kind": "octahedral", "pixel_size": 3.0, "b_factor": 30.0},
)


def copy_of(accumulator):
    return dataclasses.replace(accumulator, sums=accumulator.sums.copy(), carried=accumulator.carried.copy())


def predicted_and_measured(spectrum, pad, ctf, seed):
    settings = {key: value for key, value in spectrum.items() if key != "kind"}
    truth = phantom(spectrum["kind"], box_size=64, **settings)
    particles = simulate(truth, n_particles=800, binning=2.0, snr=3.0, ctf=ctf, seed=seed)
    config = settled(particles, RunConfig.gather(None, box={"box_size": 64, "pad_factor": pad, "limit": "square"}))
    weights, transforms = [], []
    for images in half_sets(particles, config):
        weigher, accumulator = Weigher.of(images), Accumulator.empty(grid_of(images.sampling, config))
        for tile in images.tiles():
            accumulator.insert(*weigher(tile, images.read(tile)), images.rotations[tile], 2)
        weights.append(copy_of(accumulator).fold()[..., 2])
        transforms.append(half_transform(reconstruct(accumulator).density))
    measured = fourier_shell_correlation(*transforms)
    sums = weight_sums(*weights, accumulator.grid, ctf)
    return *predict_corner(sums, measured, 16.0), measured


def test_the_corners_of_particles_are_foreseen():
    """The prediction is a guide: two thirds of the shells or more in the interval, whatever spectrum, pad and CTF."""
    errors, within = [], []
    for seed, (spectrum, pad, ctf) in enumerate(itertools.product(SPECTRA, (1.0, 2.0), (False, True))):
        curve, half_width, measured = predicted_and_measured(spectrum, pad, ctf, seed)
        past = np.isfinite(curve)
        assert past.sum() == 6
        errors.append((curve - measured)[past])
        within.append(np.abs(errors[-1]) <= half_width[past])
    assert np.mean(within) > CORNER_SHARE
    assert np.sqrt(np.mean(np.square(errors))) < CORNER_MEAN and np.max(np.abs(errors)) < CORNER_MOST
