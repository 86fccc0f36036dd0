"""The FSC diagnostic: RELION's curves, filtered maps, corners, and no resolution where nothing crosses."""

import numpy as np
import pytest
import starfile
import xarray as xr
from tolerances import HALF_SPHERE, RANDOM_PHASES, RELION_MASKED

from cryonb.diagnostics import diagnose
from cryonb.imaging.masks import lowpass, soft_sphere
from cryonb.schema import FSC_KINDS, HALVES, REFINEMENT, build

from .conftest import decaying_halves, refinement, volume


@pytest.fixture(scope="module")
def relion(relion_halves, relion_mask):
    return diagnose(relion_halves, "fsc", mask=relion_mask)


def test_curves_of_relion(relion, data):
    table = starfile.read(data / "relion/postprocess.star")["fsc"]
    start = round(64 * 2.1 / float(relion["randomisation_resolution"]))
    assert start == 9

    def difference(kind, column):
        return np.abs(relion["fsc"].sel(fsc_kind=kind).values - table[f"rlnFourierShellCorrelation{column}"].to_numpy())

    assert difference("raw", "UnmaskedMaps").max() < HALF_SPHERE
    assert difference("masked", "MaskedMaps").max() < RELION_MASKED
    assert difference("corrected", "Corrected")[: start + 1].max() < RELION_MASKED
    assert difference("corrected", "Corrected")[start + 2 :].max() < RANDOM_PHASES


def test_a_curve_that_never_crosses_has_no_resolution(relion):
    assert np.isnan(float(relion["resolution"]))
    assert np.isnan(relion["fsc_resolution"].sel(threshold="0.143", fsc_kind=["raw", "masked", "corrected"])).all()
    assert float(relion["data_end"]) == pytest.approx(4.2)
    assert float(relion["fsc_resolution"].sel(fsc_kind="raw", threshold="0.5")) == pytest.approx(8.0, abs=0.1)
    assert set(relion["band"].values) == {"measured"}


def test_the_verdict_states_what_the_curves_say(relion, relion_halves):
    words = "curve does not fall to 0.143: no resolution to state; the grid ends at 4.20 A."
    assert relion.attrs["verdict"] == f"The corrected {words}"
    assert diagnose(relion_halves, "fsc").attrs["verdict"] == f"The unmasked {words}"
    weight = np.where(np.arange(33) <= 20, 1.0, 0.0)
    run = refinement(decaying_halves(b_factor=400.0), 1.5, weight, "square", particle_nyquist=12 / 96)
    said = diagnose(run, "fsc").attrs["verdict"]
    assert "past the particle Nyquist of 8.00 A, where only the corners of the images hold data" in said
    assert said.endswith("the data end at 6.00 A.")


def test_everything_is_labelled(relion):
    assert relion["fsc_kind"].values.tolist() == list(FSC_KINDS)
    assert float(relion["mask_volume"]) == pytest.approx(0.0884 * (64 * 2.1) ** 3, rel=0.01)
    assert len(str(relion["mask_digest"].item())) == 12
    assert relion["threshold_curve"].dims == ("fsc_kind", "threshold", "frequency")
    assert relion["frequency"].attrs["units"] == "1/angstrom"
    noisier = relion["threshold_curve"].sel(threshold="half_bit")
    assert (noisier.sel(fsc_kind="masked") >= noisier.sel(fsc_kind="raw")).all()


def test_without_a_mask_there_is_the_raw_curve_only(halves):
    fsc = diagnose(halves, "fsc")
    assert fsc["fsc_kind"].values.tolist() == ["raw"]
    assert float(fsc["resolution"]) == float(fsc["fsc_resolution"].sel(fsc_kind="raw", threshold="0.143"))
    assert "mask_volume" not in fsc.coords


