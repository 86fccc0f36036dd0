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
from ..errors import InputError
from .held import Held
from .kept import APP, ASKED, ITERATION, SCHEMA, VERSION, VIEW, Kept, read, reference
from .safe_names import safe_names
from .settings import Settings
from .wording import described
from .written_runs import runs_in


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
        tree[f"/{APP}/{reference(number)}"] = volume
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
    kept = read(tree, origin)
    if kept is None:
        _add(session, tree)
    else:
        put_back(session, kept)


def put_back(session: Any, kept: Kept) -> None:
    """Bring back what was kept, in the thread that owns the session.

    Parameters
    ----------
    session : Session
        The app's state; what it held is let go.
    kept : Kept
        From `read`.
    """
    runs = [dataclasses.replace(held, particles=kept.particles if own else None) for held, own in kept.runs]
    settings, notes = _settings(kept.entries)
    with session.hold_trait_notifications():
        session.runs, session.shown = {held.label: held for held in runs}, tuple(kept.shown)
        session.references = kept.references
        session.particles, session.origin = kept.particles, kept.origin
        notes += _set(session, {**kept.asked, **kept.view})
        session.source = session.source if kept.particles is not None else ""
        session.set_up(settings)
        session.notes = tuple(line for line in (kept.note, *notes) if line)
    session.observe(give_particles, "particles")


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
    session.observe(give_particles, "particles")


def give_particles(change: Any) -> None:
    """Give particles that were opened later to the runs that were made from them.

    Parameters
    ----------
    change : traitlets.Bunch
        Of a session's `particles`.
    """
    session, particles = change.owner, change.new
    if particles is None or not session.runs:
        return
    fitting = {label: held for label, held in session.runs.items() if held.particles is None and held.is_of(particles)}
    if fitting:
        given = {label: dataclasses.replace(held, particles=particles) for label, held in fitting.items()}
        session.runs = {**session.runs, **given}
