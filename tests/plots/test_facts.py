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


def test_what_no_run_made_is_not_taken_for_computed(make_fsc):
    fsc = make_fsc()
    assert facts.was_computed(fsc)
    assert facts.was_computed(fsc.assign_attrs(provenance=json.dumps({"verb": "diagnose"})))
    assert not facts.was_computed(fsc.assign_attrs(provenance=""))
    assert not facts.was_computed(fsc.assign_attrs(provenance=json.dumps({"verb": "read"})))


def test_bands_are_those_of_the_dataset_or_follow_its_curve(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    assert np.array_equal(facts.bands(run), run["band"].values)
    assert "corner" in facts.bands(run)
    silent = run.drop_vars("band")
    assert np.array_equal(facts.bands(silent) == "measured", np.isfinite(run["fsc_unmasked"].values))


def test_the_data_end_at_the_last_shell_with_data(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    last = run["frequency"].values[np.isin(facts.bands(run), ("measured", "corner"))][-1]
    assert facts.data_end(run) == pytest.approx(1 / last)
