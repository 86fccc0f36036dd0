import numpy as np
import pytest

from cryonb import schema
from cryonb.plots import curves
from cryonb.plots.marks import Band, Curve, Line, Points, Text


def guinier(reliable=False):
    shells = schema.shell_coordinates(128, 1.05)
    frequency = shells["frequency"]
    amplitude = -2.0 - 30.0 * frequency**2
    amplitude[frequency > 0.34] = np.nan
    names = ("log_amplitude", "fit", "b_factor", "b_factor_low", "b_factor_high", "reliable")
    fields = {name: schema.Field(("frequency",) if name in ("log_amplitude", "fit") else ()) for name in names}
    scalars = {**schema.SAMPLING, "fit_coarse": "angstrom", "fit_fine": "angstrom", "n_shells": "1"}
    variables = dict(
        log_amplitude=amplitude,
        fit=np.where((frequency > 0.1) & (frequency < 0.238), amplitude, np.nan),
        b_factor=120.0,
        b_factor_low=95.0,
        b_factor_high=145.0,
        reliable=reliable,
    )
    coords = dict(fit_coarse=10.0, fit_fine=4.2, n_shells=18, particle_nyquist=1 / 4.2, box_size=128, voxel_size=1.05)
    attrs = {"reason": "18 shells are fewer than 20 from 10 to 4.2 A"}
    kind = schema.Kind("cryonb/guinier", fields, scalars)
    kept, schema.KINDS["cryonb/guinier"] = schema.KINDS.get("cryonb/guinier"), kind
    try:
        return schema.build(kind, variables, {**shells, **coords}, attrs)
    finally:
        if kept is None:
            del schema.KINDS["cryonb/guinier"]
        else:
            schema.KINDS["cryonb/guinier"] = kept


def test_every_kind_has_its_curve_and_states_its_resolution(make_fsc):
    fsc = make_fsc()
    panel = curves.fsc_panel(fsc)
    drawn = {curve.name: curve for curve in panel.of(Curve)}
    assert set(schema.FSC_KINDS) <= set(drawn)
    for kind in schema.FSC_KINDS:
        np.testing.assert_array_equal(drawn[kind].y, fsc["fsc"].sel(fsc_kind=kind).values)
    stated = float(fsc["fsc_resolution"].sel(fsc_kind="corrected", threshold="0.143"))
    assert drawn["corrected"].label == f"corrected: {stated:.2f} Å"
    assert len({(curve.colour, str(curve.style)) for curve in drawn.values()}) == len(drawn)


def test_shells_without_data_stay_gaps(make_fsc):
    fsc = make_fsc()
    empty = fsc["band"].isin(["support", "no data"]).values
    assert empty.any()
    for curve in curves.fsc_curves(fsc):
        assert np.isnan(curve.y[empty]).all() and np.isfinite(curve.y[~empty]).all()


def test_a_curve_that_never_crosses_has_no_number_and_no_point(make_fsc):
    panel = curves.fsc_panel(make_fsc(box_size=64, voxel_size=2.1, falls=0.6, kinds=("raw",)))
    assert panel.of(Curve, "raw")[0].label == "unmasked: not reached"
    assert panel.of(Points) == []


def test_crossings_lie_on_their_threshold(make_fsc):
    fsc = make_fsc()
    points = curves.fsc_panel(fsc).of(Points, "raw at 0.143")
    assert points[0].y[0] == 0.143
    assert 1 / points[0].x[0] == pytest.approx(float(fsc["fsc_resolution"].sel(fsc_kind="raw", threshold="0.143")))


def test_thresholds_nyquists_and_bands_are_all_there(make_fsc):
    panel = curves.fsc_panel(make_fsc())
    assert {"0.143", "0.5", "particle_nyquist", "grid_nyquist", "corner_end"} <= {line.name for line in panel.of(Line)}
    assert {curve.name for curve in panel.of(Curve)} >= {"half_bit", "three_sigma"}
    assert {"half-bit threshold", "3 σ threshold"} <= {curve.label for curve in panel.of(Curve)}
    assert {band.label for band in panel.of(Band)} >= {"no data"}
    assert panel.top == "frequency" and "[1/Å]" in panel.x_label


def test_thresholds_that_no_dataset_states_are_not_made_up(make_fsc):
    panel = curves.fsc_panel(make_fsc().drop_vars("threshold_curve"))
    assert panel.of(Curve, "half_bit") == []


def test_an_empty_curve_says_so(make_fsc):
    fsc = make_fsc()
    fsc["fsc"][:] = np.nan
    fsc["fsc_resolution"][:] = np.nan
    assert curves.fsc_panel(fsc).of(Text, "empty")


def test_the_figure_in_words_holds_resolution_end_bands_and_limits(make_fsc):
    words = curves.fsc_words(make_fsc())
    for part in (
        "corrected falls to 0.143 at",
        "data end at 2.99 Å",
        "no data from",
        "Particle Nyquist 4.20 Å",
        "box 128",
    ):
        assert part in words


def test_an_unreliable_b_factor_is_said_first():
    sheet = curves.guinier_sheet(guinier(reliable=False))
    assert sheet.headline.startswith(
        "B = 120 Å² (95 % interval 95 to 145 Å²): not reliable, 18 shells are fewer than 20"
    )
    assert "Do not sharpen" in sheet.headline
    assert "not reliable" not in curves.guinier_sheet(guinier(reliable=True)).headline


def test_the_guinier_plot_is_over_inverse_square_resolution():
    dataset = guinier()
    panel = curves.guinier_panel(dataset)
    curve = panel.of(Curve, "log_amplitude")[0]
    np.testing.assert_allclose(curve.x, dataset["frequency"].values ** 2)
    assert panel.of(Line, "particle_nyquist")[0].at == pytest.approx(1 / 4.2**2)
    fitted = panel.of(Band, "fit range")[0]
    assert (fitted.start, fitted.stop) == (pytest.approx(0.01), pytest.approx(1 / 4.2**2))
    assert panel.top == "inverse_square"


def test_a_guinier_plot_without_a_fit_is_still_drawn():
    dataset = guinier()
    dataset["log_amplitude"][:] = np.nan
    dataset["fit"][:] = np.nan
    dataset["b_factor"] = dataset["b_factor"] * np.nan
    sheet = curves.guinier_sheet(dataset)
    assert sheet.headline == "No B factor: too few shells to fit."
    assert all(np.isfinite(next(sheet.panels()).y_limits))


def test_weights_of_both_halves_are_drawn_where_they_are(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    panel = curves.weight_panel(run, (0.0, 0.4))
    assert [curve.name for curve in panel.of(Curve)] == ["half A", "half B"]
    np.testing.assert_array_equal(np.isnan(panel.of(Curve)[0].y), run["insertion_weight"].values[0] == 0)
    assert panel.y_scale == "log" and panel.y_limits[0] > 0
