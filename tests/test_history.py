import numpy as np
import pytest
from refinements_made import make_iterations, make_run

from cryonb.errors import SchemaError
from cryonb.history import history


def test_a_history_holds_what_the_iterations_say():
    runs = make_iterations()
    made = history(runs)
    assert made["iteration"].values.tolist() == [1, 2, 3, 4, 5]
    assert made["alignment_limit"].values.tolist() == [30.0, 24.0, 20.0, 16.0, 13.0]
    np.testing.assert_array_equal(made["claimed_resolution"].values, [24.0, np.nan, 16.0, 13.0, 12.0])
    medians = [np.median(run["angle_change"]) for run in runs]
    np.testing.assert_allclose(made["angle_change"].values, medians)
    assert np.isnan(made["angle_change"].values[0])
    assert made.attrs["recipe"] == "homogeneous" and float(made["particle_nyquist"]) == 0.125


def test_classes_keep_their_own_rows():
    runs = make_iterations(classes=2)
    made = history(runs)
    assert made["claimed_resolution"].dims == ("class_id", "iteration")
    np.testing.assert_array_equal(made["occupancy"].values[:, 3], runs[3]["occupancy"].values)
    wanted = np.mean(runs[1]["class_number"].values != runs[0]["class_number"].values)
    assert wanted > 0 and float(made["class_change"][1]) == pytest.approx(wanted)


def test_volumes_are_not_needed():
    runs = [run.drop_dims(["z", "y", "x"]) for run in make_iterations()]
    assert history(runs).equals(history(make_iterations()))


def test_only_refinements_have_a_history():
    with pytest.raises(SchemaError, match="got cryonb/fsc. Give those that iterate yields"):
        history([make_run(), make_run().assign_attrs(schema="cryonb/fsc")])
