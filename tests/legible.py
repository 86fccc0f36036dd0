"""What is drawn can be read: nothing leaves the page, no words meet, none are small."""

import itertools

from matplotlib.text import Text as Words


def ticks_off_axis(figure):
    """Return the texts of ticks outside their axes, which matplotlib keeps but does not draw."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            drawn = axis._update_ticks() if axis.get_visible() else []
            shown = {id(label) for tick in drawn for label in (tick.label1, tick.label2)}
            every = {id(label) for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)}
            hidden |= every - shown
    return hidden


def visible_words(figure):
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    hidden = ticks_off_axis(figure)
    found = {}
    for words in figure.findobj(Words):
        if id(words) in hidden or not words.get_visible() or not words.get_text().strip():
            continue
        extent = words.get_window_extent(renderer)
        found[(words.get_text(), round(extent.x0), round(extent.y0))] = (words, extent)
    return list(found.values())


def check_legible(figure):
    shown = visible_words(figure)
    page = figure.bbox
    assert len(shown) > 5
    for words, extent in shown:
        assert words.get_fontsize() >= 9.0, words.get_text()
        inside = extent.x0 >= -1 and extent.x1 <= page.x1 + 1 and extent.y0 >= -1 and extent.y1 <= page.y1 + 1
        assert inside, (words.get_text(), extent, page)
    for (one, first), (two, second) in itertools.combinations(shown, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 1 or up <= 2, (one.get_text(), two.get_text(), across, up)
