"""``cryonb compare PARTICLES --recipes all``: every package's way of deciding on the same particles, in one table."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import Any

import xarray as xr

from .. import plots, refinements
from ..decisions import compare_recipes
from ..errors import must
from . import inputs, machine
from .console import Console
from .flags import Parser
from .outputs import check_writable
from .results import write_results

DESCRIPTION = """Refine the same particles by several recipes, take the curve of each apart, and set them side by side.

Writes one table (in summary.txt, and drawn in compare.png above with the curves), every run and its decomposition in a
session (.zarr), the curves (CSV) and the maps (MRC). A recipe that cannot work with the settings is left out of "all",
with the reason.
"""

WIDEST = 24
"""Characters of the widest column of the table in text."""


def is_asked(argv: list[str]) -> bool:
    """Return whether a command line of ``cryonb compare`` names recipes.

    Parameters
    ----------
    argv : list of str
        Its words.

    Returns
    -------
    bool
        True with ``--recipes``.

    Examples
    --------
    >>> is_asked(["p.star", "--recipes=all"]), is_asked(["a.zarr"])
    (True, False)
    """
    return any(word.partition("=")[0] == "--recipes" for word in argv)


def parser() -> Parser:
    """Return the parser of the command with recipes.

    Returns
    -------
    Parser
        The parser.
    """
    listed = "".join(f"  {name:<19} {refinements.recipe(name).title}\n" for name in refinements.recipes())
    made = Parser(prog="cryonb compare", description=f"{DESCRIPTION}\nrecipes:\n{listed}")
    made.add_argument("particles", metavar="PARTICLES", help="particle table: .star, .cs or .mrcs")
    about = "all, or names of recipes, after each other or separated by commas (required)"
    made.add_argument("--recipes", metavar="NAME", nargs="+", required=True, help=about)
    inputs.add_references(made)
    about = "turned grids of each decomposition (default: 2)"
    made.add_argument("--dithers", metavar="DITHERS", default="2", help=about)
    inputs.add_common(made, "cryonb-compare")
    inputs.add_reading(made)
    inputs.add_settings(made, ("box", "mask", "imaging", "refine", "compute"), decides=True)
    return made


def run(argv: list[str], console: Console) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str
        Arguments.
    console : Console
        Where to speak.

    Returns
    -------
    int
        Exit code.
    """
    arguments = parser().read(argv)
    groups = inputs.given_settings(arguments)
    names = [name.strip() for word in arguments.recipes for name in word.split(",") if name.strip()]
    remedy = f"Use all, or some of {', '.join(refinements.recipes())}"
    must(bool(names), "recipes must be named", repr(" ".join(arguments.recipes)), remedy)
    chosen: Any = "all" if names == ["all"] else [refinements.recipe(name).name for name in names]
    rule = "--refine.recipe must not go with --recipes"
    must("recipe" not in groups["refine"], rule, groups["refine"].get("recipe"), "Leave out one of them")
    out, config = Path(arguments.out), inputs.settings(arguments)
    check_writable(out)
    machine.announce(config, console)
    particles = inputs.open_table(arguments.particles, arguments, config.compute.seed, require_poses=False)
    settings = dict(decomposition={"dithers": arguments.dithers}, progress=console.progress)
    tree = compare_recipes(particles, arguments.reference or None, chosen, config, **settings)
    lines = table_lines(tree["decisions"].to_dataset())
    written = write_results(out, results_of(tree), lines, {"compare": plots.draw(tree)})
    console.close()
    console.say("\n".join([*lines, f"Written to {out}: {', '.join(written)}"]))
    return 0


def results_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return everything that was found by name.

    Parameters
    ----------
    tree : xarray.DataTree
        From `compare_recipes`.

    Returns
    -------
    dict of str to xarray.Dataset
        The runs by recipe, their decompositions, and the table.
    """
    runs = {name: child.to_dataset() for name, child in tree["runs"].children.items()}
    curves = {f"{name}_decomposition": child.to_dataset() for name, child in tree["curves"].children.items()}
    return {**runs, **curves, "decisions": tree["decisions"].to_dataset()}


def table_lines(decisions: xr.Dataset) -> list[str]:
    """Return the table in columns, and the verdict of every curve below it.

    Parameters
    ----------
    decisions : xarray.Dataset
        Kind ``cryonb/decisions``.

    Returns
    -------
    list of str
        The lines.
    """
    table = plots.decisions_table(decisions)
    plain = str.maketrans({"\u00a0": " ", "Å": "A", "–": "-"})
    cells = [[wrap(word.translate(plain), WIDEST) or [""] for word in row] for row in (table.columns, *table.rows)]
    widths = [max(len(line) for cell in column for line in cell) for column in zip(*cells)]
    lines = [line for row in cells for line in _row_lines(row, widths)]
    said = zip(decisions["run"].values, decisions["verdict"].values)
    lines += [f"{label}: {verdict}" for label, verdict in said if verdict]
    return [*lines, *(f"left out: {line}" for line in decisions.attrs.get("left_out", "").splitlines())]


def _row_lines(row: list[list[str]], widths: list[int]) -> Iterator[str]:
    """Yield the lines of one row, whose cells have been broken into lines, and an empty one where it takes several."""
    for parts in zip_longest(*row, fillvalue=""):
        yield "  ".join(part.ljust(width) for part, width in zip(parts, widths)).rstrip()
    if max(map(len, row)) > 1:
        yield ""