def test_the_mask_may_come_from_four_places(halves):
    mask = soft_sphere(64, 1.5, 30.0, 8.0)
    wanted = diagnose(halves, "fsc", mask=mask, modified=False)
    as_dataset = xr.Dataset({"mask": (("z", "y", "x"), mask)})
    with_mask = halves.assign(mask=(("z", "y", "x"), mask, {"units": "1"}))
    sphere = {"mask": {"kind": "sphere", "radius": 30.0, "edge_width": 8.0}}
    for other in (
        diagnose(halves, "fsc", mask=as_dataset, modified=False),
        diagnose(with_mask, "fsc", modified=False),
        diagnose(halves, "fsc", config=sphere, modified=False),
    ):
        assert np.array_equal(other["fsc"], wanted["fsc"])
    assert "modified" not in wanted["fsc_kind"]


def test_a_seed_is_a_draw(halves):
    config = {"mask": {"kind": "sphere", "radius": 20.0}}
    kinds = {"fsc_kind": "phase_randomised"}
    curves = [
        diagnose(halves, "fsc", config={**config, "compute": {"seed": seed}}, modified=False)["fsc"].sel(kinds)
        for seed in (0, 0, 1)
    ]
    assert curves[0].equals(curves[1])
    assert not curves[0].equals(curves[2])


def test_the_randomisation_may_be_set(halves):
    config = {"mask": {"kind": "sphere"}}
    fsc = diagnose(halves, "fsc", config=config, modified=False, randomisation_resolution=8.0)
    assert float(fsc["randomisation_resolution"]) == pytest.approx(96 / 12)


def test_where_the_raw_curve_stays_high_nothing_is_randomised():
    clear = volume(decaying_halves(size=32, b_factor=0.0, noise=0.01), 1.5)
    fsc = diagnose(clear, "fsc", config={"mask": {"kind": "sphere"}}, modified=False)
    assert fsc["fsc_kind"].values.tolist() == ["raw", "masked"]
    assert np.isnan(float(fsc["randomisation_resolution"]))


def test_filtered_maps_have_no_data_past_the_filter():
    pair = [lowpass(half.astype(np.float32), 1.5, 9.0) for half in decaying_halves(noise=0.2)]
    fsc = diagnose(volume(pair, 1.5), "fsc", mask=soft_sphere(64, 1.5, 15.0, 4.5))
    end = 96 / float(fsc["data_end"])
    assert 10 <= end <= 12
    past = fsc["shell"] > end
    assert np.isnan(fsc["fsc"].where(past, drop=True)).all()
    assert fsc["below_floor"].where(past, drop=True).astype(bool).all()
    assert set(fsc["band"].where(past, drop=True).values) == {"support", "no data"}


def test_the_masked_curve_of_a_leaking_mask_gives_no_resolution_but_the_modified_one_does():
    rng = np.random.default_rng(0)
    pair = [
        lowpass(half.astype(np.float32), 1.5, 9.0) + 1e-4 * rng.normal(size=half.shape)
        for half in decaying_halves(noise=0.2, b_factor=0.0)
    ]
    fsc = diagnose(volume(pair, 1.5), "fsc", mask=soft_sphere(64, 1.5, 15.0, 4.5))
    leaking = fsc["below_floor"].values.astype(bool)
    assert leaking[13:].all()
    assert not leaking[1:9].any()
    assert "on there is no more than rounding or mask leak." in fsc.attrs["verdict"]
    resolution = fsc["fsc_resolution"].sel(threshold="0.143")
    assert np.isnan(resolution.sel(fsc_kind="masked"))
    assert 7.5 < float(resolution.sel(fsc_kind="modified")) < 10
    assert (fsc["fsc"].sel(fsc_kind="masked")[14:] > 0.5).all()


