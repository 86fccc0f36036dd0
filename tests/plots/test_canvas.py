"""What is drawn can be read: nothing leaves the page, no words meet, none are small."""

import numpy as np
import pytest
import xarray as xr
from decompositions import make_decomposition
from legible import check_legible, visible_words

from cryonb import plots
from cryonb.plots.canvas import render
from cryonb.plots.marks import Band, Curve, Panel, Points, Row, Sheet

NYQUISTS = [
    dict(box_size=128, voxel_size=1.05),
    dict(box_size=64, voxel_size=2.1),
    dict(box_size=128, voxel_size=1.99),
    dict(box_size=128, voxel_size=1.48),
    dict(box_size=128, voxel_size=1.05, binning=1.0),
    dict(box_size=400, voxel_size=0.6, binning=1.2, falls=0.4),
]


@pytest.mark.parametrize("settings", NYQUISTS, ids=lambda settings: f"voxel {settings['voxel_size']}")
def test_an_fsc_is_legible_however_close_the_limits_lie(make_fsc, settings):
    check_legible(plots.draw(make_fsc(**settings)))


@pytest.mark.parametrize("settings", NYQUISTS[:3], ids=lambda settings: f"voxel {settings['voxel_size']}")
def test_a_refinement_is_legible(make_refinement, settings):
    check_legible(plots.draw(make_refinement(**{**settings, "box_size": 32})))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_runs_side_by_side_are_legible(make_refinement, count):
    some = {
        "bin 2": make_refinement(box_size=32, voxel_size=2.1),
        "bin 2, fine grid with a long name that goes on": make_refinement(box_size=48, voxel_size=1.4),
        "bin 4": make_refinement(box_size=32, voxel_size=2.1, binning=4.0),
    }
    check_legible(plots.side_by_side(xr.DataTree.from_dict(dict(list(some.items())[:count]))))


@pytest.mark.parametrize("settings", [dict(limit="square"), dict(masked=True), dict(classes=2)], ids=str)
def test_a_decomposition_is_legible(settings):
    check_legible(plots.draw(make_decomposition(**settings)))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_decompositions_side_by_side_are_legible(count):
    every = [make_decomposition(limit, pad) for limit in ("circle", "square") for pad in (1, 2)]
    tree = {f"setting {index}": one for index, one in enumerate(every[:count])}
    check_legible(plots.side_by_side(xr.DataTree.from_dict(tree)))


def test_four_runs_and_an_overlay_are_legible(make_fsc):
    some = {f"run {index}": make_fsc(binning=1.0 + index, seed=index, falls=0.3 / (1 + index)) for index in range(4)}
    tree = xr.DataTree.from_dict(some)
    check_legible(plots.side_by_side(tree))
    check_legible(plots.overlay(tree))


def test_the_key_stands_beside_the_panel(make_fsc):
    figure = plots.draw(make_fsc())
    figure.draw_without_rendering()
    key = figure.legends[0].get_window_extent(figure.canvas.get_renderer())
    for axes in figure.axes:
        assert key.x0 >= axes.get_window_extent().x1
    assert key.x1 <= figure.bbox.x1


def test_a_figure_draws_the_numbers_of_its_sheet(make_fsc):
    figure = plots.draw(make_fsc())
    drawn = [line.get_ydata() for line in figure.axes[0].get_lines()]
    for curve in figure.sheet.of(Curve):
        assert any(len(line) == len(curve.y) and np.array_equal(line, curve.y, equal_nan=True) for line in drawn)


def test_resolution_runs_along_the_top(make_fsc):
    figure = plots.draw(make_fsc())
    bottom, top = figure.axes[:2]
    assert top.get_xlabel() == "resolution [Å]" and bottom.get_xlabel() == "spatial frequency [1/Å]"
    for place, label in zip(top.get_xticks(), top.get_xticklabels()):
        assert 1.0 / float(label.get_text()) == pytest.approx(place)


