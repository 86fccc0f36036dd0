import dataclasses

import numpy as np
import pytest
from noise_particles import make_particles
from refinement_runs import helices, random_candidates, run_of
from tolerances import FOURIER_AMPLITUDE, FOURIER_SLICE, LOOP_SUM, PADDING_NOISE, WINDOWED_NOISE

from cryonb import phantom
from cryonb.imaging.fourier import half_radius
from cryonb.imaging.noise import noise_spectrum
from cryonb.imaging.projector import fourier_volume, in_plane_limit, slices
from cryonb.refine.averaging import average, effective_size, rows_of
from cryonb.refine.counter import Counter
from cryonb.refine.half_map import accumulated, half_map
from cryonb.refine.residual import prepared_images


def test_one_pose_an_image_gives_the_map_of_those_poses():
    run = run_of(make_particles(70, 16), imaging=dict(symmetry="C2"))
    made = run.average(run.given(), run.members(run.half, None), 0)
    expected = half_map(run.images, 1, Counter(1.0, None))
    assert np.array_equal(made.density, expected.density)
    assert np.array_equal(made.shell_weight, expected.shell_weight) and made.effective_size == 70.0


def test_an_image_is_shared_out_over_its_poses():
    """An image at two poses with shares p and q adds p and q times what it adds alone."""
    run = run_of(make_particles(5, 16), box=dict(gridding_correction=False, corners="keep"))
    both = dataclasses.replace(random_candidates(5, 2, 1), weight=np.tile([0.7, 0.3], (5, 1)))
    parts = []
    for place in range(2):
        images = run.images.posed(both.rotation[:, place], both.shift[:, place], both.weight[:, place])
        parts.append(accumulated(images, 1, Counter(1.0, None)).sums)
    rows = rows_of(both, 0)
    shown = run.images.shown(rows.image)
    shown = shown.posed(both.rotation[rows.image, rows.place], both.shift[rows.image, rows.place], rows.share)
    together = accumulated(shown, 1, Counter(1.0, None)).sums
    assert np.abs(together - parts[0] - parts[1]).max() < LOOP_SUM * np.abs(together).max()


def test_small_shares_go_to_the_other_poses():
    few = random_candidates(1, 3, 2)
    few = dataclasses.replace(few, weight=np.array([[0.8, 0.1995, 0.0005]]), class_index=np.array([[0, 1, 0]]))
    rows = rows_of(few)
    assert rows.place.tolist() == [0, 1] and rows.share.sum() == pytest.approx(1.0)
    assert rows_of(few, 0).share == pytest.approx([0.8 / 0.9995])


def test_averages_have_the_same_bits_whatever_the_machine_does():
    particles = make_particles(90, 16)
    poses = random_candidates(90)

    def bits(threads, **compute):
        run = run_of(particles, compute=compute)
        made = average(run.images, poses, 0, threads=threads)
        return made.density.tobytes() + made.fourier.values.tobytes()

    assert bits(1) == bits(2) == bits(3, batch_size=64) == bits(1, batch_size=1000)


def test_members_bring_their_own_images_and_poses():
    run = run_of(make_particles(40, 16))
    poses, members = random_candidates(40), np.array([3, 4, 9, 20])
    some = run.average(poses[members], members, 1)
    muted = dataclasses.replace(poses, weight=np.where(np.isin(np.arange(40), members)[:, None], poses.weight, 0.0))
    assert np.allclose(some.density, run.average(muted, np.arange(40), 1).density, atol=1e-6)


def test_an_empty_class_gives_an_empty_map():
    run = run_of(make_particles(10, 16))
    made = run.average(run.given(), np.arange(10), 1)
    assert not made.density.any() and not made.shell_weight.any() and made.effective_size == 0.0


def test_every_image_is_read_once_a_batch():
    run = run_of(make_particles(40, 16))
    read = []

    def source(images, chosen):
        read.append(np.arange(40)[chosen])
        return images.stack[chosen].values

    images = dataclasses.replace(run.images, source=source)
    average(images, random_candidates(40), 0)
    assert all(len(np.unique(part)) == len(part) for part in read)


@pytest.fixture(scope="module")
def helix():
    run = run_of(helices())
    return run, run.average(run.given(), run.members(run.half, None), 0)


