import numpy as np

from cryonb import schema
from cryonb.plots import refinement
from cryonb.plots.marks import Curve


def test_weights_of_both_halves_are_drawn_where_they_are(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    panel = refinement.weight_panel(run, (0.0, 0.4))
    assert [curve.name for curve in panel.of(Curve)] == ["half A", "half B"]
    np.testing.assert_array_equal(np.isnan(panel.of(Curve)[0].y), run["insertion_weight"].values[0] == 0)
    assert panel.y_scale == "log" and panel.y_limits[0] > 0


def test_classes_have_a_curve_each(make_refinement):
    run = make_refinement(box_size=16)
    classes = run.drop_vars("volume")
    for name in ("half_map", "insertion_weight", "fsc_unmasked"):
        classes[name] = run[name].expand_dims(class_id=[1, 2]).assign_attrs(run[name].attrs)
    classes["class_id"].attrs["units"] = "1"
    schema.validate(classes)
    sheet = refinement.refinement_sheet(classes)
    assert [curve.name for curve in sheet.of(Curve)] == ["class 1", "class 2", "half A", "half B"]
    np.testing.assert_array_equal(sheet.of(Curve, "class 2")[0].y, run["fsc_unmasked"].values)
