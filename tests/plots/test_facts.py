import json
import math

import numpy as np
import pytest

from cryonb.plots import facts


def test_scalars_are_numbers_or_nan(make_fsc):
    fsc = make_fsc()
    assert facts.number(fsc, "voxel_size") == 1.05
    assert math.isnan(facts.number(fsc, "absent"))
    assert math.isnan(facts.number(fsc, "fsc"))
    assert math.isnan(facts.number(fsc.assign_coords(mask_digest="abc"), "mask_digest"))


def test_settings_of_a_judgement_are_not_taken_for_those_of_the_map(make_fsc):
    fsc = make_fsc()
    made = {"verb": "reconstruct", "settings": {"box": {"kernel": "nearest"}, "mask": {"kind": "sphere"}}, "inputs": []}
    judged = {"verb": "diagnose", "settings": {"config": {"box": {"kernel": "trilinear", "limit": "square"}}}}
    judged["inputs"] = [{"digest": "0", "provenance": made}]
    fsc.attrs["provenance"] = json.dumps(judged)
    assert facts.provenance_settings(fsc) == {"kernel": "nearest", "mask_kind": "sphere"}


@pytest.mark.parametrize("record", ["", "not json", "[1]", "null"])
def test_a_damaged_record_is_no_record(make_fsc, record):
    fsc = make_fsc()
    fsc.attrs["provenance"] = record
    assert facts.provenance_settings(fsc) == {}


def test_bands_of_a_refinement_follow_its_weights(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    bands = facts.bands(run)
    weight = run["insertion_weight"].min("half").values
    nyquist = float(run["particle_nyquist"])
    np.testing.assert_array_equal(bands == "no data", weight == 0)
    assert set(run["frequency"].values[bands == "measured"] <= nyquist * 1.001) == {True}
    assert (bands == "corner").any()


def test_what_a_kernel_spills_past_a_circle_is_no_corner(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    shells = run["frequency"].values * 96 * 1.4
    nyquist_shell = float(run["particle_nyquist"]) * 96 * 1.4
    run["insertion_weight"] = run["insertion_weight"].where(shells <= nyquist_shell + 1, 0.0)
    assert "corner" not in facts.bands(run)
    said = make_refinement(box_size=96, voxel_size=1.4).assign_attrs(limit="circle")
    assert "corner" not in facts.bands(said)


def test_a_shell_with_next_to_no_weight_holds_no_data(make_refinement):
    run = make_refinement()
    run["insertion_weight"][:, 10] = 1e-9
    assert facts.bands(run)[10] == "no data"


def test_the_data_end_at_the_last_shell_with_data(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    last = run["frequency"].values[facts.bands(run) != "no data"][-1]
    assert facts.data_end(run) == pytest.approx(1 / last)
