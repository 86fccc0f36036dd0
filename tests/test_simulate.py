"""Phantoms and particles: everything is where the Dataset says, and no result depends on batches or threads."""

import numpy as np
import pytest
import tolerances
import xarray as xr
from scipy.ndimage import map_coordinates

from cryonb.errors import FormatError, InputError, RunStopped
from cryonb.imaging.exact import least_squares_volume
from cryonb.imaging.fourier import half_radius, half_transform, resize
from cryonb.imaging.images import displacement
from cryonb.imaging.noise import noise_spectrum
from cryonb.imaging.projector import in_plane_limit
from cryonb.imaging.rotations import euler_to_matrix
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.io import open_map
from cryonb.provenance import lineage
from cryonb.refine.loop import reconstruct
from cryonb.schema import validate
from cryonb.simulate import PhantomConfig, SimulationConfig, demo_particles, phantom, simulate

SMALL = dict(box_size=32, pixel_size=4.0, n_particles=12)


def fsc(a, b):
    return fourier_shell_correlation(half_transform(a), half_transform(b))


def differ(one, other):
    return [name for name in one.variables if not one[name].equals(other[name])]


def test_the_default_phantom_is_that_of_the_tables():
    volume = validate(phantom(radius=56.0, n_points=5900))
    density = volume["density"].values
    assert density.shape == (128, 128, 128)
    assert density.dtype == np.float32
    assert float(volume["voxel_size"]) == 1.5
    assert density.sum() * 1.5**3 == pytest.approx(5900, abs=10)
    z, y, x = np.meshgrid(*[volume[axis].values for axis in "zyx"], indexing="ij")
    outside = z**2 + y**2 + x**2 > 62.0**2
    assert np.abs(density[outside]).max() < 0.02 * density.max()
    assert volume["x"].values[64] == 0.0


def test_classes_differ_in_the_moving_part():
    volume = phantom(n_classes=3, box_size=32, pixel_size=6.0, motion=25.0)
    first, second, third = volume["density"].values
    assert volume["class_id"].values.tolist() == [1, 2, 3]
    one_turn, two_turns = (
        np.corrcoef(first.ravel(), second.ravel())[0, 1],
        np.corrcoef(first.ravel(), third.ravel())[0, 1],
    )
    assert two_turns < one_turn < 0.98


@pytest.mark.parametrize("turn", [(2, 1), (1, 0), (2, 0)])
def test_the_24_mer_looks_the_same_along_its_axes(turn):
    density = phantom("octahedral", box_size=33, pixel_size=5.0, radius=62.0)["density"].values
    assert np.corrcoef(np.rot90(density, 1, turn).ravel(), density.ravel())[0, 1] > 0.999
    assert np.corrcoef(density[::-1].ravel(), density.ravel())[0, 1] < 0.99


def test_the_model_of_emd_3488_fits_its_map(data):
    frame = open_map(data / "maps" / "emd_3488.mrc")
    volume = phantom(data / "maps" / "5ni1_updated.cif", like=frame)
    assert float(volume["voxel_size"]) == 1.05
    curve = fsc(volume["density"].values, frame["density"].values)
    for resolution, expected in ((52.0, 0.98), (4.0, 0.92), (3.6, 0.80), (3.3, 0.54), (3.0, 0.0)):
        assert curve[round(105.0 / resolution)] == pytest.approx(expected, abs=tolerances.MAP_MODEL)
    assert lineage(volume)[-1]["inputs"][0]["file"] == "5ni1_updated.cif"