def test_a_corrected_curve_that_a_cliff_and_a_soft_mask_keep_up_is_not_left_without_a_word():
    """Random phases decorrelate what the shells before the cliff leak, so that the correction leaves it in."""
    rng = np.random.default_rng(0)
    cut = [lowpass(half.astype(np.float32), 1.5, 6.0) for half in decaying_halves(noise=0.2, b_factor=100.0)]
    pair = [half + 3e-3 * rng.normal(size=half.shape) for half in cut]
    fsc = diagnose(volume(pair, 1.5), "fsc", mask=soft_sphere(64, 1.5, 20.0, 12.0))
    assert float(fsc["resolution"]) < 4.0  # a wrong number
    modified = fsc["fsc"].sel(fsc_kind="modified")
    start = float(fsc["shell_resolution"].values[np.flatnonzero(modified.values > 0.143)[-1] + 1])
    assert 5.2 < start < 6.2
    assert fsc.attrs["verdict"].endswith(
        f"The modified curve, into which no mask leaks, is below 0.143 from {start:.2f} A on: the mask may have made "
        "what the corrected one shows there."
    )
    without = diagnose(volume(pair, 1.5), "fsc", mask=soft_sphere(64, 1.5, 20.0, 12.0), modified=False)
    assert "modified" not in without.attrs["verdict"]


@pytest.mark.parametrize(("noise", "b_factor"), [(0.3, 100.0), (0.05, 300.0), (0.02, 600.0)])
def test_curves_that_agree_need_no_such_word(noise, b_factor):
    pair = decaying_halves(noise=noise, b_factor=b_factor)
    fsc = diagnose(volume(pair, 1.5), "fsc", mask=soft_sphere(64, 1.5, 20.0, 12.0))
    assert float(fsc["resolution"]) > 0 and "modified" not in fsc.attrs["verdict"]


def test_bands_of_a_refinement_come_from_its_weights():
    weight = np.where(np.arange(33) <= 16, 4.0, np.where(np.arange(33) <= 20, 0.5, 0.0))
    run = refinement(decaying_halves(), 1.5, weight, "square", particle_nyquist=16 / 96)
    fsc = diagnose(run, "fsc")
    assert fsc["band"].values.tolist() == ["measured"] * 17 + ["corner"] * 4 + ["support"] * 2 + ["no data"] * 10
    assert np.isfinite(fsc["fsc"][0, :21]).all()
    assert np.isnan(fsc["fsc"][0, 21:]).all()
    assert float(fsc["data_end"]) == pytest.approx(96 / 20)
    assert float(fsc["particle_nyquist"]) == pytest.approx(1 / 6)


def test_the_user_may_know_the_particles_pixel():
    pair = [lowpass(half.astype(np.float32), 1.5, 6.0) for half in decaying_halves(noise=0.2)]
    fsc = diagnose(volume(pair, 1.5), "fsc", particle_pixel_size=3.0, particle_diameter=32.0)
    assert float(fsc["particle_nyquist"]) == pytest.approx(1 / 6)
    assert set(fsc["band"].values[:17]) == {"measured"}
    assert "corner" not in fsc["band"].values
    assert (fsc["band"] == "support").sum() == 6


def test_a_class_is_chosen_by_its_number():
    first, second = (refinement(decaying_halves(seed=seed), 1.5, np.ones(33)) for seed in (0, 1))
    variables = {name: np.stack([first[name].values, second[name].values]) for name in ("half_map", "insertion_weight")}
    coords = {name: first[name].values for name in ("z", "y", "x", "frequency", "shell", "shell_resolution")}
    coords |= {"half": list(HALVES), "class_id": np.array([1, 2]), "voxel_size": 1.5}
    both = build(REFINEMENT, variables, coords)
    for number, one in ((1, first), (2, second)):
        assert np.array_equal(diagnose(both, "fsc", class_id=number)["fsc"], diagnose(one, "fsc")["fsc"])


def test_the_power_that_symmetry_copies_share_is_counted_once(halves):
    plain, copied = (diagnose(halves, "fsc", config={"imaging": {"symmetry": group}}) for group in ("C1", "D2"))
    three = {"threshold": "three_sigma", "fsc_kind": "raw"}
    ratio = copied["threshold_curve"].sel(three)[20:] / plain["threshold_curve"].sel(three)[20:]
    assert ratio.values == pytest.approx(2.0)
