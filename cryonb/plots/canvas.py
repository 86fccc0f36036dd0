"""Draw a sheet of marks as a matplotlib figure. No global state of matplotlib is touched."""

import dataclasses
import io
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from .lane import draw_lane
from .layout import bar_length, resolution_ticks
from .marks import GREY, Band, Image, Line, Panel, Sheet, SphereMap
from .page import (
    LEFT_OF_AXIS,
    NOTE_ROW,
    Block,
    Frame,
    Page,
    arrange,
    key_marks,
    key_words,
)
from .paint import OVERLAY_COLOURS, key_handle, paint, paint_band, paint_table
from .tables import Table
from .theme import PRINT, Theme, theme_of
from .typesetting import HEADLINE, LABEL, SMALL, TICK, TITLE, decade, shortened, text_width

DOTS = 110
LABEL_DISTANCE, LABEL_CLEARANCE = 0.56, 0.24
"""From a vertical axis to the middle of its label, at least, and what that needs beside the numbers [inch]."""
TOP_AXES = {
    "frequency": lambda resolution: 1.0 / resolution,
    "inverse_square": lambda resolution: 1.0 / resolution**2,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Painted:
    """What was drawn of a panel.

    Attributes
    ----------
    frame : Frame
        Where it stands.
    axes : matplotlib.axes.Axes
        Its axes.
    top : matplotlib.axes.Axes or None
        Those of the resolutions along its top.
    artists : list of tuple
        Each mark with the artists that draw it.
    lane : list of matplotlib.artist.Artist
        The vertical lines that carry words, and the words.
    """

    frame: Frame
    axes: Any
    top: Any
    artists: list
    lane: list = dataclasses.field(default_factory=list)


class Drawing(Figure):
    """A figure that shows itself in a notebook and remembers what it was drawn from.

    Parameters
    ----------
    sheet : Sheet
        The marks.
    page : Page
        Where they stand.
    theme : Theme, optional
        Its colours.

    Attributes
    ----------
    sheet, page, theme
        What it was drawn from.
    painted : list of list of Painted
        What was drawn of each panel, row by row.
    """

    def __init__(self, sheet: Sheet, page: Page, theme: Theme = PRINT) -> None:
        super().__init__(figsize=(page.width, page.height), dpi=DOTS, facecolor=theme.paper)
        FigureCanvasAgg(self)
        self.sheet, self.page, self.theme = sheet, page, theme
        self.painted: list[list[Painted]] = []

    def _repr_png_(self) -> tuple[bytes, dict]:
        buffer = io.BytesIO()
        with matplotlib.rc_context(self.theme.style()):
            self.savefig(buffer, format="png", dpi=2 * DOTS, metadata={"Description": self.sheet.description})
        width, height = (int(inches * DOTS * 0.92) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}


def render(sheet: Sheet, theme: Theme = PRINT) -> Drawing:
    """Return the figure of a sheet.

    Parameters
    ----------
    sheet : Sheet
        What to show.
    theme : Theme, optional
        Colours of the paper and of what is drawn on it.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; it shows itself in a notebook, and its `sheet` holds the marks.
    """
    return render_page(sheet, arrange(sheet), theme)


def render_page(sheet: Sheet, page: Page, theme: Theme = PRINT) -> Drawing:
    """Return the figure of a sheet whose page is known.

    Parameters
    ----------
    sheet : Sheet
        What to show.
    page : Page
        Where it stands.
    theme : Theme, optional
        Colours of the paper and of what is drawn on it.

    Returns
    -------
    Drawing
        The figure.
    """
    with matplotlib.rc_context(theme.style()):
        figure = Drawing(sheet, page, theme)
        _words(figure, page, sheet)
        for block in page.blocks:
            figure.painted.append([_panel(figure, page, frame) for frame in block.frames])
            draw_key(figure, page, block)
            _grey_scale(figure, page, block)
    return figure


def _words(figure: Drawing, page: Page, sheet: Sheet) -> None:
    across = 0.15 / page.width
    down = 0.10
    if sheet.title:
        figure.text(across, 1 - down / page.height, sheet.title, size=TITLE, weight="bold", va="top")
        down += 0.27
    if page.headline:
        figure.text(across, 1 - down / page.height, "\n".join(page.headline), size=HEADLINE, va="top")
    if page.caption:
        figure.text(
            across, 0.07 / page.height, "\n".join(page.caption), size=SMALL, color=figure.theme.word(GREY), va="bottom"
        )


def _rectangle(page: Page, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
    return left / page.width, 1 - (top + height) / page.height, width / page.width, height / page.height


def _panel(figure: Drawing, page: Page, frame: Frame) -> Painted:
    panel = frame.panel
    rectangle = _rectangle(page, frame.left, frame.top, frame.width, frame.height)
    axes = figure.add_axes(rectangle, projection="mollweide" if panel.of(SphereMap) else None)
    artists, top, lane = [(mark, paint(axes, mark)) for mark in panel.marks], None, []
    if not panel.marks:
        axes.set_axis_off()
        axes.set(xticks=[], yticks=[])
        _title(axes, frame, 0.0)
    elif panel.of(Table):
        paint_table(axes, panel.of(Table)[0], frame.width, frame.height)
        _title(axes, frame, 0.0)
    elif panel.of(Image):
        _finish_image(axes, panel, frame)
    elif panel.of(SphereMap):
        _finish_sphere(figure, axes, page, frame)
    else:
        top = _finish_graph(axes, frame)
        lane = draw_lane(axes, frame)
    return Painted(frame, axes, top, artists, lane)


def _finish_graph(axes, frame: Frame) -> Any:
    panel = frame.panel
    axes.tick_params(labelsize=TICK, labelleft=frame.numbers)
    axes.set_xlabel(panel.x_label, size=LABEL)
    if frame.numbers:
        axes.set_ylabel(panel.y_label, size=LABEL, va="center")
    axes.set_yscale(panel.y_scale)
    if panel.x_limits:
        axes.set_xlim(panel.x_limits)
    if not panel.x_label:
        axes.tick_params(labelbottom=False)
    most = max(2, int(frame.width / 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10], integer=panel.counts))
    low, high = panel.y_limits or axes.get_ylim()
    _vertical_axis(axes, frame, low, high)
    axes.yaxis.set_label_coords(-_label_distance(axes) / frame.width, 0.5)
    top = _top_axis(axes, frame) if panel.top else None
    _title(axes, frame, 0.44 if panel.top else 0.0)
    _line_names(axes, frame)
    return top


def _label_distance(axes) -> float:
    """Return how far left of the axis the middle of its label stands, clear of the numbers [inch]."""
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.yaxis.get_majorticklocs() if low <= tick <= high]
    numbers = axes.yaxis.get_major_formatter().format_ticks(ticks) if axes.get_yscale() == "linear" else []
    widest = max((text_width(number, TICK) for number in numbers), default=0.0)
    return min(max(LABEL_DISTANCE, widest + LABEL_CLEARANCE), LEFT_OF_AXIS - LABEL / 144.0)