def test_octahedral_copies_of_a_ferritin_monomer_make_the_whole(data):
    settings = dict(centre=(109.2, 109.2, 109.2), box_size=101, pixel_size=1.3)
    model = data / "maps" / "3ajo_fitted_refined.pdb"
    one, whole = (phantom(model, symmetry=name, **settings) for name in ("C1", "O"))
    for axis in "xyz":
        assert float(whole[f"origin_{axis}"]) == pytest.approx(109.2 - 50 * 1.3)
    density = whole["density"].values
    assert density.sum() == pytest.approx(24 * one["density"].values.sum(), rel=1e-5)
    for turn in ((2, 1), (1, 0), (2, 0)):
        assert np.corrcoef(np.rot90(density, 1, turn).ravel(), density.ravel())[0, 1] > 0.999
    target = open_map(data / "maps" / "emd20026_prot.mrc")
    cut = target["density"].values
    places = [np.arange(n) * 0.65 + float(target[f"origin_{axis}"]) for n, axis in zip(cut.shape, "zyx")]
    grid = [(place - float(whole[f"origin_{axis}"])) / 1.3 for place, axis in zip(places, "zyx")]
    near = map_coordinates(density, np.meshgrid(*grid, indexing="ij"), order=1)
    assert np.corrcoef(near[cut > 0], cut[cut > 0])[0, 1] > 0.6


def test_what_a_phantom_cannot_be(tmp_path):
    (tmp_path / "model.pdb").write_text("hello\n")
    for call, error, sentence in (
        (lambda: phantom("helises"), InputError, "Did you mean 'helices'"),
        (lambda: phantom(radius=200.0), InputError, "radius must be at most 96, half the box"),
        (lambda: phantom(box_size=4), InputError, "box_size must be at least 8"),
        (lambda: phantom(raduis=50.0), InputError, "Did you mean 'radius'"),
        (lambda: phantom(centre=(0, 0, 0)), InputError, "like and centre must go with a model file"),
        (lambda: phantom(tmp_path / "missing.cif"), FormatError, "a model must be a PDB or mmCIF file"),
        (lambda: phantom(str(tmp_path / "model.pdb")), FormatError, "a model must hold atoms"),
        (lambda: phantom("model.pdb", n_classes=2), InputError, "a model file must be simulated as one class"),
    ):
        with pytest.raises(error, match=sentence):
            call()


def test_symmetry_copies_need_their_centre(data):
    with pytest.raises(InputError, match="centre must be given"):
        phantom(data / "maps" / "3ajo_fitted_refined.pdb", symmetry="O")


def test_particles_are_complete():
    particles = validate(simulate(**SMALL))
    assert particles["image"].dtype == np.float32
    assert particles["image"].shape == (12, 32, 32)
    assert particles["rot"].dtype == particles["shift_x"].dtype == particles["defocus_u"].dtype == np.float64
    assert particles["random_subset"].values.tolist() == [1, 2] * 6
    assert set(particles["class_number"].values) == {1}
    assert particles["y"].values[16] == 0.0
    assert float(particles["pixel_size"]) == 4.0
    assert particles["voltage"].values.tolist() == [300.0]
    assert np.all(particles["defocus_u"] >= particles["defocus_v"])
    record = lineage(particles)
    assert [item["verb"] for item in record] == ["phantom", "simulate"]
    assert record[-1]["settings"]["n_particles"] == 12


def test_without_ctf_there_are_no_ctf_columns():
    particles = simulate(ctf=False, **SMALL)
    assert not {"defocus_u", "defocus_v", "defocus_angle", "phase_shift", "voltage"} & set(particles.variables)


def test_the_same_seed_gives_the_same_bits_in_any_batch():
    whole = simulate(**SMALL, noise="coloured", n_classes=2, seed=3)
    for batch_size, threads in ((1, 1), (5, 2)):
        assert not differ(simulate(**SMALL, noise="coloured", n_classes=2, seed=3, batch_size=batch_size), whole)
        assert not differ(simulate(**SMALL, noise="coloured", n_classes=2, seed=3, threads=threads), whole)
    other = simulate(**SMALL, noise="coloured", n_classes=2, seed=4)
    assert {"image", "rot", "tilt", "psi", "shift_x", "defocus_u"} <= set(differ(other, whole))


def test_more_particles_begin_with_the_same_ones():
    few, many = simulate(**SMALL, snr=0.0), simulate(**{**SMALL, "n_particles": 20}, snr=0.0)
    assert not differ(few, many.isel(particle=slice(12)))


