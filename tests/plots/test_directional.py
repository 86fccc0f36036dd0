import numpy as np
import pytest
import xarray as xr

from cryonb import plots
from cryonb.diagnostics import diagnose
from cryonb.imaging.fourier import half_indices, half_radius, half_transform, real_space
from cryonb.plots import wording
from cryonb.plots.directional import directional_sheet
from cryonb.plots.marks import Area, Band, Curve, Line, Points, SphereMap
from cryonb.schema import HALVES, VOLUME, build, grid_coordinates

SIZE = 32


def judged(gap_angle=0.0):
    """Return the judgement of noisy half maps with an empty cone about z."""
    rng = [np.random.default_rng(seed) for seed in range(3)]
    signal, *noise = [half_transform(each.normal(size=(SIZE,) * 3)) for each in rng]
    kz, _, _ = half_indices(SIZE)
    filled = np.abs(kz) / np.maximum(half_radius(SIZE), 1) <= np.cos(np.deg2rad(gap_angle))
    fall = 3.0 * np.exp(-((half_radius(SIZE) / 8.0) ** 2))
    halves = [real_space((signal * fall + each) * (filled if gap_angle else 1.0), SIZE) for each in noise]
    coords = {"half": list(HALVES), **grid_coordinates(SIZE, 2.0), "voxel_size": 2.0}
    dataset = build(VOLUME, {"half_map": np.stack(halves).astype(np.float32)}, coords)
    return diagnose(dataset, "directional", n_directions=150)


@pytest.fixture(scope="module", name="gap")
def _gap():
    return judged(45.0)


def test_the_sheet_shows_curves_their_range_and_two_maps(gap):
    sheet = directional_sheet(gap)
    curves = {curve.name: curve for curve in sheet.of(Curve)}
    assert set(curves) == {"fso", "global", "best", "worst"}
    assert {area.name for area in sheet.of(Area)} == {"range", "inner range", "no data"}
    assert [mark.name for mark in sheet.of(SphereMap)] == ["cone_resolution", "cone_area"]
    assert {line.name for line in sheet.of(Line)} >= {"grid_nyquist", "0.143", "0.5"}
    assert sheet.headline == wording.sentence(gap.attrs["verdict"])
    assert "half angle 20°" in sheet.caption
    wide, narrow = (next(iter(sheet.of(Area, name))) for name in ("range", "inner range"))
    inside = np.isfinite(wide.low) & np.isfinite(narrow.low)
    assert (wide.low[inside] <= narrow.low[inside]).all()
    assert (wide.high[inside] >= narrow.high[inside]).all()


def test_directions_without_data_are_hatched_and_have_no_colour(gap):
    sheet = directional_sheet(gap)
    missing = int((~gap["has_data"].values).sum())
    assert missing > 3
    for mark in sheet.of(SphereMap):
        assert mark.values.size == 2 * gap.sizes["direction"]
        assert np.isnan(mark.values).sum() == 2 * missing
    hatched = sheet.of(Area, "no data")[0]
    assert hatched.hatch
    assert np.nanmax(hatched.high) == pytest.approx(np.pi / 2)
    assert np.nanmin(np.abs(hatched.low)) > np.radians(45)
    middle = sheet.of(Points, "empty")[0]
    assert np.abs(middle.y) == pytest.approx([np.pi / 2] * 2, abs=np.radians(8))
    worst = sheet.of(Curve, "worst")[0]
    assert np.isfinite(worst.y[5:]).all()
    at = float(gap["cone_resolution"].max())
    assert worst.label.endswith(wording.angstrom(at))
    assert sheet.of(SphereMap, "cone_resolution")[0].high == pytest.approx(at)


def test_opposites_carry_the_same_value(gap):
    mark = directional_sheet(gap).of(SphereMap, "cone_area")[0]
    count = gap.sizes["direction"]
    assert np.array_equal(mark.values[:count], mark.values[count:], equal_nan=True)
    assert mark.tilt_low[count:] == pytest.approx(180 - mark.tilt_high[:count])
    assert np.abs(mark.rot[count:] - mark.rot[:count]) == pytest.approx(180)
    rings = sorted(set(zip(mark.tilt_low, mark.tilt_high)))
    assert rings[0][0] == 0
    assert rings[-1][1] == 180
    assert all(first[1] == pytest.approx(second[0]) for first, second in zip(rings, rings[1:]))


def test_the_map_is_covered_where_there_are_data():
    figure = plots.draw(judged())
    mesh = next(axes for axes in figure.axes if axes.name == "mollweide").collections[0].get_array()
    assert not np.ma.getmaskarray(mesh).any()
    assert "no data" not in [area.name for area in figure.sheet.of(Area)]


def test_a_gap_is_drawn(gap):
    assert plots.draw(gap).axes
    assert "directions hold no data" in plots.describe(gap)


def test_a_resolution_that_no_direction_reaches_is_said(gap):
    high = gap.copy(deep=True)
    high["cone_resolution"][:] = np.nan
    sheet = directional_sheet(high)
    panel = next(panel for panel in sheet.panels() if panel.of(SphereMap))
    assert "none falls to 0.143 before the data end" in panel.note
    assert not panel.of(SphereMap)[0].label
    assert len(plots.draw(high).axes) == len(plots.draw(gap).axes) - 1
    some = gap.copy(deep=True)
    some["cone_resolution"][-9:] = np.nan
    noted = next(panel for panel in directional_sheet(some).panels() if panel.of(SphereMap))
    assert "never fall to 0.143: drawn as" in noted.note


def test_a_direction_at_the_pole_has_no_rot(gap):
    turned = gap.copy(deep=True)
    turned["named_tilt"][:] = 1.0
    assert ", along z: " in directional_sheet(turned).of(Curve, "worst")[0].label


def test_shells_that_hold_leak_only_are_hatched_and_named(gap):
    leaking = gap.copy(deep=True)
    leaking["below_floor"][9:12] = True
    bands = directional_sheet(leaking).of(Band, "below floor")
    step = float(gap["frequency"][1])
    assert len(bands) == 2
    assert (bands[0].start, bands[0].stop) == (pytest.approx(8.5 * step), pytest.approx(11.5 * step))
    assert "rounding or mask leak" in bands[0].label
    assert not directional_sheet(gap).of(Band, "below floor")


def test_directional_curves_stand_beside_each_other(gap):
    sheet = plots.sheet(xr.DataTree.from_dict({"gap": gap, "even": judged()}))
    panels = sheet.rows[0].panels
    assert [panel.title for panel in panels] == ["gap", "even"]
    assert all(panel.of(Curve, "global") and panel.of(Area, "range") for panel in panels)
    assert len({(panel.x_limits, panel.y_limits) for panel in panels}) == 1
    assert f"cFAR {float(gap['cfar']):.2f}" in panels[0].note
    assert f"gap: {wording.sentence(gap.attrs['verdict'])}" in sheet.headline
