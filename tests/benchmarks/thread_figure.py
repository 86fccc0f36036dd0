"""The figure of the thread's case: a row a refinement, with its map, its curve and what is to be said."""

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from thread_case import B_FACTOR, COARSE, LENGTH, NYQUIST, PIXEL, RADIUS, SIZE, filtered, sphere

SECTION, THICKNESS = 18, 5
"""The section that is shown: voxels from the centre, through a sheet of helices, and voxels that it is the mean of."""

WIDTH, ROW, TOP, BOTTOM = 10.0, 2.02, 0.55, 0.85
LEFT, IMAGE, GAP, GRAPH = 0.12, 1.78, 0.62, 3.75
X_END = 0.25
"""End of the frequency axis [1/angstrom]."""

TITLE = "Great classes, a horrible refinement: the same particles, binned too far"


def figure(found: Mapping[str, Any], truth: np.ndarray) -> Any:
    """Return the figure: a section, the curve and what it is made of, and the words, a row a run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(found) + 1
    height = TOP + rows * ROW + BOTTOM
    made = Figure(figsize=(WIDTH, height), dpi=100)
    FigureCanvasAgg(made)
    made.text(LEFT / WIDTH, 1 - 0.2 / height, TITLE, fontsize=14, weight="bold", va="top")

    def place(row: int, left: float, width: float, inset: float = 0.14, tall: float = IMAGE) -> Any:
        bottom = BOTTOM + (rows - 1 - row) * ROW + inset
        return made.add_axes((left / WIDTH, bottom / height, width / WIDTH, tall / height))

    best = filtered(truth, NYQUIST)
    ends = _grey_ends(best)
    middle, right = LEFT + IMAGE + GAP, LEFT + IMAGE + GAP + GRAPH + 0.2
    _section(place(0, LEFT, IMAGE), best, ends, scale_bar=True)
    _words(
        place(0, LEFT + IMAGE + 0.2, WIDTH - IMAGE - 0.4), "The truth, as far as such particles can show it", _lead()
    )
    for row, one in enumerate(found.values(), 1):
        _section(place(row, LEFT, IMAGE), one.density, ends)
        axes = place(row, middle, GRAPH, 0.26, ROW - 0.44)
        _graph(axes, one)
        _axes(axes, first=row == 1, last=row == rows - 1)
        _words(place(row, right, WIDTH - right - 0.05), one.case.title, _said(one))
    _key(made, height)
    return made


def _lead() -> list[str]:
    binned_to = f"{SIZE // COARSE} pixels of {PIXEL * COARSE:.1f} Å"
    return [
        f"Ideal helices with B {B_FACTOR:.0f} Å², filtered to {NYQUIST:.1f} Å, the Nyquist frequency of particles that",
        f"are binned {COARSE} times ({binned_to}). Below, a row for each refinement of the same particles:",
        "left, the map that its user sees, a section through a sheet of helices at equal contrast;",
        "middle, the curve that is printed (black), what it is made of (areas), and what the truth allows (dotted),",
        "with the Nyquist frequency of the particles (red line) and the thresholds 0.5 and 0.143;",
        "right, what is claimed, how like the truth the map is up to Nyquist (1: the same), and the verdict.",
    ]


def _scaled(density: np.ndarray) -> np.ndarray:
    """Return the section of a map, from the level of its solvent, in deviations within the sphere."""
    inside = sphere() > 0.5
    start = SIZE // 2 + SECTION - THICKNESS // 2
    level = np.median(density[~inside])
    return (density[start : start + THICKNESS].mean(axis=0) - level) / density[inside].std()


def _grey_ends(density: np.ndarray) -> tuple[float, float]:
    section = _scaled(density)
    return -0.35 * float(section.max()), 0.95 * float(section.max())


def _section(axes: Any, density: np.ndarray, ends: tuple[float, float], scale_bar: bool = False) -> None:
    edge = int((0.5 * LENGTH - RADIUS) / PIXEL)
    shown = _scaled(density)[edge:-edge, edge:-edge]
    axes.imshow(shown, cmap="gray", vmin=ends[0], vmax=ends[1], origin="lower", interpolation="bicubic")
    if scale_bar:
        length = 20.0 / PIXEL
        axes.plot([5, 5 + length], [5, 5], color="white", linewidth=2.5, solid_capstyle="butt")
        axes.text(5 + 0.5 * length, 7.5, "20 Å", color="white", fontsize=9, ha="center", va="bottom")
    axes.set(xticks=(), yticks=())
    axes.set_axis_off()


def _graph(axes: Any, one: Any) -> None:
    """Draw the curve with its layers, and the limits of particles and grid."""
    from cryonb.plots.decomposition import TERM_STYLE, stack_panel
    from cryonb.plots.marks import GREY, VERMILLION, Area, Curve
    from cryonb.plots.paint import paint

    panel = stack_panel(one.parts, (0.0, X_END))
    own = one.parts.attrs["own_curve"]
    for mark in panel.marks:
        if isinstance(mark, Area) and mark.name in TERM_STYLE:
            paint(axes, mark)
    (curve,) = panel.of(Curve, own)
    axes.plot(curve.x, curve.y, color="black", linewidth=1.8, zorder=4)
    x = one.run["frequency"].values
    seen = x < (2**0.5 if own == "standard" else 1.0) / one.nyquist - 1e-9
    axes.plot(x[seen], one.truth[seen], color="black", linewidth=1.8, linestyle=(0, (1, 1.1)), zorder=5)
    axes.axvline(1.0 / one.nyquist, color=VERMILLION, linewidth=1.6, zorder=3)
    end = min(x[-1], X_END)
    for level in (0.143, 0.5):
        axes.plot([0.0, end], [level, level], color=GREY, linewidth=0.8, linestyle=(0, (4, 2.5)), zorder=3)
    if end < 0.75 * X_END:
        words = f"no shells: the box of the\nmap, {len(x) * 2 - 2} voxels, ends with\nthe data"
        axes.text(end + 0.006, 0.5, words, fontsize=9, color=GREY, va="center", linespacing=1.3)


def _axes(axes: Any, first: bool, last: bool) -> None:
    axes.set(xlim=(0.0, X_END), ylim=(-0.05, 1.03), yticks=(0.0, 0.5, 1.0))
    axes.tick_params(labelsize=9, length=3, labelbottom=last)
    axes.set_ylabel("FSC", fontsize=9, labelpad=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if last:
        axes.set_xlabel("spatial frequency [1/Å]", fontsize=9, labelpad=2)
    if first:
        above = axes.secondary_xaxis("top")
        ticks = (20.0, 12.0, NYQUIST, 6.0, 5.0, 4.2)
        above.set_xticks([1.0 / tick for tick in ticks], [f"{tick:g}" for tick in ticks], fontsize=9)
        above.tick_params(length=3, pad=1)
        above.set_xlabel("resolution [Å]", fontsize=9, labelpad=3)


def _said(one: Any) -> list[str]:
    """Return the facts of a run in words, an empty line, and its verdict."""
    stated = f"claims {one.claim:.1f} Å" if np.isfinite(one.claim) else f"claims none: data end at {one.nyquist:.1f} Å"
    lines = [f"{stated}; like the truth: {one.likeness:.2f}"]
    b_factor, low, high = one.b_factor
    if np.isfinite(b_factor):
        lines += [
            f"sharpened by B {b_factor:.0f} Å² (the truth: {B_FACTOR:.0f})",
            f"95 % interval {low:.0f} to {high:.0f} Å²",
        ]
    elif one.case.recipe == "homogeneous":
        lines.append("sharpening refused: 3 shells to fit, not 20")
    else:
        lines.append("not sharpened")
    if one.parts.attrs["own_curve"] == "standard":
        past, grid = one.past_nyquist("standard")[0], np.abs(one.past_nyquist("grid_locked")).max()
        lines.append(f"past Nyquist {past:.2f}, of the grid at most {grid:.2f}")
    verdict = re.sub(r"(\d) A\b", r"\1 Å", one.parts.attrs["verdict"].split("; ")[0].rstrip("."))
    return [*(line.replace("-", "−") for line in lines), "", *textwrap.wrap(verdict + ".", 44)]


def _words(axes: Any, title: str, lines: list[str]) -> None:
    """Write a title, the lines below it, and what follows an empty line in grey."""
    axes.set(xticks=(), yticks=())
    axes.set_axis_off()
    axes.text(0.0, 1.0, title, fontsize=10.5, weight="bold", va="top", transform=axes.transAxes)
    facts = lines.index("") if "" in lines else len(lines)
    style = dict(fontsize=9, va="top", linespacing=1.42, transform=axes.transAxes)
    axes.text(0.0, 0.86, "\n".join(lines[:facts]), **style)
    axes.text(0.0, 0.81 - 0.1 * facts, "\n".join(lines[facts + 1 :]), color="#555555", **style)


def _key(made: Any, height: float) -> None:
    """Draw what the layers mean, below the last row."""
    from cryonb.plots.decomposition import LAYER, TERM_STYLE
    from cryonb.plots.marks import Area
    from cryonb.plots.paint import key_handle
    from cryonb.plots.terms import TERM_WORDS

    nothing = np.zeros(1)
    names = ("in_band", "corner", "support", "grid_locked")
    areas = [Area(nothing, nothing, nothing, name, opacity=LAYER, **TERM_STYLE[name]) for name in names]
    handles, labels = [key_handle(area) for area in areas], [TERM_WORDS[name] for name in names]
    style = dict(loc="lower left", ncols=4, frameon=False, fontsize=9, handlelength=2.2, columnspacing=1.8)
    made.legend(handles, labels, bbox_to_anchor=(LEFT / WIDTH, 0.05 / height), **style)