def _vertical_axis(axes, frame: Frame, low: float, high: float) -> None:
    share = frame.height / (frame.height - frame.lane)
    if frame.panel.y_scale == "log":
        top = low * (high / low) ** share
        axes.yaxis.set_major_locator(LogLocator(numticks=max(3, int(frame.height / 0.3))))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(decade))
    else:
        top = low + (high - low) * share
        ticks = MaxNLocator(max(3, int(frame.height / 0.42)), steps=[1, 2, 5, 10]).tick_values(low, high)
        margin = 1e-9 * (high - low)
        axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low - margin <= tick <= high + margin]))
    axes.set_ylim(low, top)
    for band in frame.panel.of(Band):
        paint_band(axes, band, 1.0 / share)


def _line_names(axes, frame: Frame) -> None:
    if not frame.line_names:
        return
    for line in frame.panel.of(Line):
        if line.axis == "y" and line.label:
            axes.annotate(
                line.label,
                (1.0, line.at),
                (4, 0),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                size=SMALL,
                color=theme_of(axes).word(line.colour),
                va="center",
                annotation_clip=False,
            )


def _top_axis(axes, frame: Frame) -> Any:
    position = TOP_AXES[frame.panel.top]
    limits = axes.get_xlim()
    ticks = resolution_ticks(limits, frame.width, position)
    top = axes.twiny()
    top.set_xlim(limits)
    top.xaxis.set_major_locator(FixedLocator([position(tick) for tick in ticks]))
    top.set_xticklabels([f"{tick:g}" for tick in ticks], size=TICK)
    top.set_xlabel("resolution [Å]", size=LABEL)
    return top


