"""The app as a person uses it, without a browser: press, wait, look."""

import asyncio
import gc
import threading
import time
import warnings
import weakref
from functools import cache

import ipywidgets
import numpy as np
import pytest
from ipywidgets.widgets import widget as registry

import cryonb as cn
from cryonb import diagnostics, plots
from cryonb.errors import InputError
from cryonb.widgets import app as page
from cryonb.widgets.held import Held
from cryonb.widgets.tab_view import TabView

QUICK = {"decomposition.dithers": 1, "decomposition.surrogates": 0}


@cache
def particles():
    return cn.simulate("helices", n_particles=60, box_size=32, pixel_size=4.5, snr=5.0, binning=2.0, seed=1)


@pytest.fixture
def made(tmp_path, request):
    """A function that makes a dashboard, which is closed after the test."""
    found = []

    def make(source=None, **settings):
        found.append(cn.dashboard(source, root=tmp_path, compute=dict(threads=2), **settings))
        for path, value in QUICK.items():
            found[-1].session.put(path, value)
        found[-1].session.take_apart = False
        return found[-1]

    warnings.simplefilter("ignore")
    yield make
    for one in found:
        one.close()


@pytest.fixture
def app(made):
    return made(particles())


def press(button):
    assert not button.disabled, f"{button.description} cannot be pressed"
    button.click()


def is_seen(widget):
    return widget.layout.display != "none"


def words(widget):
    """All the words of a widget and of what is in it."""
    inner = [words(child) for child in getattr(widget, "children", ()) if is_seen(child)]
    own = [getattr(widget, name, "") for name in ("value", "description")]
    return " ".join([*(word for word in own if isinstance(word, str)), *inner])


def run(app, seconds=60.0):
    press(app.run_bar.run)
    app.session.finish(seconds)
    assert not app.session.error, app.session.details


def test_from_particles_to_a_verdict(app):
    app.run_bar.take_apart.value = True
    assert not is_seen(app.start_page.widget) and not is_seen(app.tabs.widget)
    assert "No run yet" in words(app.verdicts.widget)
    assert "60 particles" in words(app.header.widget) and "insertions" in words(app.run_bar.widget)
    assert app.run_bar.cancel.disabled and app.run_bar.resume.disabled
    press(app.run_bar.run)
    assert app.run_bar.run.disabled and not app.run_bar.cancel.disabled
    assert "being made" in words(app.verdicts.widget) and is_seen(app.run_bar.progress.bar)
    app.session.finish()
    (label,) = app.session.runs
    verdict = plots.verdict_lines(app.session.judgement(label, "decomposition"))[0].replace(" A", " Å")
    assert verdict in words(app.verdicts.widget) and "from the data" in words(app.verdicts.widget)
    assert is_seen(app.tabs.widget) and " s " in words(app.runs.widget)
    assert not app.run_bar.run.disabled and app.run_bar.cancel.disabled


def test_what_the_curve_is_made_of_comes_into_view_when_it_is_found(app):
    app.run_bar.take_apart.value = True
    run(app)
    assert app.session.tab == "made_of" and app.tabs.view.pane is not None
    app.tabs.names.value = "fsc"
    app.session.finish()
    run(app)
    assert app.session.tab == "fsc" and len(app.session.runs) == 2  # it was chosen


def test_a_tab_that_was_chosen_stays(app):
    run(app)
    app.tabs.names.value = "maps"
    app.tabs.names.value = "fsc"
    app.run_bar.take_apart.value = True
    app.session.finish()
    run(app)
    assert app.session.tab == "fsc"


def test_a_tab_is_made_when_it_is_looked_at_and_drawn_again_only_then(app):
    run(app)
    assert app.session.tab == "fsc" and app.tabs.view.pane is not None
    others = [view for name, view in app.tabs.views.items() if name != "fsc"]
    assert all(view.pane is None and not is_seen(view.widget) for view in others)
    app.tabs.names.value = "maps"
    maps, drawn = app.tabs.view, []
    assert app.session.tab == "maps" and is_seen(maps.widget) and not is_seen(app.tabs.views["fsc"].widget)
    refresh = maps.pane.refresh
    maps.pane.refresh = lambda: (drawn.append(app.session.place), refresh())
    app.session.place = 9.0
    assert drawn == [9.0]
    app.session.tab = "fsc"
    app.session.place = 18.0
    assert drawn == [9.0] and maps.is_stale
    app.session.tab = "maps"
    assert drawn == [9.0, 18.0] and not maps.is_stale


