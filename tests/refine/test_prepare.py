import naive
import numpy as np
import pytest
from noise_particles import make_particles

from cryonb.config import RunConfig
from cryonb.errors import InputError
from cryonb.imaging.projector import in_plane_limit
from cryonb.refine.loop import reconstruct
from cryonb.refine.prepare import Sampling, Weigher, half_sets, images_of

METHODS = ("fourier", "linear", "cubic")


def weigh(particles, **groups):
    images = images_of(particles, RunConfig.gather(None, **groups))
    chosen = slice(0, len(images))
    return images, *Weigher.of(images)(chosen, images.read(chosen))


@pytest.mark.parametrize("size", [16, 15])
def test_a_projection_comes_out_as_its_slice(size):
    """A volume projected along z, displaced by minus its shift, gives the slice kx R[0] + ky R[1] back."""
    volume = np.zeros((size,) * 3)
    volume[size // 2 + 1, size // 2 - 2, size // 2 + 2] = 1.0
    image = np.roll(volume.sum(axis=0), (-1, -2), axis=(0, 1))[None].astype(np.float32)
    zero = np.zeros(1)
    table = make_particles(
        1, size, 2.0, image=image, rot=zero, tilt=zero, psi=zero, shift_x=zero + 4.0, shift_y=zero + 2.0
    )
    _, values, weights = weigh(table)
    for ky, kx in ((0, 1), (2, 3), (-3, 2), (4, 0)):
        assert values[0, ky % size, kx] == pytest.approx(naive.fourier_slice(volume, np.eye(3), kx, ky), abs=1e-4)
    assert np.array_equal(weights[0], in_plane_limit(size, "circle", pairs="once"))


@pytest.mark.parametrize("box", [32, 24, 12])
def test_the_grey_scale_does_not_depend_on_the_box(box):
    table = make_particles(2, 16)
    sampling = Sampling.of(table, RunConfig.gather(box=dict(box_size=box)))
    assert sampling.grey_scale == pytest.approx((box / 16) ** 3)
    assert sampling.voxel_size * box == pytest.approx(16 * 3.0)
    assert sampling.particle_nyquist == pytest.approx(1 / 6.0)


def test_binning_crops_the_transform():
    table = make_particles(3, 32)
    _, whole, _ = weigh(table)
    images, binned, _ = weigh(table, box=dict(binning=2))
    factor = images.sampling.grey_scale
    inner = np.abs(np.fft.fftfreq(16, 1 / 16)) < 5
    rows = np.flatnonzero(inner)
    same = whole[:, np.where(rows < 8, rows, rows + 16)][:, :, :5]
    assert np.allclose(binned[:, rows][:, :, :5], same * factor, atol=1e-3)
    assert images.sampling.binned_pixel_size == pytest.approx(6.0)


@pytest.mark.parametrize("binning", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("box", [0, 16, 20, 48])
def test_every_way_of_resampling_has_the_same_grey_scale(binning, box):
    line = np.arange(32) - 16
    image = np.exp(-(line[:, None] ** 2 + line[None] ** 2) / 40.0)[None].astype(np.float32)
    table = make_particles(1, 32, image=image)
    values = [weigh(table, box=dict(box_size=box, binning=binning, resample=r))[1][0, 0, 1] for r in METHODS]
    assert np.abs(values) == pytest.approx(np.abs(values[0]), rel=0.03)


@pytest.mark.parametrize("method", ["linear", "cubic"])
@pytest.mark.parametrize("binning", [1.0, 2.0])
def test_real_space_upsampling_keeps_low_frequencies(method, binning):
    line = np.arange(32) - 16
    image = np.exp(-(line[:, None] ** 2 + (line[None] - 3) ** 2) / 60.0)[None].astype(np.float32)
    table = make_particles(1, 32, image=image)
    fourier, expected, _ = weigh(table, box=dict(box_size=48, binning=binning))
    images, values, _ = weigh(table, box=dict(box_size=48, binning=binning, resample=method))
    assert images.sampling.transform_size == 48
    low = np.array([0, 1, 2, -1, -2])
    ours, theirs = values[:, low][:, :, :3], expected[:, low][:, :, :3]
    assert np.linalg.norm(ours - theirs) < 0.03 * np.linalg.norm(theirs)


def test_ctf_modes_weigh_as_they_say():
    count = 5
    columns = dict(
        defocus_u=np.full(count, 15000.0),
        defocus_v=np.full(count, 15000.0),
        defocus_angle=np.zeros(count),
        phase_shift=np.zeros(count),
        optics_group=np.array([1, 2, 2, 1, 2]),
        voltage=np.array([300.0, 200.0]),
        spherical_aberration=np.array([2.7, 1.4]),
        amplitude_contrast=np.array([0.1, 0.07]),
    )
    table = make_particles(count, 16, **columns)
    _, bare, limit = weigh(table, imaging=dict(ctf="none"))
    _, flipped, one = weigh(table, imaging=dict(ctf="phase_flip"))
    _, full, power = weigh(table)
    assert np.array_equal(one, limit)
    assert np.allclose(np.abs(flipped), np.abs(bare), atol=1e-5)
    assert np.allclose(np.abs(full) ** 2, np.abs(bare) ** 2 * power, rtol=1e-3, atol=1e-5)
    assert not np.allclose(power[0], power[1]) and np.allclose(power[1], power[2])
    unknown = table.assign(optics_group=("particle", np.array([1, 2, 9, 1, 2]), {"units": "1"}))
    with pytest.raises(InputError, match=r"every optics_group must be in the optics table; got \[9\]"):
        images_of(unknown, RunConfig())


def test_contrast_and_window_and_normalisation_are_switches():
    table = make_particles(2, 16)
    _, plain, _ = weigh(table)
    _, inverted, _ = weigh(table, imaging=dict(invert_contrast=True))
    _, windowed, _ = weigh(table, imaging=dict(window=(0.5, 0.9)))
    _, normalised, _ = weigh(table, imaging=dict(normalise=True))
    assert np.allclose(inverted, -plain, atol=1e-4)
    assert np.linalg.norm(windowed) < 0.9 * np.linalg.norm(plain)
    assert not np.allclose(normalised, plain)


def test_max_resolution_limits_what_is_inserted():
    table = make_particles(2, 16)
    for limit in ("circle", "square"):
        _, _, weights = weigh(table, box=dict(limit=limit), refine=dict(max_resolution=12.0))
        ky = np.fft.fftfreq(16, 1 / 16)[:, None]
        radius = np.hypot(ky, np.arange(9)[None])
        assert weights[0][radius > 4].max() == 0 and weights[0][(radius <= 4) & (ky >= 0)].min() == 1


@pytest.mark.parametrize(
    "change,sentence",
    [
        (lambda t: t.drop_vars("rot"), "particles must have poses; got none for rot."),
        (lambda t: t.drop_vars("image"), "particles must have images; got a table without images."),
        (
            lambda t: t.assign_attrs(unmodelled="beam tilt in group 1"),
            "got beam tilt in group 1. Remove the correction",
        ),
        (lambda t: t.isel(y=slice(0, 12)), "particle images must be square [pixel]; got 12 x 16."),
    ],
)
def test_particles_that_cannot_be_inserted_are_refused(particles, change, sentence):
    with pytest.raises(InputError) as caught:
        images_of(change(particles), RunConfig())
    assert sentence in str(caught.value)


@pytest.mark.parametrize("pixel,sentence", [(np.nan, "NaN or infinite pixels in particle 2"), (0.0, "zeros only in")])
def test_images_must_be_finite_and_not_empty(particles, pixel, sentence):
    bad = particles.copy(deep=True)
    bad["image"].values[2] = pixel
    with pytest.raises(InputError, match=f"particle images must be finite and not empty; got {sentence}"):
        reconstruct(bad)


@pytest.mark.parametrize(
    "name,value,sentence",
    [
        ("voltage", 0.0, "voltage must be positive [kilovolt]; got 0."),
        ("voltage", np.nan, "CTF columns must be finite numbers; got NaN"),
        ("amplitude_contrast", 1.5, "amplitude_contrast must lie between 0 and 1; got [1.5]."),
    ],
)
def test_optics_must_be_possible(name, value, sentence):
    one = np.ones(8)
    columns = dict(defocus_u=1e4 * one, defocus_v=1e4 * one, defocus_angle=one, optics_group=np.ones(8, int))
    optics = dict(voltage=300.0, spherical_aberration=2.7, amplitude_contrast=0.1) | {name: value}
    table = make_particles(8, 16, **columns, **{key: np.array([number]) for key, number in optics.items()})
    with pytest.raises(InputError) as caught:
        images_of(table, RunConfig())
    assert sentence in str(caught.value)


def test_ids_and_half_sets_must_be_unambiguous(particles):
    with pytest.raises(InputError, match="particle ids must be unique"):
        images_of(particles.assign_coords(particle=("particle", np.zeros(70, int), {"units": "1"})), RunConfig())
    other = particles.assign(random_subset=("particle", np.arange(70) % 3, {"units": "1"}))
    with pytest.raises(InputError, match=r"random_subset must be 1 or 2; got \[0\]"):
        images_of(other, RunConfig())


def test_a_table_with_some_ctf_columns_is_warned_about():
    table = make_particles(4, 16, defocus_u=np.full(4, 1e4))
    with pytest.warns(UserWarning, match="no CTF is corrected: the table has no defocus_v"):
        images_of(table, RunConfig())


def test_poses_must_be_finite(particles):
    bad = particles.copy(deep=True)
    bad["psi"].values[3] = np.nan
    with pytest.raises(InputError, match="poses must be finite numbers"):
        images_of(bad, RunConfig())


def test_asking_for_ctf_without_columns_is_refused(particles):
    with pytest.raises(InputError, match="ctf = full needs CTF columns in the table; got none for defocus_u"):
        images_of(particles, RunConfig.gather(imaging=dict(ctf="full")))


def test_half_sets_follow_the_table(particles):
    first, second = half_sets(particles, RunConfig())
    assert (len(first), len(second)) == (35, 35)
    assert np.array_equal(first.read(slice(0, 2)), particles["image"].values[[0, 2]])
    lone = particles.assign(random_subset=("particle", np.ones(70, int), {"units": "1"}))
    with pytest.raises(InputError, match="both half sets must hold particles; got 70 and 0"):
        half_sets(lone, RunConfig())
