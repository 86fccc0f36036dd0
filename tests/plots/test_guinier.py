import numpy as np
import pytest

from cryonb import schema
from cryonb.plots import guinier as guinier_file
from cryonb.plots.marks import Band, Curve, Line


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


def test_an_unreliable_b_factor_is_said_first():
    sheet = guinier_file.guinier_sheet(guinier(reliable=False))
    assert sheet.headline.startswith(
        "B = 120 Å² (95 % interval 95 to 145 Å²): not reliable, 18 shells are fewer than 20"
    )
    assert "Do not sharpen" in sheet.headline
    assert "not reliable" not in guinier_file.guinier_sheet(guinier(reliable=True)).headline


def test_the_guinier_plot_is_over_inverse_square_resolution():
    dataset = guinier()
    panel = guinier_file.guinier_panel(dataset)
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
    sheet = guinier_file.guinier_sheet(dataset)
    assert sheet.headline == "No B factor: too few shells to fit."
    assert all(np.isfinite(next(sheet.panels()).y_limits))


def test_plots_stand_beside_each_other_on_shared_axes_with_their_b_factors():
    one, other = guinier(reliable=True), guinier().assign_coords(particle_nyquist=1 / 2.5)
    (row,) = guinier_file.rows_beside({"a": one, "b": other}, {"a": one, "b": other})
    assert len({(panel.x_limits, panel.y_limits) for panel in row.panels}) == 1
    assert [panel.title for panel in row.panels] == ["a", "b"]
    first, second = (panel.note for panel in row.panels)
    assert first == "B = 120 Å²\n95 %: 95 to 145 Å²" and second.startswith("B = 120 Å², not reliable")
    assert {mark.label for panel in row.panels for mark in panel.of(Curve, "fit")} == {"fit"}
    np.testing.assert_array_equal(row.panels[1].of(Curve, "log_amplitude")[0].y, other["log_amplitude"].values)