def test_every_tab_can_be_looked_at_and_every_diagnostic_has_one(app):
    run(app)
    names = list(app.tabs.views)
    assert names[:5] == ["made_of", "fsc", "maps", "surfaces", "difference"] and names[-1] == "record"
    covered = {name for view in app.tabs.views.values() for name in (view.tab.options, *view.tab.covers)}
    assert set(diagnostics.names()) <= covered
    app.session.put("local_resolution.window_diameter", 60.0)
    for name in names:
        app.session.tab = name
        app.session.finish()
        assert app.tabs.view.tab.name == name and app.tabs.view.pane is not None and not app.tabs.view.is_stale
        assert not app.session.error, app.session.details


def test_a_tab_asks_for_its_judgement_once_and_again_by_its_button(app, monkeypatch):
    run(app)
    asked, judge = [], app.session.judge
    monkeypatch.setattr(app.session, "judge", lambda name: (asked.append(name), judge(name)))
    app.session.tab = "guinier"
    app.session.finish()
    (label,) = app.session.runs
    assert asked == ["guinier"] and app.session.judgement(label, "guinier") is not None
    view = app.tabs.view
    assert view.compute.disabled
    app.session.put("guinier.fit_coarse", 40.0)
    assert asked == ["guinier"] and not view.compute.disabled
    press(view.compute)
    app.session.finish()
    assert asked == ["guinier", "guinier"] and view.compute.disabled


def test_a_run_that_is_made_again_under_its_old_name_is_judged_too(app):
    run(app)
    (label,) = app.session.runs
    app.session.tab = "guinier"
    app.session.finish()
    press(app.runs.rows[label].drop)
    run(app)
    assert list(app.session.runs) == [label]
    app.session.finish()
    assert app.session.judgement(label, "guinier") is not None


def test_a_judgement_that_was_cancelled_is_not_started_again(app, monkeypatch):
    run(app)
    asked = []
    monkeypatch.setattr(app.session, "judge", asked.append)
    app.session.tab = "guinier"
    app.session.state = "running"
    app.session.state = "idle"
    assert asked == ["guinier"]


def test_a_judgement_that_cannot_be_made_is_a_sentence_and_the_app_goes_on(app):
    run(app)
    app.session.put("local_resolution.window_diameter", 1000.0)
    app.session.tab = "local_resolution"
    app.session.finish()
    assert is_seen(app.error.widget) and "window_diameter must lie between" in words(app.error.widget)
    assert "<details>" in words(app.error.widget) and "Traceback" in words(app.error.widget)
    app.session.step()
    assert app.session.state == "idle"
    press(app.error.widget.children[1])
    assert not is_seen(app.error.widget)
    app.session.tab = "guinier"
    app.session.finish()
    assert not app.session.error and app.session.judgement(next(iter(app.session.runs)), "guinier") is not None


def test_what_goes_wrong_in_a_click_is_a_sentence_and_is_escaped(app):
    def fail():
        raise ValueError("<b>bad</b> luck")

    app.run_bar.attempt(fail)()
    assert "&lt;b&gt;bad&lt;/b&gt; luck (ValueError)" in words(app.error.widget)
    press(app.header.buttons["Open"])
    assert app.drawer.title == "Open"


def test_cancelling_takes_less_than_a_second_and_another_run_can_follow(app):
    run(app)
    app.session.take_apart = True
    app.session.put("decomposition.dithers", 60)
    app.session.put("box.box_size", 64)
    app.session.tab = "record"
    press(app.run_bar.run)
    app.session.step(0.3)
    began = time.monotonic()
    press(app.run_bar.cancel)
    assert "stopping" in words(app.run_bar.widget)
    app.session.finish()
    assert time.monotonic() - began < 3.0
    assert "cancelled" in words(app.run_bar.widget) and not is_seen(app.error.widget)
    app.session.take_apart = False
    app.session.put("box.box_size", 0)
    run(app)


