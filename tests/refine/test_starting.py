import dataclasses

import numpy as np
import pytest
from refinement_runs import helices, run_of
from tolerances import FIRST_GUESS, MATCHED_SCALE

from cryonb import phantom
from cryonb.errors import InputError
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.projector import fourier_volume, in_plane_limit, slices
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.refine.counter import Counter
from cryonb.refine.first_guess import images_handled
from cryonb.refine.observed import grey_scale
from cryonb.refine.starting import amplitude_in_images, starting_volumes

LINEAR = dict(box=dict(box_size=48, resample="linear"))


def run_with(particles, n_classes=1, lowpass=20.0, **groups):
    return run_of(particles, refine=dict(initial_lowpass=lowpass, n_classes=n_classes), **groups)


def truth_of(size=32, pixel_size=4.5):
    return phantom("helices", box_size=size, pixel_size=pixel_size)


def amplitude(found, expected):
    return float((found * expected).sum() / (expected**2).sum())


@pytest.mark.parametrize("factor", [1.0, 1000.0, 0.001, -1.0])
def test_the_grey_scale_of_a_map_does_not_matter(factor):
    run = run_with(helices(300, snr=1.0))
    truth = truth_of()
    plain = starting_volumes(run, [truth])[0]
    scaled = truth.assign(density=truth["density"].copy(data=truth["density"].values * np.float32(factor)))
    assert np.allclose(starting_volumes(run, [scaled])[0], np.sign(factor) * plain, atol=1e-4 * plain.max())


@pytest.mark.parametrize("settings", [dict(snr=1.0), dict(snr=0.1), dict(snr=0.3, ctf=False), dict(snr=0.0)])
@pytest.mark.parametrize("groups", [{}, dict(box=dict(box_size=48)), dict(box=dict(binning=1.6)), LINEAR])
def test_a_starting_volume_explains_the_power_of_the_images(settings, groups):
    """It has the scale at which the truth was imaged, whatever the box that it is set in."""
    run = run_with(helices(600, **settings), **groups)
    made = starting_volumes(run, [truth_of()])[0]
    size = run.sampling.box_size
    inside = in_plane_limit(32, "circle", 6.0)
    turns = run.images.rotations[:20, 0]
    expected = slices(fourier_volume(truth_of()["density"].values, 2.0), turns, inside)
    found = slices(fourier_volume(made, 2.0), turns, inside) / grey_scale(run.images)
    scale = float((found * expected.conj()).real.sum() / (np.abs(expected) ** 2).sum())
    assert size in (32, 48, 20) and scale == pytest.approx(1.0, rel=MATCHED_SCALE)


def blobs(size, voxel):
    """Three round blobs at given places [angstrom]."""
    z, y, x = ((line - size // 2) * voxel for line in np.ogrid[:size, :size, :size])
    places = ((10, -20, 5, 1.0), (-15, 5, 20, 0.7), (0, 25, -15, 0.5))
    density = sum(part * np.exp(-((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) / 200.0) for a, b, c, part in places)
    made = truth_of(size, voxel)
    return made.assign(density=made["density"].copy(data=density.astype(np.float32)))


@pytest.mark.parametrize(("size", "voxel"), [(64, 2.25), (48, 4.5), (48, 3.0), (33, 4.5)])
def test_any_grid_will_do(size, voxel):
    """Other boxes, voxels and fields of view: the same map, low-passed, about the same centre."""
    run = run_with(helices(300, snr=1.0))
    plain = starting_volumes(run, [blobs(32, 4.5)])[0]
    moved = starting_volumes(run, [blobs(size, voxel)])[0]
    assert np.abs(moved - plain).max() < 0.02 * plain.max()


def test_images_of_noise_give_a_small_positive_scale():
    table = helices(300, snr=1.0)
    shown = table["image"].values
    noise = np.random.default_rng(0).normal(0, shown.std() / 2**0.5, shown.shape).astype(np.float32)
    empty = run_with(table.assign(image=table["image"].copy(data=noise)))
    density = truth_of()["density"].values
    assert 0 < amplitude_in_images(empty, density, 7.0) < 0.3
    assert amplitude_in_images(run_with(table), density, 7.0) == pytest.approx(1.0, rel=MATCHED_SCALE)


def test_further_classes_start_from_random_subsets_of_the_images():
    run = run_with(helices(200, snr=1.0), 3)
    made = starting_volumes(run, [truth_of()])
    assert made.shape == (3, 32, 32, 32) and made.dtype == np.float32
    likeness = [fourier_shell_correlation(*(half_transform(made[i]) for i in pair))[1:6] for pair in ((0, 1), (1, 2))]
    assert min(curve.min() for curve in likeness) > 0.5 and max(curve.mean() for curve in likeness) < 0.9999
    assert np.array_equal(made, starting_volumes(run, [truth_of()]))


def test_given_poses_that_are_only_refined_need_no_volume():
    particles = helices(200, snr=1.0)
    run = run_with(particles)
    local = dataclasses.replace(run.config, refine=run.config.refine.replace(search="local"))
    made = starting_volumes(dataclasses.replace(run, config=local), [])[0]
    curve = fourier_shell_correlation(half_transform(made), half_transform(truth_of()["density"].values))
    assert curve[1:6].min() > 0.9


@pytest.mark.slow
def test_a_first_guess_needs_no_images_of_the_target_box():
    told = []
    counter = Counter(images_handled(8, 1), lambda fraction, _: told.append(fraction))
    run = dataclasses.replace(run_with(helices(8, snr=1.0), **LINEAR), counter=counter)
    found = starting_volumes(run, [])
    assert told[-1] == 1.0 and np.mean(np.array(told) < 0.5) > 0.4, "progress runs through the batches"
    assert found.shape == (1, 48, 48, 48) and np.isfinite(found).all() and np.ptp(found) > 0


def test_volumes_that_cannot_work_are_refused():
    run, truth = run_with(helices(30, snr=1.0)), truth_of()
    flat = truth.assign(density=truth["density"] * 0.0)
    for references, words in (
        ([truth, truth], "a class for every starting volume; got 2"),
        ([flat.assign(density=flat["density"].assign_attrs(units="1"))], "must show something; got a constant"),
    ):
        with pytest.raises(InputError, match=words):
            starting_volumes(run, references)


def best_turn(found, right):
    """The rotation, and the hand, that bring the poses of one frame nearest to those of another."""
    flip = np.diag([1.0, 1.0, -1.0])
    best = (np.inf, None, None)
    for mirrored in (False, True):
        turns = flip @ found @ flip if mirrored else found
        between = np.einsum("mji,mjk->mik", turns, right)
        for guess in between:
            trace = np.einsum("mij,ij->m", between, guess)
            middle = np.median(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
            best = min(best, (middle, mirrored, guess), key=lambda entry: entry[0])
    return best


@pytest.mark.slow
def test_a_first_guess_shows_the_particle():
    """From particles alone: images aligned to it have their true poses, but for a rotation and the hand."""
    run = run_with(helices(1000, 64, snr=0.5, seed=7), lowpass=15.0)
    guess = starting_volumes(run, [])[0]
    assert guess.shape == (64, 64, 64)
    members = np.arange(150)
    found = run.align([run.fourier(guess, limit=10)], members, limit=10.0, noise=run.background_noise(members))
    middle, _, _ = best_turn(found.of_best("rotation"), run.images.rotations[:150, 0].astype(np.float64))
    assert np.rad2deg(middle) < FIRST_GUESS
