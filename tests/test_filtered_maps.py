"""The plateau past a filter: made by what comes after the filter and is common to both halves, and by nothing else."""

import numpy as np
import pytest
from tolerances import NO_PLATEAU, ORDER_OF_FILTER_AND_MASK, PLATEAU

import cryonb as cn
from cryonb.diagnostics import diagnose
from cryonb.errors import InputError
from cryonb.filtered_maps import WAYS, FilteredMapsConfig
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.shells import fourier_shell_correlation

FILTER = 20
"""Shell of the default low-pass: 144 A / 7.2 A."""

PAST = slice(FILTER + 2, None)


@pytest.fixture(scope="module")
def maps():
    return {way: cn.filtered_half_maps(way) for way in WAYS}


@pytest.fixture(scope="module")
def mask(maps):
    return maps["filter_then_mask"]["mask"].values


@pytest.fixture(scope="module")
def curves(maps, mask):
    return {way: diagnose(halves, "fsc", mask=mask) for way, halves in maps.items()}


def curve(fsc, kind):
    return fsc["fsc"].sel(fsc_kind=kind).values


def plain(halves, mask=1.0):
    """Return the FSC in double precision, so that the only rounding is that of the maps themselves."""
    return fourier_shell_correlation(*[half_transform(half * mask) for half in halves["half_map"].values.astype(float)])


def test_a_filter_alone_makes_no_plateau(curves):
    assert np.abs(curve(curves["filter"], "raw")[PAST]).max() < NO_PLATEAU
    assert curve(curves["filter"], "raw")[FILTER - 5] > 0.8


def test_a_mask_after_the_filter_makes_one_that_is_flagged(curves):
    fsc = curves["filter_then_mask"]
    assert curve(fsc, "masked")[PAST].min() > PLATEAU
    assert fsc["below_floor"].values[PAST].all()
    assert not fsc["below_floor"].values[1 : FILTER - 1].any()
    assert np.isnan(fsc["fsc_resolution"].sel(fsc_kind="masked", threshold="0.143"))


def test_the_modified_curve_shows_no_plateau_and_does_not_ask_for_the_order(curves):
    first, second = (curve(curves[way], "modified") for way in ("filter_then_mask", "mask_then_filter"))
    assert np.abs(first - second).max() < ORDER_OF_FILTER_AND_MASK
    assert abs(np.mean(first[PAST])) < NO_PLATEAU / 3
    resolution = float(curves["filter_then_mask"]["fsc_resolution"].sel(fsc_kind="modified", threshold="0.143"))
    assert resolution == pytest.approx(144 / (FILTER + 1), rel=0.05)


def test_the_modified_curve_is_that_of_maps_never_filtered(curves, mask):
    unfiltered = diagnose(cn.filtered_half_maps("filter", lowpass=0.0), "fsc", mask=mask)
    within = slice(1, FILTER)
    difference = curve(unfiltered, "modified")[within] - curve(curves["filter_then_mask"], "modified")[within]
    assert np.abs(difference).max() < ORDER_OF_FILTER_AND_MASK


def test_a_mask_before_the_filter_makes_none(maps):
    assert np.abs(plain(maps["mask_then_filter"])[PAST]).max() < NO_PLATEAU


def test_rounding_makes_no_plateau_and_its_shells_hold_no_data(mask):
    halves = cn.filtered_half_maps("filter", residue=0.0)
    assert np.abs(plain(halves)[PAST]).max() < NO_PLATEAU
    assert plain(halves, mask)[PAST].min() > PLATEAU
    fsc = diagnose(halves, "fsc", mask=mask)
    assert np.isnan(fsc["fsc"].values[:, PAST]).all()
    assert fsc["below_floor"].values[PAST].all()


def test_padding_a_common_background_makes_one_until_it_is_left_out(maps):
    assert PLATEAU < plain(maps["padded_background"])[40] < 1.0
    assert plain(cn.filtered_half_maps("padded_background", background=0.1))[30] == pytest.approx(0.53, abs=0.1)
    unpadded = cn.filtered_half_maps("padded_background", padding=0)
    assert np.abs(plain(unpadded)[PAST]).max() < NO_PLATEAU


def test_the_verdict_recognises_the_step_of_a_padded_background_and_no_other_way(maps):
    said = {way: diagnose(halves, "fsc").attrs["verdict"] for way, halves in maps.items()}
    assert "a step at its faces" in said["padded_background"]
    assert "without them it falls to 0.143 at 6." in said["padded_background"]
    assert not any("faces" in said[way] for way in WAYS[:3])
    faint = cn.filtered_half_maps("padded_background", background=0.05)
    assert "faces" in diagnose(faint, "fsc").attrs["verdict"]


def test_maps_masked_before_the_filter_carry_their_mask(maps):
    fsc = diagnose(maps["mask_then_filter"], "fsc")
    assert abs(np.mean(curve(fsc, "modified")[PAST])) < NO_PLATEAU / 3
    assert np.abs(curve(fsc, "raw")[PAST]).max() < NO_PLATEAU


def test_signal_and_noise_are_the_same_in_all_ways(maps):
    filtered, padded = (maps[way]["half_map"].values for way in ("filter", "padded_background"))
    assert np.array_equal(filtered, maps["filter_then_mask"]["half_map"].values)
    inner = (..., slice(1, -1))
    assert np.allclose(padded[inner] - filtered[inner], 1.0, atol=1e-5)
    assert not padded[..., [0, -1]].any()
    assert np.array_equal(maps["mask_then_filter"]["mask"], maps["filter_then_mask"]["mask"])
    assert "mask" not in maps["filter"] and "mask" not in maps["padded_background"]
    other = cn.filtered_half_maps("filter", seed=1)["half_map"].values
    assert not np.array_equal(filtered, other)


def test_the_ways_can_be_compared(maps):
    figure = cn.side_by_side(cn.compare({way: diagnose(halves, "fsc") for way, halves in maps.items()}))
    assert [panel.title for panel in list(figure.sheet.panels())[:4]] == list(WAYS)


@pytest.mark.parametrize(
    ("way", "settings", "sentence"),
    [
        ("mask_and_filter", {}, "a way to filter half maps must be known"),
        ("filter", {"lowpass": 2.0}, r"lowpass must lie between 3 and 36 \[angstrom\]; got 2"),
        ("padded_background", {"padding": 60}, r"padding must leave a map \[voxel\]; got 60"),
    ],
)
def test_what_cannot_be_made_is_refused(way, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        cn.filtered_half_maps(way, FilteredMapsConfig(), **settings)