def test_runs_are_ticked_renamed_and_removed(app):
    run(app)
    app.session.put("box.box_size", 24)
    run(app)
    first, second = app.session.runs
    rows = app.runs.rows
    assert [row.widget for row in rows.values()] == list(app.runs.widget.children) and rows[first].box.value
    rows[first].box.value = False
    assert app.session.shown == (second,)
    rows[first].box.value = True
    assert app.session.shown == (second, first)
    assert words(app.verdicts.widget).count("not taken apart yet") == 2
    press(rows[second].rename)
    rows[second].name.value = "finer"
    assert list(app.session.runs) == [first, "finer"] and app.session.shown == ("finer", first)
    assert "finer" in words(app.runs.widget) and second not in app.runs.rows
    press(app.runs.rows["finer"].rename)
    app.runs.rows["finer"].name.value = first
    assert "names of runs must differ" in words(app.error.widget)
    app.session.dismiss()
    press(app.runs.rows["finer"].drop)
    assert list(app.session.runs) == [first] and len(app.runs.widget.children) == 1


def test_a_fault_is_said_beside_the_plan_and_nothing_can_start(app):
    app.session.put("box.box_size", 3)
    assert "Cannot start" in words(app.run_bar.widget) and app.run_bar.run.disabled
    app.session.clear("box.box_size")
    assert "Cannot start" not in words(app.run_bar.widget) and not app.run_bar.run.disabled


def test_a_page_without_anything_offers_three_ways(made, monkeypatch):
    empty = made()
    assert is_seen(empty.start_page.widget) and not is_seen(empty._body)
    assert empty.header.buttons["Save session"].disabled and not empty.header.buttons["Open"].disabled
    demo, files, saved = empty.start_page.buttons
    press(saved)
    assert empty.drawer.title == "Open" and is_seen(empty.drawer.widget)
    press(files)
    assert empty.drawer.title == "Open"
    monkeypatch.setattr("cryonb.widgets.orders.demo_particles", lambda progress: particles())
    press(demo)
    assert demo.disabled
    empty.session.finish()
    assert not is_seen(empty.start_page.widget) and is_seen(empty._body) and empty.session.origin == {"demo": 0}


def test_files_are_chosen_in_the_dialog(made, tmp_path):
    (tmp_path / "inner").mkdir()
    cn.write_star(particles(), tmp_path / "inner" / "some.star")
    empty = made()
    press(empty.header.buttons["Open"])
    dialog = empty.drawer.panels["Open"]
    assert [entry.name for entry in dialog._entries] == ["inner"] and dialog.open.disabled and dialog.up.disabled
    dialog.list.value = (0,)
    assert dialog.start.disabled
    press(dialog.open)
    assert not dialog.up.disabled and "inner" in words(dialog.widget)
    names = [entry.name for entry in dialog._entries]
    dialog.filter.value = "STAR"
    assert [entry.name for entry in dialog._entries] == ["some.star"] and len(names) == 2
    dialog.list.value = (0,)
    press(dialog.open)
    assert not is_seen(empty.drawer.widget)
    empty.session.finish()
    assert empty.session.particles.sizes["particle"] == 60 and not empty.session.error


def test_half_maps_and_starting_maps_come_from_the_dialog(made, tmp_path):
    volume = cn.phantom("helices", box_size=16, pixel_size=9.0)
    for number in (1, 2):
        cn.write_map(volume["density"], tmp_path / f"run_half{number}.mrc")
    app = made(particles())
    app.run_bar.verb.value = "refine"
    assert app.session.verb == "refine"
    app._choose()
    dialog = app.drawer.panels["Open"]
    assert [entry.kind for entry in dialog._entries] == ["half maps", "map", "map"]
    dialog.list.value = (1,)
    press(dialog.start)
    assert len(app.session.references) == 1 and "Starting maps: 1" in words(app.run_bar.widget)
    press(app.header.buttons["Open"])
    dialog.list.value = (1, 2)
    press(dialog.open)
    assert list(app.session.runs) == ["half maps run_half1"]
    held = app.session.runs["half maps run_half1"]
    assert held.dataset.sizes["half"] == 2 and "no particles" in words(app.verdicts.widget)
    assert "opened" in words(app.runs.widget)
    app.session.finish()
    app.session.dismiss()
    press(app.header.buttons["Open"])
    dialog.list.value = (0, 1)
    press(dialog.open)
    assert "one entry, or two half maps, must be chosen" in words(app.error.widget)


