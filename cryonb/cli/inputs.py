"""What the commands read, and the options that say how."""

import argparse
from typing import Any

import xarray as xr

from .. import io
from ..config import RunConfig
from ..errors import must
from ..knobs import hints
from ..opening import TABLES, open_any
from ..verbs import READ_OF_REFINE
from .flags import Parser, add_flags, given

TITLES = {
    "box": "box and interpolation",
    "mask": "mask of the map",
    "imaging": "contrast, symmetry and preparation of the images",
    "refine": "refinement",
    "compute": "computing",
}

PARAMS = "refine.params"
"""What the flags of a recipe's own settings begin with, as in Python: ``refine=dict(params=dict(...))``."""


def add_common(parser: Parser, out: str) -> None:
    """Add the options that every command with results has.

    Parameters
    ----------
    parser : Parser
        Where to add them.
    out : str
        Default folder of the results.
    """
    parser.add_argument("--out", default=out, metavar="DIR", help=f"folder of the results (default: {out})")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: off)")
    parser.add_argument("--traceback", action="store_true", help="show where a run failed (default: off)")


def add_reading(parser: Parser) -> None:
    """Add the options that say how particles are read.

    Parameters
    ----------
    parser : Parser
        Where to add them.
    """
    section = parser.add_argument_group("reading particles")
    section.add_argument("--root", metavar="DIR", help="folder that image paths are relative to (default: the table's)")
    section.add_argument(
        "--passthrough", nargs="+", default=[], metavar="CS", help="passthrough files of a .cs table (default: none)"
    )
    section.add_argument(
        "--pixel-size", metavar="ANGSTROM", help="pixel size of the images [angstrom] (default: as the table says)"
    )


def add_settings(parser: Parser, names: tuple[str, ...], decides: bool = False) -> None:
    """Add the flags of some groups of a run's settings that a command reads, and the short way to a mask file.

    Parameters
    ----------
    parser : Parser
        Where to add them.
    names : tuple of str
        Groups of `RunConfig`.
    decides : bool, optional
        Whether the command runs a recipe; one that does not reads little of the group `refine`.
    """
    groups = hints(RunConfig)
    if "mask" in names:
        parser.add_argument("--mask", metavar="MRC", help="mask file; short for --mask.kind file --mask.path MRC")
    for name in names:
        add_flags(parser, groups[name], TITLES[name], name, None if decides or name != "refine" else READ_OF_REFINE)


def add_references(parser: Parser, recipe: Any = None) -> None:
    """Add the options of a command that refines: maps to start from, and a recipe's own settings.

    Parameters
    ----------
    parser : Parser
        Where to add them.
    recipe : Recipe, optional
        The recipe, where it is known already.
    """
    about = "map to start from, or one a class (default: none; start from the particles alone)"
    parser.add_argument("--reference", nargs="+", default=[], metavar="MAP", help=about)
    if recipe is not None:
        add_flags(parser, recipe.params, f"settings of {recipe.name}", PARAMS)


def settings(arguments: argparse.Namespace) -> RunConfig:
    """Return a run's settings from the command line.

    Parameters
    ----------
    arguments : Namespace
        What the parser returned.

    Returns
    -------
    RunConfig
        The checked settings.
    """
    groups = given_settings(arguments)
    config = RunConfig.gather(groups)
    config.mask.must_read(groups["mask"])
    return config


def given_settings(arguments: argparse.Namespace, recipe: Any = None) -> dict[str, dict[str, Any]]:
    """Return the settings of a run that were given on the command line, and no others.

    Parameters
    ----------
    arguments : Namespace
        What the parser returned.
    recipe : Recipe, optional
        The recipe whose own settings the command line may hold; they come under ``refine["params"]``, checked.

    Returns
    -------
    dict of str to dict
        Values by group and name, the values still as text where they are numbers.

    Raises
    ------
    InputError
        If the mask is given in two ways.
    """
    groups: dict[str, dict[str, Any]] = {
        name: given(arguments, group, name) for name, group in hints(RunConfig).items()
    }
    if getattr(arguments, "mask", None):
        also = [f"--mask.{name.replace('_', '-')} {value}" for name, value in groups["mask"].items()]
        alone = not also or groups["mask"] == {"kind": "file"}
        rule = "--mask must not go with other settings of the mask"
        must(alone, rule, f"--mask {arguments.mask} and {', '.join(also)}", "Leave out one of them")
        groups["mask"] = {"kind": "file", "path": arguments.mask}
    own = {} if recipe is None else given(arguments, recipe.params, PARAMS)
    if own:
        checked = recipe.params.parse(own).as_dict()
        groups["refine"] = {**groups["refine"], "params": {name: checked[name] for name in own}}
    return groups


def open_table(
    path: str, arguments: argparse.Namespace, seed: int, images: bool = True, require_poses: bool = True
) -> xr.Dataset:
    """Return the particles of a table.

    Parameters
    ----------
    path : str
        The table.
    arguments : Namespace
        With the options of `add_reading`.
    seed : int
        Seed of a split into halves, where the table has none.
    images : bool, optional
        Find and attach the images.
    require_poses : bool, optional
        Refuse a table without 3D poses.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/particles``.
    """
    pixel_size = None if arguments.pixel_size is None else _positive(arguments.pixel_size)
    return io.open_particles(
        path,
        root=arguments.root,
        passthrough=tuple(arguments.passthrough),
        pixel_size=pixel_size,
        seed=seed,
        require_poses=require_poses,
        images=images,
    )


def _positive(text: str) -> float:
    rule, remedy = "pixel size must be a positive number [angstrom]", "Give it in angstrom"
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    must(0 < number < float("inf"), rule, text, remedy)
    return number


def open_input(
    paths: list[str], arguments: argparse.Namespace, seed: int, images: bool = True
) -> xr.Dataset | xr.DataTree:
    """Return what one input holds, or the two half maps that two inputs are.

    Parameters
    ----------
    paths : list of str
        One file or two.
    arguments : Namespace
        With the options of `add_reading`.
    seed : int
        Seed of a split into halves.
    images : bool, optional
        Find and attach the images of particles.

    Returns
    -------
    xarray.Dataset or xarray.DataTree
        What was read.
    """
    must(
        len(paths) in (1, 2), "the input must be one file, or the files of two half maps", len(paths), "Give one or two"
    )
    if len(paths) == 2:
        return io.open_half_maps(*paths)
    if paths[0].lower().endswith(TABLES):
        return open_table(paths[0], arguments, seed, images)
    return open_any(paths[0])
