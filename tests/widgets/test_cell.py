"""The cell that recreates a view: it is run, and its figure holds the numbers of the tab."""

import ast
import dataclasses

import numpy as np
import pytest
from small_sessions import assert_same, kept, particles, refined, session_of

import cryonb as cn
from cryonb.plots.marks import Curve, Image
from cryonb.widgets.cell import cell, changed
from cryonb.widgets.held import Held
from cryonb.widgets.session import Session
from cryonb.widgets.source_code import literal
from cryonb.widgets.tabs import tab_of

QUOTED = 'own "box"\'s'


def figure_of(source, **given):
    space = dict(given)
    exec(compile(source, "cell", "exec"), space)
    return space["figure"].sheet


def quoted(masked=False):
    return dataclasses.replace(kept("own box", masked=masked), label=QUOTED)


@pytest.mark.parametrize("masked", [False, True], ids=["no mask", "masked"])
@pytest.mark.parametrize("tab", ["made_of", "fsc", "maps"])
@pytest.mark.parametrize("several", [False, True], ids=["one", "two"])
def test_reconstructions_come_again(tab, masked, several):
    runs = [quoted(masked), kept("larger", box_size=32, masked=masked, pad_factor=1.0)][: 2 if several else 1]
    with session_of(*runs, tab=tab, plane="x", place=9.0) as session:
        source = cell(session)
        assert "# particles" in source and ("radius=40.0" in source) == masked and "threads" not in source
        assert_same(tab_of(tab).sheet(session), figure_of(source, particles=particles()))


@pytest.mark.parametrize("masked", [False, True], ids=["no mask", "masked"])
def test_refinements_come_again(masked):
    with session_of(refined(masked=masked), tab="fsc") as session:
        source = cell(session)
        assert "cn.refine(" in source and 'search="local"' in source
        assert_same(tab_of("fsc").sheet(session), figure_of(source, particles=particles()))
        session.tab, session.seen = "maps", "projection"
        assert_same(tab_of("maps").sheet(session), figure_of(cell(session), particles=particles()))


def test_an_iteration_and_a_history_come_again():
    with session_of(refined(), tab="fsc", iteration=1) as session:
        source = cell(session)
        assert "islice" in source
        assert_same(tab_of("fsc").sheet(session), figure_of(source, particles=particles()))
        session.tab = "history"
        assert "cn.refine(" not in cell(session)
        expected, got = tab_of("history").sheet(session), figure_of(cell(session), particles=particles())
        for one, other in zip(expected.of(Curve), got.of(Curve), strict=True):
            np.testing.assert_allclose(one.y, other.y, rtol=1e-6, equal_nan=True)


def test_a_difference_and_a_diagnostic_come_again():
    runs = (quoted(), kept("larger", box_size=32, pad_factor=1.0))
    with session_of(*runs, tab="difference", place=9.0) as session:
        images = figure_of(cell(session), particles=particles()).of(Image)
        for one, other in zip(tab_of("difference").sheet(session).of(Image), images, strict=True):
            np.testing.assert_allclose(one.array, other.array, rtol=1e-5, atol=1e-8)
        session.put("guinier.fit_coarse", 60.0)
        session.tab = "guinier"
        session.judge("guinier")
        session.finish()
        source = cell(session)
        assert "fit_coarse=60.0" in source
        assert_same(tab_of("guinier").sheet(session), figure_of(source, particles=particles()))


def test_every_tab_has_a_cell_that_runs():
    with session_of(quoted(), refined(classes=2)) as session:
        for name in ("surfaces", "classes", "orientations", "record", "sections"):
            session.tab = name
            space = {"particles": particles()}
            exec(compile(cell(session), "cell", "exec"), space)
            assert "figure" in space or "records" in space


def test_where_particles_come_from_is_written_where_it_is_known():
    with session_of(quoted(), tab="maps") as session:
        session.origin = {"demo": 0}
        assert "particles = cn.demo_particles()\n" in cell(session)
        session.origin = {"demo": 3}
        assert "particles = cn.demo_particles(seed=3)\n" in cell(session)
        session.origin = {"file": 'a "b".star'}
        assert 'particles = cn.open_particles("a \\"b\\".star")\n' in cell(session)
        session.origin = {}
        assert "given in memory" in cell(session)


def test_what_was_opened_and_starting_volumes_have_to_be_put_in_and_it_says_so():
    volume = cn.phantom("helices", box_size=16, pixel_size=9.0)
    with session_of(Held("map", volume), tab="maps") as session:
        source = cell(session)
        assert '# opened: a dict that holds "map"' in source and "particles" not in source
        assert_same(tab_of("maps").sheet(session), figure_of(source, opened={"map": volume}))
        session.hold(dataclasses.replace(refined(), references=[volume]), show=True)
        assert "# references" in cell(session) and "particles, references," in cell(session).replace("\n", "")


def test_a_run_that_was_opened_with_its_record_is_made_again_from_it():
    made = kept("own box").dataset
    with session_of(Held("opened", made), tab="maps") as session:
        assert_same(tab_of("maps").sheet(session), figure_of(cell(session), particles=particles()))


def test_nothing_in_view_is_a_cell_that_says_so():
    session = Session()
    source = cell(session)
    exec(compile(source, "cell", "exec"), {})
    assert "Nothing is in view" in source
    session.close()


def test_only_settings_that_are_read_and_differ_are_written():
    config = cn.RunConfig.gather(
        box=dict(pad_factor=1), refine=dict(n_classes=2, max_resolution=20), compute=dict(threads=2, seed=4)
    )
    expected = {"box": {"pad_factor": 1.0}, "compute": {"seed": 4}}
    assert changed(config, "reconstruct") == {**expected, "refine": {"max_resolution": 20.0}}
    assert changed(config, "refine") == {**expected, "refine": {"max_resolution": 20.0, "n_classes": 2}}


@pytest.mark.parametrize(
    "words", ["\U0001f469\u200d\U0001f52c", 'a"b\\', "x\ny\u2028z\x7f", "{label}", "'); exit(); ('", "\ud800"]
)
def test_any_label_comes_back_from_its_source(words):
    source = literal(words)
    assert ast.literal_eval(source) == words and source.isprintable() and len(source.splitlines()) == 1
