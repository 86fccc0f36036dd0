"""Surfaces without a browser: at which levels they can be drawn, what is sent, and what only when it changes."""

import re

import numpy as np
import pytest
import traitlets

from cryonb.maps import volume_of
from cryonb.schema import HALVES, REFINEMENT, build, grid_coordinates, shell_coordinates
from cryonb.widgets import levels as levels_file
from cryonb.widgets.held import Held
from cryonb.widgets.levels import MOST_INSIDE, MOST_VERTICES, levels_of
from cryonb.widgets.panes.surfaces import SurfacesPane, colour_of
from cryonb.widgets.scene import LARGEST, Scene, Surface
from cryonb.widgets.tabs.surfaces import SurfacesTab
from cryonb.widgets.view_state import ViewState

SCRIPT = Scene._esm


def ball(size: int = 32, radius: float = 8.0, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    axes = np.ix_(*[np.arange(size) - size // 2] * 3)
    density = np.exp(-sum(axis**2 for axis in axes) / (0.5 * radius**2))
    density = density + noise * np.random.default_rng(seed).standard_normal((size,) * 3)
    return density.astype(np.float32)


def corners(density: np.ndarray, level: float) -> int:
    """Count edges between neighbours that a level cuts, one axis after another."""
    inside = density >= level
    return int(sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in range(3)))


# Levels


@pytest.mark.parametrize("density", [ball(), ball(noise=0.2), 5.0 - 3.0 * ball(noise=1.0), 1e6 * ball(), 1e-9 * ball()])
def test_levels_stand_in_order_within_the_map(density):
    found = levels_of(density)
    assert density.min() < found.lowest <= found.first <= found.highest <= density.max()
    assert found.step > 0
    assert np.mean(density >= found.lowest) <= MOST_INSIDE


def test_the_lowest_level_of_noise_can_be_drawn(monkeypatch):
    noise = np.random.default_rng(0).standard_normal((48,) * 3).astype(np.float32)
    free = levels_of(noise)
    assert corners(noise, free.lowest) <= MOST_VERTICES
    monkeypatch.setattr(levels_file, "MOST_VERTICES", 5_000)
    tight = levels_of(noise)
    assert tight.lowest > free.lowest and tight.first >= tight.lowest
    assert 4_000 < corners(noise, tight.lowest) <= 5_000


def test_the_first_level_stands_three_deviations_above_the_solvent():
    small = ball(48, radius=3.0, noise=0.1) + np.float32(10.0)
    assert levels_of(small).first == pytest.approx(np.median(small) + 3.0 * small.std(), abs=0.01)


def test_a_hot_voxel_does_not_stretch_the_levels():
    hot = ball()
    hot[0, 0, 0] = 1e6
    assert levels_of(hot).highest <= 1.0


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_a_constant_map_has_no_level(value):
    assert levels_of(np.full((16,) * 3, value, np.float32)) is None


def test_a_background_shifts_the_levels_and_changes_nothing_else():
    plain, shifted = levels_of(ball(noise=0.05)), levels_of(ball(noise=0.05) + 10.0)
    assert shifted.first - 10.0 == pytest.approx(plain.first, abs=0.01)
    assert shifted.sigma == pytest.approx(plain.sigma, rel=1e-4)


# One map


def test_integers_hold_the_density():
    density = ball(noise=0.02) + 100.0
    made = Surface.of(volume_of(density, 2.0), "a", "#000000")
    assert made.integers.dtype == np.dtype("<i2")
    back = made.offset + made.scale * made.integers
    assert float(np.abs(back - density).max()) <= 0.51 * made.scale + 1e-5
    assert made.scale < 1e-4


def test_a_large_map_is_binned_and_says_so():
    large = volume_of(ball(LARGEST + 12, 30.0), 1.0)
    made = Surface.of(large, "a", "#000000")
    assert made.integers.nbytes == 2 * LARGEST**3 < 5e6
    assert made.note == "Shown binned to 128 voxels of 1.09 Å; the map has 140 of 1 Å."
    assert made.described["size"] == "128 voxels of 1.09 Å"


def test_voxels_without_a_number_are_drawn_as_nothing_and_said():
    density = ball()
    density[3, 4, 5:8] = np.nan
    density[1, 1, 1] = np.inf
    assert Surface.of(volume_of(density, 2.0), "a", "#000000").note == "4 voxels hold no number and are drawn as 0."


def test_a_map_without_a_surface_says_so_instead():
    made = Surface.of(volume_of(np.zeros((16,) * 3, np.float32), 2.0), "a", "#000000")
    assert made.described["problem"] == "This map is the same nearly everywhere, so that it has no surface."
    assert made.integers.nbytes == 0


def test_corners_are_left_out_of_a_rounded_map():
    density = ball()
    density[:4, :4, :4] = 50.0
    volume = volume_of(density, 2.0)
    whole, rounded = (Surface.of(volume, "a", "#000000", rounded) for rounded in (False, True))
    assert whole.levels.highest == 50.0
    assert rounded.levels.highest <= 1.0
    assert rounded.radius < whole.radius
    assert rounded.note == "Only the sphere inside the box is drawn."


def test_the_radius_holds_the_surface():
    made = Surface.of(volume_of(ball(48, 10.0), 2.0), "a", "#000000")
    reach = 2.0 * 10.0 * np.sqrt(0.5 * np.log(1.0 / made.levels.first))
    assert reach < made.radius < 1.3 * reach


# The widget


@pytest.fixture
def scene(monkeypatch):
    sent = []

    def keep(_self, key=None):
        sent.append({key} if isinstance(key, str) else set(key or ()))

    made = Scene()
    monkeypatch.setattr(Scene, "send_state", keep)
    yield made, sent
    monkeypatch.undo()
    made.close()


def surface(label: str, size: int = 16) -> Surface:
    return Surface.of(volume_of(ball(size, size / 5), 2.0), label, "#0072B2")


def test_only_what_changed_is_sent(scene):
    made, sent = scene
    one, other, third = surface("one"), surface("other"), surface("third", 20)
    made.show([one, other])
    made.show([one, other])
    made.levels = {"one": 0.4}
    made.show([other, one])
    made.show([other, third])
    made.show([other])
    assert [names for names in sent if names] == [
        {"map_0", "map_1", "views"},
        {"levels"},
        {"views"},
        {"map_0", "views"},
        {"map_0", "views"},
    ]
    assert [(facts["label"], facts["slot"]) for facts in made.views] == [("other", 1)]
    assert (made.map_0, len(made.map_1)) == (b"", 2 * 16**3)


def test_a_slot_that_is_used_again_holds_another_edition(scene):
    made, _ = scene
    made.show([surface("one")])
    before = made.views[0]
    made.show([surface("one")])
    assert (made.views[0]["slot"], before["slot"]) == (0, 0)
    assert made.views[0]["edition"] != before["edition"]


def test_no_more_than_four_are_shown(scene):
    made, _ = scene
    made.show([surface(str(number)) for number in range(6)])
    assert [facts["slot"] for facts in made.views] == [0, 1, 2, 3]


def test_the_script_reads_what_is_described_and_nothing_else():
    described = {*surface("one").described, "slot", "edition"}
    read = set(re.findall(r"\bfacts\.(\w+)", SCRIPT))
    unpacked = re.search(r"const \{ ([^}]*) \} = this\.facts", SCRIPT).group(1)
    read |= {part.split(":")[0].strip() for part in unpacked.split(",")}
    assert read == described


def test_the_script_reads_traits_that_there_are():
    names = set(re.findall(r"model\.[gs]et\(\"(\w+)\"", SCRIPT)) | set(re.findall(r"\"change:(\w+)\"", SCRIPT))
    assert names
    assert names <= set(Scene.class_trait_names(sync=True))


# The pane


class Screen(traitlets.HasTraits):
    theme = traitlets.Unicode("light")


def run(seed: int, classes: int = 0):
    halves = np.stack([ball(16, 4.0, 0.02, seed), ball(16, 4.0, 0.02, seed + 1)])
    halves = np.stack([halves, 2 * halves]) if classes else halves
    weight = np.ones((*halves.shape[: halves.ndim - 3], 9))
    coords = {**grid_coordinates(16, 3.0), **shell_coordinates(16, 3.0), "half": list(HALVES), "voxel_size": 3.0}
    coords |= {"class_id": [1, 2]} if classes else {}
    return build(REFINEMENT, {"half_map": halves, "insertion_weight": weight}, coords)


@pytest.fixture
def pane():
    session, screen = ViewState(), Screen()
    session.hold(Held("one", run(0)), show=True)
    session.hold(Held("two", run(2)), show=True)
    made = SurfacesPane(SurfacesTab(), session, screen)
    made.refresh()
    yield made
    made.close()


def test_every_run_in_view_has_a_surface_in_the_colour_of_its_place(pane):
    assert [(facts["label"], facts["colour"]) for facts in pane.widget.views] == [
        ("one", colour_of(0)),
        ("two", colour_of(1)),
    ]
    assert "sphere" in pane.widget.views[0]["note"]


def test_a_run_that_changed_is_sent_alone(pane):
    before = {facts["label"]: facts["edition"] for facts in pane.widget.views}
    pane.session.hold(Held("two", run(4)))
    pane.refresh()
    after = {facts["label"]: facts["edition"] for facts in pane.widget.views}
    assert before["one"] == after["one"]
    assert before["two"] != after["two"]


def test_runs_that_change_places_change_colours_and_nothing_is_sent_again(pane):
    before = {facts["label"]: (facts["slot"], facts["edition"]) for facts in pane.widget.views}
    pane.session.shown = ("two", "one")
    pane.refresh()
    assert [(facts["label"], facts["colour"]) for facts in pane.widget.views] == [
        ("two", colour_of(0)),
        ("one", colour_of(1)),
    ]
    assert {facts["label"]: (facts["slot"], facts["edition"]) for facts in pane.widget.views} == before


def test_another_class_is_another_surface(pane):
    pane.session.hold(Held("classes", run(0, classes=2)), show=True)
    pane.refresh()
    first = pane.widget.views[2]
    pane.session.class_id = 2
    pane.refresh()
    assert pane.widget.views[2]["highest"] == pytest.approx(2 * first["highest"], rel=1e-3)


def test_a_run_with_fewer_classes_shows_its_last_beside_others(pane):
    pane.session.hold(Held("classes", run(0, classes=2)), show=True)
    pane.session.class_id = 2
    pane.refresh()
    last = pane.widget.views[2]["highest"]
    pane.session.class_id = 3
    pane.refresh()
    assert pane.widget.words == "" and [facts["highest"] for facts in pane.widget.views][2:] == [last]


def test_levels_go_both_ways_and_stay_with_the_session(pane):
    pane.widget.levels = {"one": 0.3}
    assert pane.session.levels == {"one": 0.3}
    pane.session.levels = {"one": 0.3, "two": 0.5}
    assert pane.widget.levels == {"one": 0.3, "two": 0.5}


def test_the_theme_follows_the_screen(pane):
    pane.screen.theme = "dark"
    assert pane.widget.theme == "dark"


def test_a_closed_pane_holds_nothing_and_hears_nothing(pane):
    pane.close()
    pane.session.levels = {"one": 0.3}
    pane.screen.theme = "dark"
    assert (pane.widget.views, pane.widget.map_0, pane.widget.map_1) == ([], b"", b"")
    assert (pane.widget.levels, pane.widget.theme) == ({}, "light")


def test_without_a_map_it_says_why(pane):
    assert pane.widget.words == ""
    pane.session.shown = ()
    pane.refresh()
    assert pane.widget.views == []
    assert pane.widget.words == pane.tab.empty(pane.session) != ""


def test_runs_without_a_map_are_passed_over_and_colours_stay(pane):
    curve = run(0).drop_dims("z")
    pane.session.hold(Held("one", curve))
    pane.refresh()
    assert [(facts["label"], facts["colour"]) for facts in pane.widget.views] == [("two", colour_of(1))]


def test_what_goes_wrong_is_said_and_mended(pane, monkeypatch):
    def fail(*_):
        raise MemoryError("no room for the map")

    monkeypatch.setattr("cryonb.widgets.panes.surfaces.shown_map", fail)
    pane.session.hold(Held("one", run(6)))
    pane.refresh()
    assert pane.widget.words == "That did not work: no room for the map (MemoryError)."
    monkeypatch.undo()
    pane.refresh()
    assert (pane.widget.words, len(pane.widget.views)) == ("", 2)