def test_a_session_is_saved_and_opened_again(app, made, tmp_path):
    app.session.take_apart = True
    run(app)
    press(app.header.buttons["Save session"])
    app.drawer.panels["Save session"].name.value = "kept"
    press(app.drawer.panels["Save session"].save)
    assert "Saved as <b>kept.zarr</b>" in words(app.drawer.widget) and not app.session.error
    other = made(tmp_path / "kept.zarr")
    other.session.finish()
    assert not other.session.error and list(other.session.runs) == list(app.session.runs)
    assert other.verdicts._lines[0][2] == app.verdicts._lines[0][2]


def test_figure_maps_and_cell_are_exported(app, tmp_path):
    run(app)
    app.session.dismiss()
    press(app.header.buttons["Export"])
    panel = app.drawer.panels["Export"]
    assert panel.figure.value == "fsc" and "cryonb" in panel.cell.value
    compile(panel.cell.value, "cell", "exec")
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        press(panel.formats[suffix])
        assert (tmp_path / f"fsc{suffix}").read_bytes().startswith(start)
        assert "Download" in words(panel.widget)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "of another.txt").write_text("")
    press(panel.write_maps)
    assert list((tmp_path / "maps").glob("*.mrc"))
    assert not app.session.error, app.session.error
    assert "Wrote <b>3 files</b>" in panel._said.value
    app.session.tab = "maps"
    assert panel.figure.value == "maps" and "linked_maps" in panel.cell.value
    app.session.plane = "y"
    assert 'plane="y"' in panel.cell.value
    panel.figure.value = "../fsc"
    app.session.tab = "fsc"
    assert panel.figure.value == "../fsc"
    press(panel.formats[".png"])
    assert "must lie under" in app.session.error


def test_two_dashboards_do_not_disturb_each_other(made):
    one, other = made(particles()), made(particles())
    one.session.put("box.box_size", 24)
    press(one.run_bar.run)
    press(other.run_bar.run)
    other.session.finish()
    one.session.finish()
    assert [list(each.session.runs) for each in (one, other)] == [["box 24, pad 2, circle"], ["box 16, pad 2, circle"]]
    one.close()
    other.session.tab = "maps"
    run(other)
    assert len(other.session.runs) == 2


def test_closing_frees_widgets_threads_and_data():
    before, threads = set(registry._instances), set(threading.enumerate())
    app = cn.dashboard(particles().copy(), compute=dict(threads=2))
    app.session.put("decomposition.dithers", 40)
    app.run_bar.take_apart.value = False
    run(app)
    for name in ("maps", "surfaces", "guinier", "record"):
        app.session.tab = name
        app.session.finish()
    app.header.buttons["Open"].click()
    app.run_bar.take_apart.value = True
    held = next(iter(app.session.runs.values()))
    watched = [weakref.ref(one) for one in (app.session.particles, held.dataset, held, app.session)]
    press(app.run_bar.run)
    app.session.step(0.2)
    began = time.monotonic()
    app.close()
    assert time.monotonic() - began < 1.0
    assert set(registry._instances) == before
    del held
    assert set(threading.enumerate()) == threads
    app.close()
    del app
    gc.collect()
    gc.collect()
    assert [one() for one in watched] == [None] * len(watched), referrers(watched)


def referrers(watched):
    """What keeps things alive that should be gone, two steps up."""
    first = [one for ref in watched if ref() is not None for one in gc.get_referrers(ref())]
    return [repr(one)[:300] for one in (*first, *(two for one in first for two in gc.get_referrers(one)))][:12]


