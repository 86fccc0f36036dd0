"""A session in one file, and back: runs, judgements, settings and what was looked at.

The file is a tree that `cryonb.load` opens like any other: one child a run. What the app needs besides stands in the
child `app`: its state as text, and below it the iterations, judgements and starting volumes.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from traitlets import TraitError

from .. import io
from ..config import RunConfig
from ..errors import CryonbError, FormatError, InputError, must
from ..opening import open_any
from ..schema import PARTICLES, REFINEMENT
from ..simulate import demo_particles
from .held import STATUSES, Held
from .safe_names import safe_names
from .settings import Settings
from .wording import described
from .written_runs import runs_in

SCHEMA = "cryonb/session"
ITERATION = "cryonb/iteration"
"""Kind of an iteration in a file: a refinement without its maps."""

APP = "app"
VERSION = 1
VIEW = ("tab", "plane", "place", "seen", "contrast", "iteration", "class_id", "levels")
ASKED = ("verb", "take_apart", "source")


def save(session: Any, path: str | os.PathLike) -> None:
    """Write all that a session holds but the particles, which are opened again from where they came from.

    Parameters
    ----------
    session : Session
        The app's state.
    path : str or path
        Target ending in .zarr or .nc; written whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    held = list(session.runs.values())
    nodes = safe_names([one.label for one in held], taken=(APP,))
    tree = {f"/{node}": one.dataset for node, one in zip(nodes, held) if one.dataset is not None}
    pool: list[xr.Dataset] = []
    runs = [_run_state(one, number, node, tree, pool) for number, (one, node) in enumerate(zip(held, nodes))]
    references = _numbers(session.references, pool)
    for number, volume in enumerate(pool):
        tree[f"/{APP}/{_reference(number)}"] = volume
    state = {
        "version": VERSION,
        "view": {name: getattr(session, name) for name in VIEW},
        "shown": list(session.shown),
        "asked": {name: getattr(session, name) for name in ASKED},
        "entries": dict(session.entries),
        "origin": _kept_origin(session, Path(path)),
        "references": references,
        "runs": runs,
    }
    for run, one in zip(runs, held):
        run["has_particles"] = one.particles is not None and one.particles is session.particles
    tree[f"/{APP}"] = xr.Dataset(attrs={"schema": SCHEMA, "state": json.dumps(state, default=_plain)})
    io.save(xr.DataTree.from_dict(tree), path)


def _run_state(held: Held, number: int, node: str, tree: dict[str, xr.Dataset], pool: list[xr.Dataset]) -> dict:
    """Return what is kept of a run as text, and put its Datasets into the tree."""
    judgements = {key: f"run {number} judgement {place}" for place, key in enumerate(held.judgements)}
    iterations = [f"run {number} iteration {place}" for place in range(len(held.iterations))]
    tree.update({f"/{APP}/{name}": held.judgements[key] for key, name in judgements.items()})
    told = [one.assign_attrs(schema=ITERATION) for one in held.iterations]
    tree.update({f"/{APP}/{name}": one for name, one in zip(iterations, told)})
    return {
        "label": held.label,
        "node": node if held.dataset is not None else "",
        "verb": held.verb,
        "config": None if held.config is None else held.config.as_dict(),
        "status": "stopped" if held.status == "running" else held.status,
        "seconds": held.seconds,
        "notes": list(held.notes),
        "references": _numbers(held.references, pool),
        "judgements": judgements,
        "iterations": iterations,
    }


def _numbers(volumes: list[xr.Dataset] | None, pool: list[xr.Dataset]) -> list[int] | None:
    """Return the places of volumes in the pool, in which each is kept once."""
    if volumes is None:
        return None
    for volume in volumes:
        if not any(volume is one for one in pool):
            pool.append(volume)
    return [next(place for place, one in enumerate(pool) if one is volume) for volume in volumes]


def _reference(number: int) -> str:
    return f"reference {number}"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _kept_origin(session: Any, target: Path) -> dict[str, Any]:
    """Return how the particles are opened again: their file both from the session's folder and from the root."""
    origin = dict(session.origin)
    if "file" not in origin:
        return origin
    found = Path(origin["file"]).expanduser().absolute()
    try:
        near = os.path.relpath(found, target.expanduser().absolute().parent)
    except ValueError:
        near = str(found)
    return {"file": str(found), "near": Path(near).as_posix()}


def restore(session: Any, path: str | os.PathLike) -> None:
    """Bring back what a file of a session holds.

    Parameters
    ----------
    session : Session
        The app's state; what it held is let go if the file was written by `save`, else runs are added to it.
    path : str or path
        A .zarr folder or .nc file.

    Raises
    ------
    FormatError
        If it is missing, damaged, or holds nothing of this package.
    """
    opened = io.load(path)
    tree = opened if isinstance(opened, xr.DataTree) else xr.DataTree.from_dict({f"/{Path(path).stem}": opened})
    take_in(session, tree, {"file": os.fspath(path)})


