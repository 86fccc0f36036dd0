"""Every tab, from the session to marks, without a browser."""

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
from legible import check_legible
from small_sessions import bare, kept, particles, refined, session_of

import cryonb as cn
from cryonb import diagnostics, plots
from cryonb.errors import InputError
from cryonb.history import history
from cryonb.plots.marks import Area, Curve, Image, Line, Panel
from cryonb.plots.tables import Table
from cryonb.widgets.held import Held
from cryonb.widgets.session import Session
from cryonb.widgets.tabs import tab_of, tabs

OWN = ("made_of", "fsc", "maps", "surfaces", "difference")
LAST = ("classes", "history", "record")


def pair():
    return kept("own box"), kept("larger", box_size=32, pad_factor=1.0)


def test_tabs_stand_in_their_order_and_each_diagnostic_has_one():
    names = [tab.name for tab in tabs()]
    assert tuple(names[:5]) == OWN and tuple(names[-3:]) == LAST
    shown = set(names) | {name for tab in tabs() for name in tab.covers}
    assert set(diagnostics.names()) <= shown
    assert len(set(names)) == len(names)
    assert {tab.pane for tab in tabs()} == {"figure", "tiles", "surfaces"}
    for tab in tabs():
        assert set(tab.watches) | set(tab.controls) <= set(Session.class_trait_names())