def test_a_figure_shows_itself_in_a_notebook(make_fsc):
    image, about = plots.draw(make_fsc())._repr_png_()
    assert image.startswith(b"\x89PNG")
    assert 800 <= about["width"] <= 1000


def test_every_figure_shows_itself_as_a_picture(make_fsc, make_refinement):
    tree = xr.DataTree.from_dict({"a": make_fsc(), "b": make_fsc(seed=1)})
    for figure in (plots.draw(make_refinement(box_size=16)), plots.side_by_side(tree), plots.overlay(tree)):
        image, about = figure._repr_png_()
        assert image.startswith(b"\x89PNG") and {"width", "height"} == set(about)


def test_a_notebook_takes_the_picture(make_fsc):
    formatters = pytest.importorskip("IPython.core.formatters")
    data, about = formatters.DisplayFormatter().format(plots.draw(make_fsc()))
    assert data["image/png"].startswith(b"\x89PNG") and about["image/png"]["width"] >= 800


@pytest.mark.parametrize("middle", [-10.25, -0.5, 1234.5])
def test_the_name_of_an_axis_stands_clear_of_its_numbers(middle):
    x = np.linspace(0, 1, 5)
    panel = Panel((Curve(x, middle + x, "a", "line"),), "", "", "x", "ln amplitude", (0.0, 1.0), (middle, middle + 1.0))
    figure = render(Sheet((Row((panel,), 3.0, "right"),), "Numbers"))
    shown = visible_words(figure)
    name = next(extent for words, extent in shown if words.get_text() == "ln amplitude")
    numbers = [words.get_window_extent() for words in figure.axes[0].get_yticklabels()]
    assert name.x0 >= 0
    assert name.x1 + 2 <= min(extent.x0 for extent in numbers)


def test_runs_past_their_nyquist_and_runs_without_a_map_are_legible(make_fsc, make_refinement):
    past = make_refinement(box_size=48, voxel_size=1.4)
    past = past.assign_coords(resolution=past["resolution"].copy(data=4.0))
    never = make_refinement(box_size=32, voxel_size=2.1)
    never = never.assign_coords(resolution=never["resolution"].copy(data=np.nan))
    check_legible(plots.side_by_side(xr.DataTree.from_dict({"a": never, "b": past, "c": make_fsc(), "d": make_fsc()})))


def test_a_place_without_marks_stays_blank():
    x = np.linspace(0, 1, 5)
    drawn = Panel((Curve(x, x, "a", "line"),), x_limits=(0.0, 1.0), y_limits=(0.0, 1.0))
    figure = render(Sheet((Row((drawn, Panel((), "nothing")), 2.0),), "Two"))
    assert [axes.axison for axes in figure.axes] == [True, False]


def test_drawing_leaves_matplotlib_as_it_was(make_fsc):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.draw(make_fsc())
    assert dict(matplotlib.rcParams) == before


def test_every_mark_has_a_place_in_the_key():
    x = np.linspace(0, 1, 5)
    marks = (Curve(x, x, "a", "line"), Points(x, x, "b", "dots"), Band(0.2, 0.4, "c", "band", hatch="//"))
    panel = Panel(marks, x_label="x", y_label="y", x_limits=(0.0, 1.0), y_limits=(0.0, 1.0))
    figure = render(Sheet((Row((panel,), 2.0, "right"),), "All marks"))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["line", "dots", "band"]


def test_words_are_never_read_as_formulas():
    curve = Curve(np.arange(3.0), np.arange(3.0), "a", r"run$\frac$ of $5", "#000000")
    panel = Panel((curve,), r"$x^", "", "x", r"$\nonsense$", (0.0, 2.0), (0.1, 10.0), "", "log")
    figure = render(Sheet((Row((panel,), 2.0, "right"),), "$a$ and $b", "", "", "words"))
    figure.canvas.draw()
    said = visible_words(figure)
    assert any(curve.label in words.get_text() for words, _ in said)
    numbers = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert {"10⁻¹", "10⁰"} <= set(numbers)