def take_in(session: Any, tree: xr.DataTree, origin: Mapping[str, Any]) -> None:
    """Bring back what the tree of a file holds.

    Parameters
    ----------
    session : Session
        The app's state.
    tree : xarray.DataTree
        What `cryonb.load` returned.
    origin : mapping
        ``{"file": path}`` of that file, from which particles are looked for; may be empty.

    Raises
    ------
    FormatError
        If its state is damaged or of a later version, or there is nothing to show.
    """
    state = state_of(tree)
    if state is None:
        _add(session, tree)
        return
    folder = Path(str(origin.get("file", ""))).expanduser().absolute().parent
    try:
        kept = _kept(tree, state)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
        raise _damaged(problem) from problem
    particles, where, note = _particles(kept.origin, folder)
    runs = [dataclasses.replace(held, particles=particles if own else None) for held, own in kept.runs]
    settings, notes = _settings(kept.entries)
    with session.hold_trait_notifications():
        session.runs, session.shown = {held.label: held for held in runs}, tuple(kept.shown)
        session.references = kept.references
        session.particles, session.origin = particles, where if particles is not None else {}
        notes += _set(session, {**kept.asked, **kept.view})
        session.set_up(settings)
        session.notes = tuple(line for line in (note, *notes) if line)
    session.observe(_give_particles, "particles")


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


def _damaged(problem: Exception) -> FormatError:
    what = f"{type(problem).__name__}: {problem}"
    return FormatError(f"the state of a session must be whole; got one that cannot be read ({what}). Save it again.")


@dataclasses.dataclass(frozen=True)
class _Kept:
    """What a file holds, before anything of the session changes; runs with whether they had its particles."""

    runs: list[tuple[Held, bool]]
    shown: list[str]
    view: dict[str, Any]
    asked: dict[str, Any]
    entries: dict[str, Any]
    origin: dict[str, Any]
    references: list[xr.Dataset] | None


def _kept(tree: xr.DataTree, state: Mapping[str, Any]) -> _Kept:
    inner = tree.children[APP].children
    pool = {name: node.to_dataset() for name, node in inner.items() if name.startswith(_reference(0)[:-1])}

    def volumes(numbers: list[int] | None) -> list[xr.Dataset] | None:
        return None if numbers is None else [pool[_reference(number)] for number in numbers]

    runs = [(_held(tree, run, volumes(run["references"])), bool(run["has_particles"])) for run in state["runs"]]
    labels = {held.label for held, _ in runs}
    return _Kept(
        runs,
        [label for label in state["shown"] if label in labels],
        {name: state["view"][name] for name in VIEW},
        {name: state["asked"][name] for name in ASKED},
        dict(state["entries"]),
        dict(state["origin"]),
        volumes(state["references"]),
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


def _settings(entries: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """Return the settings as they were typed, the recipe first, since others go with it; and notes on unknown ones."""
    settings, unknown = Settings(), []
    for path in sorted(entries, key=lambda path: path != "refine.recipe"):
        value = tuple(entries[path]) if isinstance(entries[path], list) else entries[path]
        try:
            settings.put(path, value)
        except InputError:
            unknown.append(path)
    return settings, [
        f"Settings that this version does not know were left out: {', '.join(unknown)}."
    ] if unknown else []


def _set(session: Any, traits: Mapping[str, Any]) -> list[str]:
    """Set traits of the session, and return notes on those that cannot be."""
    refused = []
    for name, value in traits.items():
        try:
            setattr(session, name, value)
        except TraitError:
            refused.append(name)
    return [f"Parts of the view could not be brought back: {', '.join(refused)}."] if refused else []


def _add(session: Any, tree: xr.DataTree) -> None:
    """Add the runs of a tree that was not written by the app."""
    found = runs_in(tree, session.runs)
    if found.particles is not None:
        with session.hold_trait_notifications():
            session.particles, session.origin, session.source = found.particles, {}, described(found.particles, {})
    for held in found.runs:
        session.hold(dataclasses.replace(held, particles=found.particles), show=True)
    session.notes = (*session.notes, *found.notes)
    session.observe(_give_particles, "particles")


def _give_particles(change: Any) -> None:
    """Give particles that were opened later to the runs that were made from them."""
    session, particles = change.owner, change.new
    if particles is None or not session.runs:
        return
    fitting = {label: held for label, held in session.runs.items() if held.particles is None and _fit(held, particles)}
    if fitting:
        given = {label: dataclasses.replace(held, particles=particles) for label, held in fitting.items()}
        session.runs = {**session.runs, **given}


def _fit(held: Held, particles: xr.Dataset) -> bool:
    """Return whether a run was made from these particles, as far as their ids and pixel size tell."""
    if not held.is_refinement or "particle" not in held.dataset.coords:
        return False
    same_size = abs(float(held.dataset["pixel_size"]) - float(particles["pixel_size"])) < 1e-3 * float(
        particles["pixel_size"]
    )
    return same_size and bool(held.dataset["particle"].isin(particles["particle"].values).all())
