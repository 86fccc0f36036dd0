"""What the file of a session holds, read and checked before anything of the app changes; in any thread."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from ..config import RunConfig
from ..errors import CryonbError, FormatError, must
from ..opening import open_any
from ..schema import PARTICLES, REFINEMENT
from ..simulate import demo_particles
from .held import STATUSES, Held

SCHEMA = "cryonb/session"
ITERATION = "cryonb/iteration"
"""Kind of an iteration in a file: a refinement without its maps."""

APP = "app"
VERSION = 1
VIEW = ("tab", "plane", "place", "seen", "contrast", "iteration", "class_id", "levels")
ASKED = ("verb", "take_apart", "source")


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a file holds, before anything of the session changes.

    Attributes
    ----------
    runs : list of tuple of Held and bool
        Runs, with whether they had the session's particles.
    shown : list of str
        Labels of those in view.
    view, asked, entries : dict of str to object
        How they were looked at, what was to be done next, and settings as they were typed.
    references : list of xarray.Dataset or None
        Starting volumes.
    particles : xarray.Dataset or None
        Kind ``cryonb/particles``; None where they are not at hand, as `note` says.
    origin : dict of str to object
        How they were opened.
    note : str
        A sentence, or nothing.
    """

    runs: list[tuple[Held, bool]]
    shown: list[str]
    view: dict[str, Any]
    asked: dict[str, Any]
    entries: dict[str, Any]
    references: list[xr.Dataset] | None
    particles: xr.Dataset | None
    origin: dict[str, Any]
    note: str


def read(tree: xr.DataTree, origin: Mapping[str, Any]) -> Kept | None:
    """Return what the tree of a file holds, its particles opened; it may be called in any thread.

    Parameters
    ----------
    tree : xarray.DataTree
        What `cryonb.load` returned.
    origin : mapping
        ``{"file": path}`` of that file, from which particles are looked for; may be empty.

    Returns
    -------
    Kept or None
        None where the app did not write it.

    Raises
    ------
    FormatError
        If its state is damaged or of a later version.
    """
    state = state_of(tree)
    if state is None:
        return None
    folder = Path(str(origin.get("file", ""))).expanduser().absolute().parent
    try:
        return _kept(tree, state, folder)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as problem:
        raise _damaged(problem) from problem


def state_of(tree: xr.DataTree) -> dict[str, Any] | None:
    """Return the state of the app in a tree.

    Parameters
    ----------
    tree : xarray.DataTree
        What `cryonb.load` returned.

    Returns
    -------
    dict or None
        None where there is none.

    Raises
    ------
    FormatError
        If it is damaged, or of a later version.
    """
    if APP not in tree.children or tree.children[APP].attrs.get("schema") != SCHEMA:
        return None
    try:
        state = json.loads(tree.children[APP].attrs["state"])
        version = int(state["version"])
    except (KeyError, TypeError, ValueError) as problem:
        raise _damaged(problem) from problem
    rule = f"the state of a session must be of version {VERSION} or older"
    must(version <= VERSION, rule, version, "Open it with the version of cryonb that wrote it", FormatError)
    return state


def reference(number: int) -> str:
    """Return under which name a starting volume is kept.

    Parameters
    ----------
    number : int
        Its place, from 0.

    Returns
    -------
    str
        The name.
    """
    return f"reference {number}"


def _damaged(problem: Exception) -> FormatError:
    what = f"{type(problem).__name__}: {problem}"
    return FormatError(f"the state of a session must be whole; got one that cannot be read ({what}). Save it again.")


def _kept(tree: xr.DataTree, state: Mapping[str, Any], folder: Path) -> Kept:
    inner = tree.children[APP].children
    pool = {name: node.to_dataset() for name, node in inner.items() if name.startswith(reference(0)[:-1])}

    def volumes(numbers: list[int] | None) -> list[xr.Dataset] | None:
        return None if numbers is None else [pool[reference(number)] for number in numbers]

    runs = [(_held(tree, run, volumes(run["references"])), bool(run["has_particles"])) for run in state["runs"]]
    labels = {held.label for held, _ in runs}
    return Kept(
        runs,
        [label for label in state["shown"] if label in labels],
        {name: state["view"][name] for name in VIEW},
        {name: state["asked"][name] for name in ASKED},
        dict(state["entries"]),
        volumes(state["references"]),
        *_particles(dict(state["origin"]), folder),
    )


def _held(tree: xr.DataTree, run: Mapping[str, Any], references: list[xr.Dataset] | None) -> Held:
    inner = tree.children[APP].children
    told = [inner[name].to_dataset().assign_attrs(schema=REFINEMENT.name) for name in run["iterations"]]
    return Held(
        str(run["label"]),
        tree.children[run["node"]].to_dataset() if run["node"] else None,
        references=references,
        config=None if run["config"] is None else RunConfig.gather(run["config"]),
        verb=str(run["verb"]),
        iterations=tuple(told),
        judgements={key: inner[name].to_dataset() for key, name in run["judgements"].items()},
        notes=tuple(map(str, run["notes"])),
        status=run["status"] if run["status"] in STATUSES else "finished",
        seconds=float(run["seconds"]),
    )


def _particles(origin: Mapping[str, Any], folder: Path) -> tuple[xr.Dataset | None, dict[str, Any], str]:
    """Return the particles of a session, how they were opened, and a note where they are not at hand."""
    if "demo" in origin:
        return demo_particles(int(origin["demo"])), dict(origin), ""
    advice = "The runs are shown; open the particles to run or to judge images again."
    if "file" not in origin:
        return None, {}, f"The particles of this session were given in memory and are not in its file. {advice}"
    places = [folder / str(origin.get("near", "")), Path(str(origin["file"]))]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        return None, {}, f"The particles of this session are missing: {origin['file']}. {advice}"
    try:
        opened = open_any(found)
        must(opened.attrs.get("schema") == PARTICLES.name, "the table must hold particles", found.name, "Open them")
    except CryonbError as problem:
        return None, {}, f"The particles of this session cannot be opened: {problem} {advice}"
    return opened, {"file": str(found)}, ""