@pytest.mark.parametrize(
    ("box", "binning", "pixels", "pixel_size"), [(32, 2.0, 16, 8.0), (31, 1.0, 31, 4.0), (32, 1.3, 24, 16 / 3)]
)
def test_images_are_the_crop_of_the_fine_ones(box, binning, pixels, pixel_size):
    settings = dict(box_size=box, pixel_size=4.0, n_particles=4, snr=0.0)
    fine, coarse = simulate(**settings), simulate(**settings, binning=binning)
    assert coarse["image"].shape == (4, pixels, pixels)
    assert float(coarse["pixel_size"]) == pytest.approx(pixel_size)
    expected = resize(fine["image"].values, pixels, 2) * (pixels / box)
    np.testing.assert_allclose(coarse["image"].values, expected, atol=tolerances.NUFFT_SINGLE * 10 * expected.max())


@pytest.mark.parametrize("noise", ["white", "coloured"])
def test_the_noise_is_what_the_snr_says(noise):
    settings = dict(box_size=48, pixel_size=4.0, n_particles=100, noise=noise, snr=0.5, noise_fall=8.0)
    noisy, clean = simulate(**settings), simulate(**{**settings, "snr": 0.0})
    added = noisy["image"].values - clean["image"].values
    signal = clean["image"].values.var(axis=(1, 2)).mean()
    assert signal / added.var() == pytest.approx(0.5, rel=0.02)
    spectrum = noise_spectrum(added)
    fall = spectrum[2:5].mean() / spectrum[22:25].mean()
    assert fall == pytest.approx(8.0 ** (20 / 24) if noise == "coloured" else 1.0, rel=0.2)


def test_a_reconstruction_with_the_true_poses_is_the_phantom():
    truth = phantom(box_size=32, pixel_size=6.0)
    particles = simulate(truth, n_particles=250, snr=0.0, ctf=False)
    poses = euler_to_matrix(*(particles[name].values for name in ("rot", "tilt", "psi")))
    along_y, along_x = displacement(particles.shift_x.values / 192.0, particles.shift_y.values / 192.0, 32, 0, 32)
    transforms = half_transform(particles["image"].values, 2) * along_y[:, :, None] * along_x[:, None, :]
    weights = np.broadcast_to(in_plane_limit(32, "circle"), transforms.shape)
    found, _ = least_squares_volume(transforms * weights, weights, poses, 32)
    assert fsc(found, truth["density"].values)[:14].min() > 0.995
    inside = half_radius(32) < 13
    expected, got = half_transform(truth["density"].values)[inside], half_transform(found)[inside]
    assert np.vdot(expected, got).real / np.vdot(expected, expected).real == pytest.approx(1.0, abs=0.01)


def test_preferred_orientations_and_the_rest():
    settings = dict(box_size=8, pixel_size=20.0, n_particles=400, snr=0.0, ctf=False, radius=60.0)
    tilts = {view: simulate(**settings, orientations=view)["tilt"].values for view in ("uniform", "top", "side")}
    assert np.mean(np.cos(np.deg2rad(tilts["uniform"])) > 0) == pytest.approx(0.5, abs=0.1)
    assert np.mean(tilts["top"] < 24.0) == pytest.approx(0.9, abs=0.06)
    assert np.mean(np.abs(tilts["side"] - 90.0) < 24.0) == pytest.approx(0.94, abs=0.05)
    none = simulate(**settings, orientations="top", preferred_fraction=0.0)["tilt"].values
    assert np.array_equal(none, tilts["uniform"])


def test_shifts_and_classes_follow_their_settings():
    settings = dict(box_size=16, pixel_size=10.0, n_particles=400, snr=0.0, ctf=False, n_classes=2)
    particles = simulate(**settings, shift_sigma=4.0, shift_limit=6.0, class_shares=(3, 1))
    for axis in ("shift_x", "shift_y"):
        assert np.abs(particles[axis].values).max() <= 6.0
        assert particles[axis].values.std() == pytest.approx(2.97, abs=0.3)
    assert np.mean(particles["class_number"].values == 1) == pytest.approx(0.75, abs=0.07)
    assert not simulate(**settings, shift_sigma=0.0)["shift_x"].values.any()


