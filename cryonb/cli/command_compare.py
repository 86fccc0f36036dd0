"""``cryonb compare``: runs and curves side by side."""

from pathlib import Path

import xarray as xr

from .. import io, opening, plots, verbs
from ..compare import compare, notes
from ..errors import missing, must
from . import compare_recipes, inputs, words
from .console import Console
from .flags import Parser
from .outputs import check_writable
from .results import write_results

DESCRIPTION = """Put runs and curves side by side: sessions of `cryonb reconstruct` or `cryonb diagnose` (FSC curves or
decompositions), and curves of other programs (RELION postprocess.star, EMDB FSC .xml, .dat).

Writes the figure (PNG), every curve (CSV, EMDB XML), a session (.zarr) and summary.txt.

`cryonb compare PARTICLES --recipes all` refines particles by every recipe and compares what they decide; its own
options are listed by `cryonb compare --recipes all --help`.
"""
CURVES = (".star", ".xml", ".dat", ".csv")


def parser() -> Parser:
    """Return the parser of the command.

    Returns
    -------
    Parser
        The parser.
    """
    made = Parser(prog="cryonb compare", description=DESCRIPTION)
    made.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a session (.zarr, .nc, or the folder of a run) or a curve (.star, .xml, .dat, .csv)",
    )
    made.add_argument(
        "--labels", nargs="+", metavar="LABEL", help="one name for each input (default: the files' names)"
    )
    inputs.add_common(made, "cryonb-compare")
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
    if compare_recipes.is_asked(argv):
        return compare_recipes.run(argv, console)
    arguments = parser().read(argv)
    out = Path(arguments.out)
    check_writable(out)
    labels = arguments.labels or default_labels(arguments.inputs)
    rule = "labels must be as many as inputs, all different"
    must(len(set(labels)) == len(arguments.inputs), rule, ", ".join(labels), "Give one for each with --labels")
    curves = {label: _curve(path) for label, path in zip(labels, arguments.inputs)}
    tree = compare(curves)
    lines = [line for label, fsc in curves.items() for line in (f"{label}:", *(f"  {text}" for text in _said(fsc)))]
    lines += notes(tree)
    written = write_results(out, curves, lines, {"compare": plots.side_by_side(tree)})
    console.close()
    console.say("\n".join([*lines, f"Written to {out}: {', '.join(written)}"]))
    return 0


def default_labels(paths: list[str]) -> list[str]:
    """Return a name for each input: its file's, or its folder's where the files' names are alike.

    Parameters
    ----------
    paths : list of str
        The inputs.

    Returns
    -------
    list of str
        The names.

    Examples
    --------
    >>> default_labels(["a/session.zarr", "b/session.zarr"]), default_labels(["a.xml", "b.dat"])
    (['a', 'b'], ['a', 'b'])
    """
    stems = [Path(path).stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [Path(path).absolute().parent.name for path in paths]


def _curve(path: str) -> xr.Dataset:
    if Path(path).suffix.lower() in CURVES:
        return io.open_curve(path)
    must(Path(path).exists(), "the input must exist", missing(path), "Check the name and the folder")
    is_session = path.lower().rstrip("/").endswith(opening.SESSIONS) or opening.session_in(path) is not None
    rule = (
        "an input of compare must be a session (.zarr, .nc), a folder of results that holds session.zarr, "
        f"or a curve ({', '.join(CURVES)})"
    )
    must(is_session, rule, repr(path), "Give one of these; half maps are compared after `cryonb diagnose A B fsc`")
    opened = opening.open_any(path)
    kinds = kinds_of(opened)
    drawn = [kind for kind in sorted(kinds) if kind == "cryonb/fsc" or plots.has_panel(kind)]
    if opening.REFINEMENT in kinds and parts_of(opened, drawn) > 1:
        return opening.pick(opened, (opening.REFINEMENT,))
    return opening.pick(opened, tuple(drawn)) if drawn else verbs.diagnose(opened, "fsc")


def parts_of(opened: xr.Dataset | xr.DataTree, kinds: list[str]) -> int:
    """Return how many parts of a session are of some kinds: more than one where a run has classes.

    Parameters
    ----------
    opened : xarray.Dataset or xarray.DataTree
        The session.
    kinds : list of str
        Names of kinds.

    Returns
    -------
    int
        Parts.
    """
    nodes = opened.subtree if isinstance(opened, xr.DataTree) else [opened]
    return sum(node.attrs.get("schema") in kinds for node in nodes)


def _said(curves: xr.Dataset) -> list[str]:
    if plots.is_refinement(curves):
        return [plots.claim_sentence(curves, "A")]
    if plots.is_decomposition(curves):
        return list(words.term_table(curves))
    return list(words.resolutions(curves))


def kinds_of(opened: xr.Dataset | xr.DataTree) -> set[str]:
    """Return the kinds of what a session holds.

    Parameters
    ----------
    opened : xarray.Dataset or xarray.DataTree
        The session.

    Returns
    -------
    set of str
        Names of kinds.
    """
    nodes = opened.subtree if isinstance(opened, xr.DataTree) else [opened]
    return {str(node.attrs.get("schema")) for node in nodes}
