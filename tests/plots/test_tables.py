import pytest
from legible import check_legible

from cryonb.plots.canvas import render
from cryonb.plots.marks import Panel, Row, Sheet
from cryonb.plots.tables import Table, table_of_lines
from cryonb.plots.typesetting import SMALL, text_width

COLUMNS = ("recipe", "halves", "claims [Å]")
ROWS = (
    ("homogeneous", "independent beyond 20 Å, joined below it by the mean of both", "9.85"),
    ("heterogeneous", "one reference, particles split after their alignment", "none: data end"),
)


def test_a_table_that_fits_is_not_broken():
    lines = table_of_lines(COLUMNS, (("a", "b", "c"),), 9.0)
    assert all(len(cell) == 1 for row in lines.cells for cell in row)


@pytest.mark.parametrize("inches", [4.0, 5.0, 6.5])
def test_columns_share_the_width_and_never_meet(inches):
    lines = table_of_lines(COLUMNS, ROWS, inches)
    for column, left in enumerate(lines.lefts):
        end = [*lines.lefts[1:], inches + 0.01][column]
        for row in lines.cells:
            assert all(left + text_width(words, SMALL) <= end for words in row[column])
    assert lines.height > lines.tops[-1] > lines.tops[1] > 0
    assert [" ".join(cell) for cell in lines.cells[1]] == list(ROWS[0])


def test_a_table_is_drawn_with_all_its_words():
    figure = render(Sheet((Row((Panel((Table(COLUMNS, ROWS, "t"),), "Decisions"),), 1.0),), "Table"))
    check_legible(figure)
    drawn = {text.get_text() for text in figure.axes[0].texts}
    assert {"recipe", "homogeneous", "9.85"} <= drawn