def _title(axes, frame: Frame, lift: float) -> None:
    panel = frame.panel
    up = 1.0 + (lift + 0.05) / frame.height
    if panel.note:
        grey = theme_of(axes).word(GREY)
        axes.text(0.0, up, panel.note, transform=axes.transAxes, size=SMALL, color=grey, va="bottom")
        up += NOTE_ROW * len(panel.note.split("\n")) / frame.height
    if panel.title:
        axes.text(
            0.0,
            up,
            shortened(panel.title, LABEL, frame.width),
            transform=axes.transAxes,
            size=LABEL,
            weight="bold",
            va="bottom",
        )


def _finish_image(axes, panel: Panel, frame: Frame) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    image = panel.of(Image)[0]
    rows, columns = image.array.shape
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    _title(axes, frame, 0.0)
    if image.pixel_size <= 0:
        return
    length = bar_length(columns * image.pixel_size)
    start, up = 0.05 * columns, 0.06 * rows
    edge = [withStroke(linewidth=2.6, foreground="black")]
    axes.plot([start, start + length / image.pixel_size], [up, up], color="white", linewidth=2.2, path_effects=edge)
    axes.text(start, up + 0.03 * rows, f"{length:g} Å", size=TICK, color="white", va="bottom", path_effects=edge)


def _finish_sphere(figure: Drawing, axes, page: Page, frame: Frame) -> None:
    sphere = frame.panel.of(SphereMap)[0]
    axes.set_xticks(np.radians([-120, -60, 0, 60, 120]), [])
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]), ["150°", "120°", "90°", "60°", "30°"], size=SMALL)
    axes.grid(color="white", alpha=0.35, linewidth=0.6)
    axes.set_xlabel(frame.panel.x_label, size=SMALL)
    axes.set_ylabel(frame.panel.y_label, size=LABEL)
    _title(axes, frame, 0.0)
    if not sphere.label:
        return
    left = frame.left + frame.width + 0.18
    rectangle = _rectangle(page, left, frame.top, 0.13, frame.height)
    _scale(figure.add_axes(rectangle), "cividis", sphere.low, sphere.high, sphere.label)


def _scale(axes, colours: str, low: float, high: float, label: str) -> None:
    axes.imshow(np.linspace(0, 1, 128)[:, None], cmap=colours, aspect="auto", origin="lower", extent=(0, 1, low, high))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    ends = [f"{end:.3g}".replace("-", "−") for end in (low, high)]
    axes.set_yticks([low, high], ends, size=SMALL)
    pad = -12 if max(map(len, ends)) > 2 else -3
    axes.set_ylabel(label, size=SMALL, labelpad=pad, rotation=270, va="bottom")


def _grey_scale(figure: Drawing, page: Page, block: Block) -> None:
    images = [image for frame in block.frames for image in frame.panel.of(Image)]
    if not block.row.grey_scale or not images:
        return
    last = block.frames[-1]
    rectangle = _rectangle(page, last.left + last.width + 0.12, last.top, 0.13, last.height)
    colours, low, high = "gray", images[0].low, images[0].high
    if images[0].overlay is not None:
        colours, low, high = OVERLAY_COLOURS, images[0].overlay_low, images[0].overlay_high
    _scale(figure.add_axes(rectangle), colours, low, high, block.row.grey_scale)


def draw_key(figure: Drawing, page: Page, block: Block) -> Any:
    """Draw the key of a row.

    Parameters
    ----------
    figure : Drawing
        Where to draw.
    page : Page
        The page.
    block : Block
        The row.

    Returns
    -------
    matplotlib.legend.Legend or None
        The key; None for a row without.
    """
    row = block.row
    marks = key_marks(row)
    if not row.key or not marks:
        return None
    left, top, _ = block.key
    return figure.legend(
        [key_handle(mark, figure.theme) for mark in marks],
        [key_words(mark) for mark in marks],
        loc="upper left",
        bbox_to_anchor=(left / page.width, 1 - top / page.height),
        ncols=block.columns,
        title=row.key_title or None,
        title_fontsize=SMALL,
        fontsize=SMALL,
        alignment="left",
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=2.6,
        labelspacing=0.45,
        columnspacing=1.6,
    )
