import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from cryonb import plots, schema
from cryonb.errors import SchemaError
from cryonb.plots.marks import Curve, Image, Line, SphereMap


@pytest.fixture(name="new_kind")
def _new_kind():
    fields = {
        "wiggle": schema.Field(("component", "frequency")),
        "power": schema.Field(("frequency",), "1/angstrom"),
        "verdict_number": schema.Field((), "angstrom"),
    }
    kind = schema.declare(schema.Kind("cryonb/brand_new", fields, schema.SAMPLING))
    shells = schema.shell_coordinates(32, 2.0)
    values = np.sin(np.outer([1, 2], shells["shell"] / 5))
    coords = {**shells, "component": ["standard", "dithered"], "grid_nyquist": 0.25, "box_size": 32}
    power = 10.0 ** -(shells["shell"] / 3.0)
    yield schema.build(kind, {"wiggle": values, "power": power, "verdict_number": 3.5}, coords)
    del schema.KINDS["cryonb/brand_new"]


def test_a_kind_that_no_file_knows_is_drawn_by_its_dimensions(new_kind):
    sheet = plots.sheet(new_kind)
    assert [panel.y_label for panel in sheet.panels()] == ["wiggle", "power [1/Å]"]
    assert [curve.name for curve in sheet.of(Curve)] == ["wiggle standard", "wiggle dithered", "power"]
    assert [panel.y_scale for panel in sheet.panels()] == ["linear", "log"]
    assert sheet.of(Line, "grid_nyquist") and sheet.title == "Brand new"
    assert "verdict number 3.5 Å" in sheet.caption and "box 32 voxels" in sheet.caption
    assert plots.draw(new_kind).axes


def test_a_new_kind_of_map_is_drawn_as_sections():
    kind = schema.declare(schema.Kind("cryonb/new_map", {"local": schema.Field(("z", "y", "x"), "angstrom")}, {}))
    dataset = schema.build(kind, {"local": np.zeros((8, 8, 8))}, schema.grid_coordinates(8, 2.0))
    del schema.KINDS["cryonb/new_map"]
    assert len(plots.sheet(dataset).of(Image)) == 3


def test_a_variable_without_numbers_is_drawn_empty(new_kind):
    new_kind["wiggle"][:] = np.nan
    assert plots.draw(new_kind).axes


@pytest.mark.parametrize("wrong", [3, xr.Dataset(), None])
def test_what_is_no_dataset_of_cryonb_is_refused(wrong):
    with pytest.raises(SchemaError, match=r"attrs\['schema'\]"):
        plots.draw(wrong)


def test_a_dataset_with_nothing_to_draw_is_refused():
    with pytest.raises(SchemaError, match="variable over frequency"):
        plots.draw(xr.Dataset(attrs={"schema": "cryonb/nothing"}))


def test_a_tree_is_drawn_side_by_side(make_fsc):
    tree = xr.DataTree.from_dict({"a": make_fsc(), "b": make_fsc(seed=1)})
    assert len(list(plots.sheet(tree).panels())) == 2


def test_every_kind_of_figure_has_words(make_fsc, make_refinement):
    assert "falls to 0.143" in plots.describe(make_fsc())
    assert "Particle Nyquist" in plots.describe(make_refinement(box_size=16))
    assert plots.describe(xr.DataTree.from_dict({"bin 2": make_fsc()})).startswith("bin 2: The corrected curve")


def test_a_refinement_shows_curve_weight_and_maps(make_refinement):
    sheet = plots.sheet(make_refinement(box_size=16))
    assert {curve.name for curve in sheet.of(Curve)} == {"unmasked", "half A", "half B"}
    assert [image.name for image in sheet.of(Image)] == ["half map A", "half map B", "volume"]


def test_a_refinement_without_fsc_is_drawn(make_refinement):
    sheet = plots.sheet(make_refinement(box_size=16).drop_vars("fsc_unmasked"))
    assert [curve.name for curve in sheet.of(Curve)] == ["half A", "half B"]


def test_orientations_are_drawn_on_the_sphere():
    rings = np.degrees(np.arccos(np.linspace(1, -1, 7)))
    low, high = np.repeat(rings[:-1], 12), np.repeat(rings[1:], 12)
    rot = np.tile((np.arange(12) + 0.5) * 30.0, 6)
    names = ("view_rot", "view_tilt", "view_tilt_low", "view_tilt_high")
    fields = {name: schema.Field(("view",)) for name in ("view_density", "slice_density")}
    kind = schema.Kind(
        "cryonb/orientations",
        fields,
        {"n_particles": "1"},
        dimensions={"view": "1"},
        coordinates={name: schema.Field(("view",), "degree") for name in names},
    )
    kept, schema.KINDS[kind.name] = schema.KINDS.get(kind.name), kind
    density = np.random.default_rng(0).gamma(2.0, 0.5, rot.size)
    values = {"view_density": density, "slice_density": density}
    cells = dict(zip(names, (rot, (low + high) / 2, low, high)))
    dataset = schema.build(kind, values, {"view": np.arange(rot.size), **cells, "n_particles": 400.0})
    schema.KINDS[kind.name] = kept or schema.KINDS.pop(kind.name)
    sheet = plots.sheet(dataset)
    assert [mark.name for mark in sheet.of(SphereMap)] == ["view_density", "slice_density"]
    mesh = plots.draw(dataset).axes[0].collections[0].get_array()
    assert not np.ma.getmaskarray(mesh).any()
    assert set(np.unique(mesh)) <= set(density)
    inside = [words.get_text() for axes in plots.draw(dataset).axes[::2] for words in axes.get_xticklabels()]
    assert not any(inside)


def test_the_door_does_not_load_matplotlib():
    code = "import sys, cryonb.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
