"""Sheets become pictures, tables and tiles; what they show is what the marks hold."""

import io

import numpy as np
import pytest

pytest.importorskip("anywidget")

from PIL import Image as Pixels

from cryonb.plots.marks import Curve, Image, Panel, Row, Sheet
from cryonb.plots.redraw import Redraw
from cryonb.plots.tables import Table
from cryonb.plots.theme import DARK, LIGHT
from cryonb.widgets.pieces import PicturePiece, TablePiece, TilesPiece, lines, pieces_of
from cryonb.widgets.readings import readings
from cryonb.widgets.screen import Screen
from cryonb.widgets.tiles import are_tiles, extent, grey_png, tiles_of

X = np.linspace(0.0, 0.25, 6)
CURVE = Curve(X, np.array([1.0, 0.9, np.nan, 0.5, 0.12345678, 0.0]), "a", "run a: 8.3 Å")


def graph(*marks, **settings):
    limits = dict(x_limits=(0.0, 0.25), y_limits=(-0.1, 1.0), top="frequency")
    return Row((Panel(marks, **{**limits, **settings}),), 1.4)


def image(array, name="map", pixel_size=2.0, **settings):
    return Image(np.asarray(array, dtype=float), name, 0.0, 1.0, pixel_size, **settings)


def pixels_of(png):
    return np.asarray(Pixels.open(io.BytesIO(png)))


def test_the_first_row_of_an_image_is_at_the_bottom():
    seen = pixels_of(grey_png(image([[0.0, 0.5], [1.0, 2.0], [-1.0, np.nan]])))
    assert seen.tolist() == [[0, 0], [255, 255], [0, 128]]


def test_a_flat_image_is_no_fault():
    flat = Image(np.full((2, 2), 3.0), "flat", 3.0, 3.0)
    assert pixels_of(grey_png(flat)).tolist() == [[0, 0], [0, 0]]


def test_images_have_one_physical_scale():
    small, large = image(np.zeros((8, 8)), pixel_size=2.0), image(np.zeros((20, 10)), pixel_size=3.2)
    row = Row((Panel((small,), "a"), Panel((large,), "b", "note"), Panel(())), grey_scale="density")
    made = tiles_of(row, max(map(extent, (small, large))))
    first, second, blank = made["tiles"]
    assert (first["share"], second["share"], blank["png"]) == (0.5, 1.0, None)
    assert second["slope"] == 2.0 and (second["title"], second["note"]) == ("b", "note")
    assert first["bar"] == {"share": 5.0 / 16.0, "words": "5 Å"} and second["bar"]["words"] == "10 Å"
    assert made["scale"] == {"what": "density", "low": "0", "high": "1"}


def test_images_on_scales_of_their_own_name_them_each():
    other = Image(np.zeros((8, 8)), "b", -2.0, 3.5, 0.0)
    made = tiles_of(Row((Panel((image(np.zeros((8, 8))),)), Panel((other,))), grey_scale="density"), 16.0)
    assert made["scale"] is None and made["tiles"][1]["bar"] is None
    assert made["tiles"][1]["scale"] == {"what": "density", "low": "−2", "high": "3.5"}


def test_plain_images_only_are_tiles():
    plain, hatched = image(np.zeros((2, 2))), image(np.zeros((2, 2)), hatched=np.eye(2, dtype=bool))
    coloured = image(np.zeros((2, 2)), overlay=np.zeros((2, 2)))
    assert are_tiles(Row((Panel((plain,)), Panel(()))))
    assert not any(are_tiles(Row((Panel(marks),))) for marks in ((hatched,), (coloured,), (CURVE,), ()))


def test_a_sheet_falls_into_pieces():
    table = Row((Panel((Table(("a",), (("1",),), "t"),)),))
    tile = Row((Panel((image(np.zeros((2, 2))),)),))
    sheet = Sheet((graph(CURVE), graph(CURVE), table, tile, tile), "T")
    found = [(kind, len(part.rows)) for kind, part in pieces_of(sheet, True)]
    assert found == [("picture", 2), ("table", 1), ("tiles", 2)]
    assert [kind for kind, _ in pieces_of(sheet, False)] == ["picture", "table", "picture"]


def test_words_are_no_tags():
    assert lines("a < b\n<script>") == "a &lt; b<br>&lt;script&gt;"


def test_a_table_is_text():
    piece = TablePiece(Screen(), lambda deed: deed)
    piece.show(Sheet((Row((Panel((Table(("name", "size [Å]"), (("<a>", "3"),), "t"),), "About"),)),)))
    assert '<th scope="col">size [Å]</th>' in piece.widget.value and "<td>&lt;a&gt;</td>" in piece.widget.value
    assert "<caption>About</caption>" in piece.widget.value
    piece.close()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_crosshair_reads_the_numbers_of_the_marks(theme):
    drawn = Redraw(theme).draw(Sheet((graph(CURVE, Curve(X, X, "hidden")), graph(CURVE, top="")), width=5.0))
    (found,) = readings(drawn, theme)
    assert found["top"] == "frequency" and found["x"] == [0.0, 0.25] and found["y"] == [-0.1, 1.0]
    (curve,) = found["curves"]
    assert curve["label"] == "run a" and curve["colour"] == theme.line(CURVE.colour)
    assert curve["y"] == [1.0, 0.9, None, 0.5, 0.1235, 0.0] and curve["x"] == pytest.approx(X)
    left, top, width, height = found["box"]
    assert 0 < left < left + width < 1 and 0 < top < top + height < 0.5


def test_a_picture_follows_column_and_screen():
    screen, sheet = Screen(), Sheet((graph(CURVE),), "Title", description="All of it.", width=9.0)
    piece = PicturePiece(screen, lambda deed: lambda *_: deed())
    piece.show(sheet)
    assert piece.widget.size[0] == pytest.approx(9.0 * 110) and piece.widget.room == 0
    assert (piece.widget.alt, piece.widget.words) == ("Title", "All of it.")
    piece.widget.room = 600.0
    assert piece.widget.size[0] == pytest.approx(600.0) and screen.room == 600.0
    narrow = piece.widget.png
    piece.widget.room = 606.0
    assert piece.widget.png is narrow
    screen.theme = "dark"
    assert tuple(pixels_of(piece.widget.png)[2, 2][:3]) == (0x1B, 0x1C, 0x1F)
    screen.pixel_ratio = 3.0
    assert pixels_of(piece.widget.png).shape[1] == pytest.approx(2 * 606, abs=1)
    assert PicturePiece(screen, lambda deed: lambda *_: deed()).widget.room == 606.0
    kept = piece.widget.png
    piece.close()
    screen.theme = "light"
    assert piece.widget.png is kept


def test_tiles_hold_pictures_of_all_rows():
    piece, values = TilesPiece(Screen(), lambda deed: deed), np.linspace(0, 1, 16).reshape(4, 4)
    piece.show(Sheet((Row((Panel((image(values),)),)), Row((Panel((image(1 - values),)),)))))
    first, second = (pixels_of(row["tiles"][0]["png"]).astype(int) for row in piece.widget.rows)
    assert np.array_equal(first + second, np.full((4, 4), 255))
    piece.close()
