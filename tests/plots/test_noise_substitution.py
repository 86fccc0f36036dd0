"""The figure of a noise substitution, from curves made up."""

import numpy as np
import pytest
import xarray as xr
from legible import check_legible

from cryonb import plots
from cryonb.diagnostics.noise_substitution import CURVES, NOISE_SUBSTITUTION
from cryonb.plots.marks import VERMILLION, Area, Curve, Line
from cryonb.plots.noise_substitution import noise_substitution_sheet
from cryonb.schema import build, shell_coordinates

SHELL = np.arange(33)


def make(classes=0, grid=64, false=0.35):
    """Return a noise substitution from shell 14 on, aligned to shell 26, of particles of 64 pixels at 3 angstrom."""
    shell = np.arange(grid // 2 + 1)
    signal = 1.0 / (1.0 + np.exp((shell - 17) / 2.0))
    reach = np.clip(1.0 - (shell - 26) / 3.0, 0.0, 1.0)
    run = np.where(shell <= 32, signal + (1 - signal) * false * reach, np.nan)
    noise = np.where(shell < 14, run, false * reach + 0.0 * run)
    true = np.where(shell < 16, run, (run - noise) / (1 - noise))
    fsc = np.stack([run, noise, true])
    resolution, level = np.array([6.9, 7.0, 9.35]), np.array([0.44, false, 0.14])
    tables = {"fsc": fsc, "fsc_resolution": resolution, "level": level}
    if classes:
        tables = {name: np.stack([values] * classes) for name, values in tables.items()}
    band = np.where(shell <= 32, "measured", "no data")
    scalars = dict(box_size=grid, voxel_size=192.0 / grid, pixel_size=3.0, particle_nyquist=1 / 6)
    scalars |= dict(grid_nyquist=grid / 384.0, substitution_shell=14, substitution_resolution=192 / 14)
    scalars |= dict(alignment_limit=192 / 26, alignment_limit_substituted=192 / 20)
    coords = {**shell_coordinates(grid, 192.0 / grid), "curve": list(CURVES), **scalars}
    coords |= {"class_id": np.arange(1, classes + 1)} if classes else {}
    said = "From 12.0 A to 7.38 A the halves make something up."
    verdict = " ".join(f"Class {number}: {said}" for number in range(1, classes + 1)) or said
    tables["band"] = np.stack([band] * classes) if classes else band
    return build(NOISE_SUBSTITUTION, tables, coords, {"recipe": "resolution_limited", "verdict": verdict})


def panel(dataset, row=0):
    return noise_substitution_sheet(dataset).rows[row].panels[0]


def test_the_three_curves_are_those_of_the_dataset():
    dataset = make()
    found = {curve.name: curve for curve in panel(dataset).of(Curve)}
    assert list(found) == list(CURVES)
    for name in ("run", "substituted"):
        np.testing.assert_array_equal(found[name].y, dataset["fsc"].sel(curve=name))
    assert np.isnan(found["true"].y[:14]).all()
    np.testing.assert_array_equal(found["true"].y[14:], dataset["fsc"].sel(curve="true")[14:])
    assert found["run"].label == "the run: 6.90 Å" and found["true"].label.endswith(": 9.35 Å")
    assert len({(curve.colour, str(curve.style)) for curve in found.values()}) == 3
    assert VERMILLION not in {curve.colour for curve in found.values()}


def test_what_was_made_up_lies_between_the_run_and_what_is_true():
    dataset = make()
    (area,) = panel(dataset).of(Area)
    run, true = (dataset["fsc"].sel(curve=name).values[14:] for name in ("run", "true"))
    np.testing.assert_array_equal(area.high, run)
    np.testing.assert_array_equal(area.low, np.minimum(run, true))


@pytest.mark.parametrize("grid", [64, 128])
def test_the_shell_of_the_substitution_the_alignment_and_both_nyquists_are_marked(grid):
    lines = {line.name: line for line in panel(make(grid=grid)).of(Line) if line.axis == "x"}
    assert lines["substitution_resolution"].at == pytest.approx(14 / 192)
    assert lines["substitution_resolution"].label == "noise from 13.7 Å"
    assert lines["alignment_limit"].label == "aligned to 7.38 Å"
    assert ("grid_nyquist" in lines) == (grid == 128) and "particle_nyquist" in lines


def test_classes_have_a_row_each_and_words_once():
    sheet = noise_substitution_sheet(make(classes=3))
    assert [row.panels[0].title for row in sheet.rows] == ["class 1", "class 2", "class 3"]
    named = [line.label or line.key for row in sheet.rows[1:] for line in row.panels[0].of(Line) if line.axis == "x"]
    assert not any(named)
    assert sheet.headline.count("Class 2") == 1


def test_it_is_told_in_words_and_stands_beside_other_runs():
    dataset = make()
    words = plots.describe(dataset)
    for part in ("noise from 13.7 Å", "aligned to 7.38 Å", "resolution limited", "Particle Nyquist 6.00 Å"):
        assert part in words, part
    runs = {"shared": dataset, "independent": make(false=0.0), "finer": make(grid=128)}
    check_legible(plots.side_by_side(xr.DataTree.from_dict(runs)))


@pytest.mark.parametrize("settings", [{}, dict(grid=128), dict(classes=2)], ids=str)
def test_it_is_legible(settings):
    check_legible(plots.draw(make(**settings)))