def shell_ratios(found, expected):
    """Amplitude of found in expected, and relative difference, on the inner shells."""
    size = found.shape[1]
    shell = np.rint(half_radius(size, 2)).astype(int).ravel()

    def total(values):
        return np.bincount(shell, values.sum(axis=0).ravel())[1 : size // 2 - 2]

    power = total(np.abs(expected) ** 2)
    amplitude = total((found * expected.conj()).real) / power
    return amplitude, np.sqrt(total(np.abs(found - expected) ** 2) / power)


def test_both_ways_to_a_fourier_volume_have_the_amplitude_of_the_truth(helix):
    run, made = helix
    truth = phantom("helices", box_size=32, pixel_size=4.5)["density"].values
    inside, turns = in_plane_limit(32, "circle", 14.0), run.images.rotations[:100, 0]
    expected = slices(fourier_volume(truth, 3.0), turns, inside)
    for volume in (run.fourier(made.density), made.fourier):
        amplitude, difference = shell_ratios(slices(volume, turns, inside), expected)
        assert np.abs(amplitude - 1).max() < 2 * FOURIER_AMPLITUDE and abs(amplitude.mean() - 1) < FOURIER_AMPLITUDE
        assert difference.max() < FOURIER_SLICE
    wrong = dataclasses.replace(made.fourier, values=made.fourier.values * 0.9)
    assert shell_ratios(slices(wrong, turns, inside), expected)[0].mean() < 1 - 3 * FOURIER_AMPLITUDE


@pytest.mark.parametrize("pad", [1.5, 2.0, 3.0])
def test_a_volume_that_never_left_fourier_space_has_no_more_noise_than_the_map(pad):
    """What the sums hold in the padding is as little seen in its slices as it is in those of the map."""
    run = run_of(make_particles(400, 16), box=dict(pad_factor=pad, corners="keep"))
    made = run.average(run.given(), run.members(run.half, None), 0)
    inside, turns = in_plane_limit(16, "circle", 6.0), run.images.rotations[:50, 0]
    own, cropped = (np.abs(slices(one, turns, inside)) ** 2 for one in (made.fourier, run.fourier(made.density)))
    assert abs(own.sum() / cropped.sum() - 1.0) < PADDING_NOISE


def test_a_slice_explains_its_image(helix):
    """In the scale of the images, so that nothing but interpolation is left of noise-free ones."""
    run, made = helix
    power = noise_spectrum(run.images.read(slice(0, 300)))
    for volume in (run.fourier(made.density), made.fourier):
        left = run.noise(run.given(), [volume], run.members(run.half, None))
        assert (left[1:14] < FOURIER_SLICE**2 * 2 * power[1:14]).all()


@pytest.mark.parametrize("resample", ["linear", "cubic"])
def test_noise_is_what_is_left_however_images_reach_the_grid(resample):
    """The residual is taken from the images as read, whose scale is not that of resampled ones."""
    particles = helices(200, snr=1.0)
    plain, other = (run_of(particles, box=dict(box_size=48, resample=way)) for way in ("fourier", resample))
    everyone = np.arange(200)
    volume = plain.fourier(plain.average(plain.given(), everyone, 0).density)
    left, same = (run.noise(run.given(), [volume], everyone) for run in (plain, other))
    assert np.array_equal(left, same)


@pytest.mark.parametrize("window", [(0.85, 1.0), (0.5, 0.7)])
def test_a_window_leaves_some_of_the_noise(window):
    """Also one that ends before the region where noise is measured."""
    particles = helices(100, snr=0.01)
    whole, seen = (run_of(particles, imaging=dict(window=ends)) for ends in ((0.0, 0.0), window))
    everyone = np.arange(100)
    expected = noise_spectrum(np.concatenate([pixels for _, pixels in prepared_images(seen.images, lambda: None)]))
    ratio = seen.background_noise(everyone)[2:] / expected[2:]
    assert seen.background_noise(everyone)[8] < whole.background_noise(everyone)[8]
    assert abs(np.median(ratio) - 1.0) < WINDOWED_NOISE


def test_a_limit_keeps_what_slices_up_to_it_read(helix):
    run, whole = helix
    members = run.members(run.half, None)
    near = run.average(run.given(), members, 0, limit=8.0).fourier
    assert near.grid == run.grid(8.0) == run.fourier(whole.density, limit=8.0).grid
    inside, turns = in_plane_limit(32, "circle", 8.0), run.images.rotations[:10, 0]
    assert np.allclose(slices(near, turns, inside), slices(whole.fourier, turns, inside), atol=1e-3)


def test_a_prior_shrinks_every_shell_as_a_wiener_filter(helix):
    run, plain = helix
    members = run.members(run.half, None)
    none = run.average(run.given(), members, 0, prior=lambda weight: np.full(17, np.inf)).fourier
    assert not none.values.any()
    same = run.average(run.given(), members, 0, prior=np.zeros(17)).fourier
    assert np.array_equal(same.values, plain.fourier.values)
    half = run.average(run.given(), members, 0, prior=lambda weight: weight).fourier
    ratio = np.linalg.norm(half.values) / np.linalg.norm(plain.fourier.values)
    assert 0.35 < ratio < 0.65


def test_effective_size_is_that_of_whole_images():
    assert effective_size(np.array([0.5, 0.5, 0.5])) == pytest.approx(3.0)
    assert effective_size(np.array([1.0, 0.01])) < 1.03
