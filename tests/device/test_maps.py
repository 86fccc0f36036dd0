"""What recipes make of maps, on a card: filters, masks, curves under masks, other grids, and spectra of noise."""

import dataclasses

import numpy as np
import pytest
from tolerances import SAME_ON_CARD

from cryonb.backends import backend_of, get_backend
from cryonb.config import MaskConfig
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.mask_leak import modified_correlation, phase_randomised_correlation, randomise_phases
from cryonb.imaging.masks import lowpass, make_mask, soft_sphere
from cryonb.imaging.noise import noise_spectrum
from cryonb.imaging.regrid import regrid
from cryonb.imaging.sharpening import fit_map, sharpened_map, weighted_map
from cryonb.imaging.shells import independent_coefficients
from cryonb.refine.half_sets import map_power, noise_power
from cryonb.refine.joining import join
from cryonb.refine.state import MAPS, VOLUMES, State, brought_back, taken_up

SIZE, VOXEL = 24, 4.0
SHELLS = SIZE // 2 + 1
CURVE = np.linspace(1.0, 0.05, SHELLS)


def blob(seed=0, count=2):
    """Two noisy maps of three balls, of which only one is large."""
    place = np.arange(SIZE) - SIZE // 2
    square = [(place - centre) ** 2 for centre in (0, 5, -8)]
    balls = sum(
        np.exp(-(one[:, None, None] + one[:, None] + one) / (2.0 * width**2))
        for one, width in zip(square, (3.0, 2.0, 0.5))
    )
    noise = np.random.default_rng(seed).normal(0, 0.05, (count, SIZE, SIZE, SIZE))
    return (balls + noise).astype(np.float32)


HALVES = blob()

ON_MAPS = {
    "low-pass": lambda up: lowpass(up(HALVES[0]), VOXEL, 14.0),
    "weighted": lambda up: weighted_map(half_transform(up(HALVES[0])), CURVE, 9.0),
    "sharpened": lambda up: sharpened_map(up(HALVES[0]), CURVE, 200.0, SIZE * VOXEL, 9.0),
    "sphere": lambda up: soft_sphere(SIZE, VOXEL, 30.0, 12.0, backend_of(up(HALVES)).xp),
    "mask by a threshold": lambda up: make_mask(up(HALVES[0]), VOXEL, MaskConfig(kind="threshold")),
    "dynamic mask": lambda up: make_mask(up(HALVES[0]), VOXEL, MaskConfig(kind="dynamic", near=4.0, far=12.0)),
    "sphere as a mask": lambda up: make_mask(up(HALVES[0]), VOXEL, MaskConfig(kind="sphere")),
    "joined halves": lambda up: join(up(HALVES), np.stack([CURVE, 2 * CURVE]), 5.0),
    "another grid": lambda up: regrid(up(HALVES[0]), VOXEL, 20, 5.0),
    "random phases": lambda up: randomise_phases(half_transform(up(HALVES[0])), 4, np.random.default_rng(3)),
}


@pytest.mark.parametrize("name", ON_MAPS)
def test_maps_stay_on_the_card_and_are_those_of_the_cpu(name, device):
    here, there = ON_MAPS[name](get_backend("numba").upload), ON_MAPS[name](device.upload)
    assert backend_of(there) is device and there.dtype == here.dtype
    assert np.abs(here).max() > 0
    assert np.abs(device.download(there) - here).max() <= SAME_ON_CARD * np.abs(here).max()


def masked_by_chance(up):
    transforms = [half_transform(half) for half in up(HALVES)]
    sphere = soft_sphere(SIZE, VOXEL, 30.0, 12.0, backend_of(transforms[0]).xp)
    return phase_randomised_correlation(*transforms, sphere, 4, [np.random.default_rng(seed) for seed in (1, 2)])


def guinier(up):
    fit = fit_map(up(HALVES[0]), CURVE, independent_coefficients(SIZE), SIZE * 1.5, 3.0)
    return np.array([fit.slope, fit.intercept, fit.b_factor_low])


IMAGES = np.random.default_rng(5).normal(size=(7, 20, 20)).astype(np.float32)

CURVES = {
    "noise between halves": lambda up: noise_power(up(HALVES)),
    "power": lambda up: map_power(up(HALVES[0])),
    "random phases under a mask": masked_by_chance,
    "shell by shell under a mask": lambda up: modified_correlation(*up(HALVES), up(HALVES[0] > 0.2).astype(np.float32)),
    "noise of images": lambda up: noise_spectrum(up(IMAGES)),
    "noise around particles": lambda up: noise_spectrum(up(IMAGES), 7.5),
    "Guinier fit": guinier,
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_come_to_the_host_and_are_those_of_the_cpu(name, device):
    here, there = CURVES[name](get_backend("numba").upload), CURVES[name](device.upload)
    assert isinstance(there, np.ndarray) and np.isfinite(here).all()
    assert np.abs(there - here).max() <= SAME_ON_CARD * np.abs(here).max()


def test_no_map_goes_to_the_host_but_the_region_of_a_mask(stand_in):
    halves, card = stand_in.upload(HALVES), stand_in.card
    for name, most in (("weighted", 0), ("joined halves", 0), ("random phases", 0), ("dynamic mask", SIZE**3 + 8)):
        before = card.downloaded_bytes
        ON_MAPS[name](lambda array: halves if array is HALVES else halves[0])
        assert card.downloaded_bytes - before <= most, name


def test_a_curve_comes_to_the_host_as_one(stand_in):
    halves, card = stand_in.upload(HALVES), stand_in.card
    for work in (noise_power, lambda both: map_power(both[0]), lambda both: modified_correlation(*both, both[0])):
        before = card.downloads, card.downloaded_bytes
        work(halves)
        assert card.downloads - before[0] == 1 and card.downloaded_bytes - before[1] <= 3 * 8 * (SHELLS + 1)


def state_with(**maps):
    known = dict(iteration=1, limit=5.0, noise=np.ones((1, 9)), half=np.array([1, 2]))
    return State(**{**known, "reference": None, "fourier": None, **maps})


def test_a_state_is_taken_up_and_brought_back(device):
    maps = {name: np.random.default_rng(3).normal(size=(1, 2, 4, 4, 4)).astype(np.float32) for name in MAPS}
    there = taken_up(state_with(**maps), device)
    for field in dataclasses.fields(State):
        assert device.owns(getattr(there, field.name)) == (field.name in VOLUMES)
    made = dataclasses.replace(there, half_map=device.upload(maps["half_map"]))
    back = brought_back(made)
    for name, values in maps.items():
        assert isinstance(getattr(back, name), np.ndarray) and np.array_equal(getattr(back, name), values)
    empty = brought_back(taken_up(state_with(), device))
    assert all(getattr(empty, name) is None for name in MAPS)