def test_each_class_shows_its_own_volume():
    truth = phantom(box_size=24, pixel_size=8.0, n_classes=2, motion=60.0)
    settings = dict(n_particles=10, snr=0.0, ctf=False)
    mixed = simulate(truth, **settings)
    for number in (1, 2):
        alone = simulate(truth.isel(class_id=number - 1).drop_vars("class_id"), **settings)
        members = mixed["class_number"].values == number
        assert 0 < members.sum() < 10
        assert np.array_equal(mixed["image"].values[members], alone["image"].values[members])


def test_progress_runs_to_the_end_and_may_stop_the_run():
    seen = []
    simulate(**SMALL, batch_size=5, progress=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(fraction, text):
        raise RunStopped("cancelled")

    with pytest.raises(RunStopped):
        simulate(**SMALL, progress=stop)


MODEL = ("maps", "5ni1_updated.cif")


def test_a_model_must_fit_its_box(data):
    with pytest.raises(InputError, match=r"must hold the model \[angstrom\]; got 32, with .* % of the atoms outside"):
        phantom(data.joinpath(*MODEL), box_size=16, pixel_size=2.0)
    with pytest.warns(UserWarning, match="the box of the map does not hold the whole model"):
        phantom(data.joinpath(*MODEL), like=phantom("helices", box_size=16, pixel_size=4.0))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda model: phantom(model, radius=30.0), "settings of a helix phantom must go with one; got radius"),
        (lambda model: phantom("helices", symmetry="O"), "settings of a model must go with one; got symmetry"),
        (
            lambda model: phantom(model, box_size=64, like=phantom(box_size=16, pixel_size=10.0)),
            "box_size and pixel_size must not go with like, which brings both; got box_size",
        ),
        (
            lambda model: simulate(phantom(box_size=16, pixel_size=10.0), {"box_size": 64, "pixel_size": 3.0}),
            "a map brings its own box and voxel size; got box_size, pixel_size",
        ),
    ],
)
def test_no_setting_of_a_phantom_is_ignored(call, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        call(tmp_path / "model.cif")


def test_what_cannot_be_simulated():
    volume = phantom(box_size=16, pixel_size=10.0)
    for call, sentence in (
        (
            lambda: simulate(volume, radius=30.0),
            "a map brings its own box and voxel size; got radius",
        ),
        (lambda: simulate(**SMALL, n_classes=2, class_shares="0.5,0.3,0.2"), "class_shares must have 2 numbers"),
        (lambda: simulate(**SMALL, class_shares="half"), "class_shares must be numbers separated by commas"),
        (lambda: simulate(**SMALL, class_shares="-1"), "class_shares must be positive numbers"),
        (lambda: simulate(**SMALL, defocus=(2e4, 1e4)), "defocus must be a lowest and a highest one"),
        (lambda: simulate(**SMALL, binning=8.0), "binned images must have at least 8 pixels"),
        (lambda: simulate(**SMALL, noize="white"), "Did you mean 'noise'"),
        (lambda: simulate(xr.Dataset()), "a Dataset of kind cryonb/volume is needed"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()


def test_settings_may_be_a_group_a_mapping_or_names():
    group = SimulationConfig(**SMALL, seed=5)
    assert not differ(simulate("helices", group), simulate("helices", {**SMALL, "seed": 5}))
    assert not differ(simulate("helices", group), simulate("helices", dict(SMALL, seed=1), seed=5))
    given = PhantomConfig(box_size=16, pixel_size=10.0)
    assert phantom("helices", given).equals(phantom("helices", box_size=16, pixel_size=10.0))


def test_the_demo_hits_nyquist():
    particles = demo_particles()
    assert particles["image"].shape == (800, 64, 64)
    assert float(particles["pixel_size"]) == 3.0
    run = reconstruct(particles)
    assert np.nanmin(run["fsc_unmasked"].values[:32]) > 0.5
    assert np.isnan(float(run["resolution"]))
    truth = resize(phantom()["density"].values, 64)
    assert fsc(run["half_map"].values.mean(axis=0), truth)[:31].min() > 0.8