def test_news_of_a_run_reaches_the_page_through_the_kernels_loop():
    async def cell():
        app = cn.dashboard(particles(), compute=dict(threads=2))
        app.session.take_apart = False
        drawing, turns = set(), 0
        app.session.observe(lambda _: drawing.add(threading.current_thread()), "runs")
        app.run_bar.run.click()
        end = time.monotonic() + 30.0
        while app.session.state != "idle" and time.monotonic() < end:
            await asyncio.sleep(0.01)
            turns += 1
        found = app.session.state, words(app.runs.widget), next(iter(app.session.runs)), drawing, turns
        app.close()
        return found

    state, said, label, drawing, turns = asyncio.run(cell())
    assert state == "idle" and "running" not in said and label in said
    assert drawing == {threading.current_thread()} and turns > 1


def test_settings_of_the_next_run_leave_a_figure_as_it_is(app):
    run(app)
    app.session.tab = "guinier"
    app.session.finish()
    view, drawn = app.tabs.view, []
    refresh = view.pane.refresh
    view.pane.refresh = lambda: (drawn.append(1), refresh())
    app.session.put("box.pad_factor", 1.5)
    app.session.put("fsc.n_draws", 3)
    assert not drawn and not view.is_stale
    app.session.put("guinier.fit_coarse", 40.0)
    assert len(drawn) == 1
    app.session.clear("guinier.fit_coarse")
    assert len(drawn) == 2


def test_a_run_that_was_stopped_before_it_had_anything_says_so(app):
    app.session.hold(Held("homogeneous", None, app.session.particles, verb="refine", status="stopped"), show=True)
    said = app.verdicts.widget.children[0].children[0].value
    assert "no result" in said and "stopped before its first iteration" in said and "came without" not in said


def test_several_changes_are_drawn_once_when_all_are_there(app, monkeypatch):
    drawn = []
    monkeypatch.setattr(TabView, "draw", _counted(drawn, TabView.draw))
    app.session.tab = "record"
    run(app)
    press(app.run_bar.run)
    app.session._job.join(30.0)
    drawn.clear()
    app._deliver()
    assert app.session.state == "idle" and len(drawn) == 1


def _counted(drawn, draw):
    def counted(view):
        before = view.is_stale
        draw(view)
        if before and not view.is_stale:
            drawn.append(view.tab.name)

    return counted


def test_what_a_dashboard_is_given_is_checked_at_its_door(tmp_path):
    before = set(registry._instances)
    for source, sentence in ((3, "a dashboard needs particles"), (("one.mrc",), "must be two half maps")):
        with pytest.raises(InputError, match=sentence):
            cn.dashboard(source)
    with pytest.raises(InputError, match="box_size must be at least 8"):
        cn.dashboard(particles(), box=dict(box_size=3))
    with pytest.raises(InputError, match="root must be a folder"):
        cn.dashboard(root=tmp_path / "missing")
    assert set(registry._instances) == before


def test_a_file_that_cannot_be_opened_is_a_sentence(made, tmp_path):
    app = made(tmp_path / "missing.star")
    app.session.finish()
    assert is_seen(app.error.widget) and "missing.star" in words(app.error.widget) and is_seen(app.start_page.widget)


def test_style_sheets_hold_all_parts_and_ask_no_other_host():
    sheet = page.looks()
    assert sheet.count("{") == sheet.count("}") and ".cryonb-verdict" in sheet and ".cryonb-knob" in sheet
    assert "@import" not in sheet and "http://" not in sheet.replace("http://www.w3.org/2000/svg", "")


def test_repeated_showing_makes_no_second_app(app):
    count = len(registry._instances)
    first, second = app._repr_mimebundle_(), app._repr_mimebundle_()
    assert len(registry._instances) == count and "dashboard" in repr(app)
    view = "application/vnd.jupyter.widget-view+json"
    assert np.all([bundle[view] == first[view] for bundle in (first, second)])
    assert isinstance(app, ipywidgets.DOMWidget)