def test_a_new_diagnostic_has_a_tab_without_a_line_changed(tmp_path):
    plug = (
        "from cryonb.knobs import Config\n"
        "class Planted:\n"
        "    name, title, accepts, options = 'planted', 'Planted today', ('cryonb/volume',), Config\n"
        "    def compute(self, dataset, options, config, mask, progress): return dataset\n"
        "DIAGNOSTIC = Planted()\n"
    )
    (tmp_path / "planted.py").write_text(plug)
    code = (
        "import sys, cryonb.diagnostics as room\n"
        f"room.__path__.append({str(tmp_path)!r})\n"
        "from cryonb.widgets.tabs import tabs\n"
        "from cryonb.widgets.session import Session\n"
        "session = Session()\n"
        "[(tab.sheet(session), tab.empty(session), tab.wants(session)) for tab in tabs()]\n"
        "print({tab.name: tab.title for tab in tabs()}['planted'])\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'ipywidgets', 'anywidget', 'nglview', 'IPython'}))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert said[:2] == ["Planted today", "[]"]


def test_without_anything_open_every_tab_says_what_to_do():
    session = Session()
    for tab in tabs():
        assert tab.sheet(session) is None and tab.wants(session) == ""
        assert "open particles" in tab.empty(session)
    session.close()


def test_decompositions_stand_side_by_side_with_their_verdicts():
    first, second = pair()
    with session_of(first, second) as session:
        tab = tab_of("made_of")
        sheet = tab.sheet(session)
        assert [panel.title for panel in sheet.panels()] == ["own box", "larger"]
        assert all(panel.of(Area) for panel in sheet.panels())
        verdict = first.judgements["decomposition dithers=1 surrogates=0"].attrs["verdict"]
        assert "own box: " in sheet.headline and verdict[:30] in sheet.headline
        assert tab.empty(session) == "" and tab.wants(session) == "" and tab.options == "decomposition"
        session.shown = ("larger",)
        assert tab.sheet(session).title.endswith(": larger")


def test_what_was_not_taken_apart_offers_to_be_and_names_the_cost():
    first, second = pair()
    with session_of(first) as session:
        session.put("decomposition.dithers", 2)
        tab = tab_of("made_of")
        assert tab.sheet(session) is None and tab.wants(session) == ""
        assert "Press Compute" in tab.empty(session) and "one took 2 s here" in tab.empty(session).replace("3 s", "2 s")
        session.clear("decomposition.dithers")
        session.put("decomposition.dithers", 1)
        session.hold(Held("bare", second.dataset, particles(), verb="reconstruct"), show=True)
        assert "Without this judgement: bare." in tab.sheet(session).caption
        session.hold(Held("bare", second.dataset), show=True)
        session.shown = ("bare",)
        assert "Open the particles" in tab.empty(session)


def test_curves_of_all_runs_lie_over_each_other_with_all_their_limits():
    first, second = pair()
    with session_of(first, second) as session:
        tab = tab_of("fsc")
        sheet = tab.sheet(session)
        (curve,) = sheet.of(Curve, "larger")
        np.testing.assert_array_equal(curve.y, second.judgements["fsc"]["fsc"].sel(fsc_kind="raw").values)
        limits = {line.name for line in sheet.of(Line)}
        assert {"particle_nyquist", "grid_nyquist", "0.143", "0.5"} <= limits
        assert {round(line.at, 4) for line in sheet.of(Line) if line.axis == "x"} >= {round(1 / 9, 4), round(1 / 18, 4)}
        assert tab.wants(session) == ""
        session.hold(Held("bare", second.dataset, verb="reconstruct"), show=True)
        assert tab.wants(session) == "fsc"
        np.testing.assert_allclose(
            tab.sheet(session).of(Curve, "bare")[0].y, second.dataset["fsc_unmasked"].where(curve.y == curve.y).values
        )


def test_under_a_mask_the_masked_and_the_corrected_curve_are_there_too():
    with session_of(kept("masked", masked=True)) as session:
        names = {curve.name for curve in tab_of("fsc").sheet(session).of(Curve)}
    assert {"masked", "masked, raw", "masked, masked"} <= names


def test_the_curve_of_a_chosen_iteration_and_of_a_run_that_goes_on():
    held = refined()
    with session_of(held, iteration=1) as session:
        tab = tab_of("fsc")
        (curve,) = tab.sheet(session).of(Curve, "refined")
        early = held.iterations[0]["fsc_unmasked"].values
        np.testing.assert_allclose(curve.y[np.isfinite(curve.y)], early[np.isfinite(curve.y)])
        session.iteration = -1
        running = Held("now", None, particles(), None, held.config, "refine", held.iterations[:1], status="running")
        session.hold(running)
        (live,) = tab.sheet(session).of(Curve, "now")
        np.testing.assert_allclose(live.y[np.isfinite(live.y)], early[np.isfinite(live.y)])


def test_a_judged_refinement_still_says_what_it_claims():
    held = refined()
    with session_of(held.judged("fsc", cn.diagnose(held.dataset, "fsc"))) as session:
        sheet = tab_of("fsc").sheet(session)
    assert "refined: Recipe homogeneous" in sheet.headline and not sheet.of(Line, "alignment_limit")


def test_maps_are_linked_and_share_a_grey_scale():
    first, second = pair()
    with session_of(first, second, plane="y", place=18.0, contrast=2.0) as session:
        tab = tab_of("maps")
        images = tab.sheet(session).of(Image)
        for mark, held, voxel in zip(images, (first, second), (9.0, 4.5)):
            index = held.dataset.sizes["y"] // 2 + round(18.0 / voxel)
            mean = held.dataset["half_map"].values.mean(axis=0)
            np.testing.assert_allclose(mark.array, mean[:, index], rtol=1e-6)
        assert len({(mark.low, mark.high) for mark in images}) == 1
        session.seen = "projection"
        projection = tab.sheet(session).of(Image)[1].array
        np.testing.assert_allclose(projection, 4.5 * mean.sum(axis=1), rtol=1e-4, atol=1e-5)
        assert tab.empty(session) == "" and tab_of("surfaces").empty(session) == ""


def test_the_difference_of_two_maps_follows_the_slice_and_is_made_once(monkeypatch):
    first, second = pair()
    count, made = [], cn.difference
    monkeypatch.setattr("cryonb.maps.difference", lambda *maps: count.append(1) or made(*maps))
    with session_of(first, second, place=9.0) as session:
        tab = tab_of("difference")
        change = made(first.dataset, second.dataset)["density"].values
        np.testing.assert_allclose(tab.sheet(session).of(Image)[2].array, change[9], rtol=1e-5, atol=1e-7)
        session.place = 0.0
        np.testing.assert_allclose(tab.sheet(session).of(Image)[2].array, change[8], rtol=1e-5, atol=1e-7)
        assert len(count) == 1
        rms = np.sqrt(np.mean(np.square(change, dtype=float)))
        assert f"{rms:.3g}" in [*tab.sheet(session).panels()][2].note
        session.shown = ("own box",)
        assert tab.sheet(session) is None and "two maps" in tab.empty(session)


def test_maps_that_cannot_be_compared_say_so():
    other = cn.filtered_half_maps(box_size=16, voxel_size=4.0, lowpass=12.0)
    with session_of(kept("own box"), Held("other", other)) as session:
        tab = tab_of("difference")
        assert tab.sheet(session) is None and "same field of view" in tab.empty(session)


def test_nothing_holds_on_to_a_closed_session():
    first, second = pair()
    with session_of(first, second) as session:
        assert tab_of("difference").sheet(session) is not None
        gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None


def test_a_difference_goes_with_its_runs_also_while_the_session_is_held():
    session, volume = Session(), cn.phantom("helices", box_size=16, pixel_size=9.0)
    for label in ("one", "other"):
        session.hold(Held(label, volume.copy()), show=True)
    assert tab_of("difference").sheet(session) is not None
    gone = weakref.ref(session.runs["one"].dataset)
    session.close()
    gc.collect()
    assert gone() is None


def test_large_maps_are_judged_when_somebody_asks_for_it(monkeypatch):
    with session_of(bare("own box")) as session:
        tab = tab_of("guinier")
        assert tab.wants(session) == "guinier"
        monkeypatch.setattr("cryonb.widgets.tabs.diagnostic.LARGEST", 15)
        assert tab.wants(session) == "" and "16 voxels" in tab.empty(session) and "Compute" in tab.empty(session)


def test_a_quick_diagnostic_is_wanted_then_shown_for_each_run():
    first, second = pair()
    with session_of(first, second, tab="guinier") as session:
        tab = tab_of("guinier")
        assert tab.sheet(session) is None and tab.wants(session) == "guinier" and tab.empty(session)
        session.judge("guinier")
        session.finish()
        titles = [panel.title for panel in tab.sheet(session).panels()]
        assert any("own box" in title for title in titles) and any("larger" in title for title in titles)
        assert tab.wants(session) == "" and tab.empty(session) == ""
        session.error = "It failed."
        session.hold(Held("bare", second.dataset), show=True)
        assert tab.wants(session) == ""


def test_classes_histories_and_records_of_runs():
    first, classed = refined(), refined("two classes", classes=2)
    with session_of(first, classed) as session:
        (table,) = tab_of("classes").sheet(session).of(Table)
        assert [row[:2] for row in table.rows] == [("two classes", "1"), ("", "2")]
        assert sum(int(row[4]) for row in table.rows) == 60
        told = tab_of("history").sheet(session)
        expected = history(classed.iterations)["alignment_limit"].values
        assert "refined: 2 iterations" in told.headline and "two classes: 2 iterations" in told.description
        np.testing.assert_array_equal(told.rows[0].panels[1].of(Curve, "alignment_limit")[0].y, expected)
        settings, facts = tab_of("record").sheet(session).of(Table)
        differing = {row[1] for row in settings.rows if row[0]}
        assert {"refine.recipe", "refine.n_classes [class]"} <= differing and "box.pad_factor" not in differing
        lines = {row[1]: row[2:] for row in facts.rows}
        assert (
            lines["time [s]"] == ("4.0", "4.0") and lines["digest of the result"][0] != lines["digest of the result"][1]
        )
        assert "numba" in lines["machine"][0]
        session.shown = ("refined",)
        assert tab_of("classes").sheet(session) is None and "no run" in tab_of("classes").empty(session).lower()
        assert [*tab_of("history").sheet(session).panels()][0].of(Curve, "alignment_limit")
    with session_of(kept("own box")) as session:
        assert "iterations" in tab_of("history").empty(session)
        names = [row[0] for row in tab_of("record").sheet(session).of(Table)[0].rows]
        assert "refine.max_resolution [Å]" in names and "refine.recipe" not in names and "mask.radius [Å]" not in names


def test_every_sheet_can_be_drawn_and_has_words():
    first, second = pair()
    with session_of(first, second) as session:
        for tab in tabs():
            sheet = tab.sheet(session)
            assert (sheet is None) != (tab.empty(session) == "") or tab.pane == "surfaces"
            if sheet is not None:
                assert sheet.description and any(isinstance(panel, Panel) for panel in sheet.panels())
            if tab.name in ("difference", "record"):
                check_legible(plots.render(sheet))


def test_an_unknown_tab_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'history'"):
        tab_of("histroy")
