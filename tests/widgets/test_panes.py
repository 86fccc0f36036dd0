"""Panes put on the page what tabs have made, say why there is nothing, and let go of everything."""

import logging

import numpy as np
import pytest

pytest.importorskip("anywidget")

from ipywidgets.widgets.widget import _instances
from traitlets import Any, Float, HasTraits

from cryonb.errors import InputError
from cryonb.plots.marks import Curve, Image, Panel, Row, Sheet
from cryonb.plots.tables import Table
from cryonb.widgets.panes import pane_of
from cryonb.widgets.screen import Screen

X = np.linspace(0.0, 1.0, 6)
GRAPH = Row((Panel((Curve(X, X, "a", "run a"),), x_limits=(0.0, 1.0), y_limits=(0.0, 1.0), top="frequency"),), 1.4)
TABLE = Row((Panel((Table(("a",), (("1",),), "t"),)),))


class Looked(HasTraits):
    """As much of a session as a pane needs."""

    place = Float(0.0)
    sheet = Any(None)

    def bounds(self, trait):
        return {"place": (-6.0, 6.0, 3.0)}[trait]


class Tab:
    name, title, pane, controls = "some", "Some", "figure", ("place",)

    def __init__(self, pane="figure"):
        self.pane = pane

    def sheet(self, session):
        if isinstance(session.sheet, Exception):
            raise session.sheet
        return session.sheet

    def empty(self, session):
        return "Nothing < here."


def tile(value):
    return Row((Panel((Image(np.full((4, 4), value), "map", 0.0, 1.0, 2.0),), "map"),))


def shown(pane):
    return [getattr(widget, "value", type(widget).__name__) for widget in pane.widget.children]


@pytest.fixture(name="session")
def _session():
    return Looked()


@pytest.fixture(name="pane")
def _pane(session):
    made = pane_of(Tab(), session, Screen(room=480.0))
    yield made
    made.close()


def test_words_stand_around_a_picture(session, pane):
    session.sheet = Sheet((GRAPH,), "A <title>", "Says\nthis.", "Made so.", "In all words.")
    pane.refresh()
    above, picture, below = shown(pane)
    assert above == "<h2>A &lt;title&gt;</h2><p>Says<br>this.</p>" and picture == "Picture"
    assert "Made so." in below and "<details><summary>In words</summary><p>In all words.</p></details>" in below
    assert pane.pieces[0].widget.png.startswith(b"\x89PNG")


def test_nothing_to_show_is_said(session, pane):
    pane.refresh()
    assert shown(pane) == ['<p class="cryonb-empty">Nothing &lt; here.</p>']


def test_an_error_becomes_a_sentence(session, pane, caplog):
    session.sheet = ValueError("a <b>bad</b> thing")
    with caplog.at_level(logging.DEBUG):
        pane.refresh()
    (words,) = shown(pane)
    assert "a &lt;b&gt;bad&lt;/b&gt; thing" in words and "<details>" in words and "Traceback" in words
    assert not caplog.records
    session.sheet = InputError("box_size must be even; got 3. Use 4.")
    pane.refresh()
    assert "box_size must be even; got 3. Use 4." in shown(pane)[0]


def test_a_picture_is_kept_from_sheet_to_sheet(session, pane):
    session.sheet = Sheet((GRAPH,), "A")
    pane.refresh()
    first, before = pane.pieces[0], pane.pieces[0].widget.png
    session.sheet = None
    pane.refresh()
    curve = Curve(X, 1 - X, "a", "run a")
    session.sheet = Sheet((Row((Panel((curve,), **limits_of(GRAPH)),), 1.4), TABLE), "A")
    pane.refresh()
    assert pane.pieces[0] is first and first.widget.png != before
    assert [piece.kind for piece in pane.pieces] == ["picture", "table"]
    table = pane.pieces[1].widget
    session.sheet = Sheet((GRAPH,), "A")
    pane.refresh()
    assert len(pane.pieces) == 1 and table.comm is None and first.widget.png == before


def limits_of(row):
    panel = row.panels[0]
    return dict(x_limits=panel.x_limits, y_limits=panel.y_limits, top=panel.top)


def test_closing_leaves_no_widget_and_no_listener(session):
    screen = Screen()
    before = set(_instances)
    pane = pane_of(Tab("tiles"), session, screen)
    session.sheet = Sheet((GRAPH, TABLE, tile(0.5)), "A")
    pane.refresh()
    widgets = [pane.widget, *pane.widget.children]
    pane.close()
    assert all(widget.comm is None for widget in widgets)
    assert set(_instances) == before
    assert not any(screen._trait_notifiers.get(name, {}).get("change") for name in ("theme", "pixel_ratio"))


def test_keys_move_the_section_within_the_maps(session):
    pane = pane_of(Tab("tiles"), session, Screen())
    session.sheet = Sheet((tile(0.5), TABLE), "A")
    pane.refresh()
    tiles = pane.pieces[0].widget
    assert tiles.can_move
    for steps, place in ((1, 3.0), (5, 6.0), (-2, 0.0), (-20, -6.0)):
        tiles._handle_custom_msg({"steps": steps}, [])
        assert session.place == place
    pane.close()


def test_images_stay_where_a_tab_offers_no_place(session):
    tab = Tab("tiles")
    tab.controls = ()
    pane = pane_of(tab, session, Screen())
    session.sheet = Sheet((tile(0.5),), "A")
    pane.refresh()
    assert not pane.pieces[0].widget.can_move
    pane.close()


def test_an_unknown_pane_is_named(session):
    with pytest.raises(InputError, match="a pane must have a known name; got 'figur'"):
        pane_of(Tab("figur"), session, Screen())
