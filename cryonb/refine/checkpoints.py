"""A refinement on disk: the last finished iteration, written whole or not at all, and whose it is.

The state stands in one file, `state.npz`, that takes the place of the one before in a single step; what is killed
while it writes leaves the older one. The Datasets of the iterations are files beside it, for people: they are written
before the state, so that an iteration whose state stands is complete.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError, must
from .candidates import Candidates
from .state import State

FILE = "state.npz"
UNFINISHED = ".state.unfinished"

Save = Callable[[xr.Dataset, Path], Any]
Load = Callable[[Path], xr.Dataset]


@dataclasses.dataclass(frozen=True)
class Stored:
    """What a checkpoint gives back.

    Attributes
    ----------
    state : State
        The state after the last finished iteration.
    before : Candidates or None
        The poses of the iteration before it.
    """

    state: State
    before: Candidates | None


class Checkpoint:
    """A folder that a refinement continues from.

    Parameters
    ----------
    folder : str or path
        Where; it is made if it is missing, in a folder that exists.
    save : callable, optional
        Writes the Dataset of an iteration to a path, whole or not at all; without it only the state is kept.
    suffix : str, optional
        Kind of file that `save` writes.
    """

    def __init__(self, folder: str | os.PathLike, save: Save | None = None, suffix: str = ".nc") -> None:
        self.folder = Path(folder).expanduser()
        self._save, self._suffix = save, suffix

    def dataset_path(self, iteration: int) -> Path:
        """Return where the Dataset of an iteration stands.

        Parameters
        ----------
        iteration : int
            Which.

        Returns
        -------
        pathlib.Path
            The file, for example ``iteration_003.nc``.
        """
        return self.folder / f"iteration_{iteration:03d}{self._suffix}"

    def open(self, identity: Mapping[str, Any]) -> Stored | None:
        """Return what the folder holds of a run.

        Parameters
        ----------
        identity : mapping
            What decides the results: plain values, which may be nested.

        Returns
        -------
        Stored or None
            The last finished iteration; None where nothing is finished yet.

        Raises
        ------
        InputError
            If the folder cannot be used, or holds another run: with what differs.
        """
        parent = self.folder.parent
        must(parent.is_dir(), "the folder of a checkpoint must lie in one that exists", parent, "Create it")
        is_free = not self.folder.exists() or self.folder.is_dir()
        must(is_free, "a checkpoint must be a folder", f"the file {self.folder}", "Choose another name")
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as problem:
            raise _unwritable(self.folder, problem) from problem
        path = self.folder / FILE
        if not path.exists():
            return None
        record, stored = _read(path)
        _must_be_same(record, _plain(identity), self.folder)
        return stored

    def keep(
        self, identity: Mapping[str, Any], state: State, before: Candidates | None, dataset: xr.Dataset | None = None
    ) -> None:
        """Write a finished iteration.

        Parameters
        ----------
        identity : mapping
            What decides the results, as in `open`.
        state : State
            The state after it.
        before : Candidates or None
            The poses of the iteration before.
        dataset : xarray.Dataset, optional
            The iteration as a Dataset.

        Raises
        ------
        InputError
            If the disk is full or not writable; what stood there before still stands.
        """
        if dataset is not None and self._save is not None:
            self._save(dataset, self.dataset_path(state.iteration))
        unfinished = self.folder / UNFINISHED
        try:
            with unfinished.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **_arrays(identity, state, before))
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(unfinished, self.folder / FILE)
        except OSError as problem:
            unfinished.unlink(missing_ok=True)
            raise _unwritable(self.folder, problem) from problem


def _unwritable(folder: Path, problem: OSError) -> InputError:
    reason = problem.strerror or type(problem).__name__
    return InputError(f"a checkpoint must be writable with enough room; got {reason!r} in {folder}. Free some space.")


def _plain(identity: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(dict(identity), default=str, sort_keys=True))


def _arrays(identity: Mapping[str, Any], state: State, before: Candidates | None) -> dict[str, np.ndarray]:
    """Return everything as arrays, by names that say where they belong; texts and numbers as one text."""
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    arrays = {f"state.{name}": value for name, value in fields.items() if isinstance(value, np.ndarray)}
    for owner, poses in (("candidates", state.candidates), ("before", before)):
        if poses is not None:
            arrays |= {f"{owner}.{name}": values for name, values in poses.arrays().items()}
    scalars = {name: value for name, value in fields.items() if isinstance(value, (bool, int, float, str, np.generic))}
    record = {"identity": _plain(identity), "scalars": {name: _scalar(value) for name, value in scalars.items()}}
    return {**arrays, "record": np.array(json.dumps(record))}


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _read(path: Path) -> tuple[dict[str, Any], Stored]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        record = json.loads(str(arrays.pop("record")))
    except (OSError, ValueError, KeyError) as problem:
        raise InputError(
            f"{FILE} must be the state of a refinement; got a damaged file in {path.parent}. Choose another folder."
        ) from problem

    def part(owner: str) -> dict[str, np.ndarray]:
        return {name.split(".", 1)[1]: values for name, values in arrays.items() if name.startswith(f"{owner}.")}

    poses = {owner: Candidates(**found) if (found := part(owner)) else None for owner in ("candidates", "before")}
    fields = {field.name: None for field in dataclasses.fields(State)} | record["scalars"] | part("state")
    return record["identity"], Stored(State(**{**fields, "candidates": poses["candidates"]}), poses["before"])


def _must_be_same(stored: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    old, new = _flat(stored), _flat(wanted)
    differing = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    words = [_difference(name, old.get(name), new.get(name)) for name in differing[:3]]
    more = f", and {len(differing) - 3} more" if len(differing) > 3 else ""
    rule = "a refinement must continue from a folder of the same run"
    remedy = "Give the particles and settings of that run, or another folder"
    must(not differing, rule, f"{'; '.join(words)}{more} in {folder}", remedy)


def _difference(name: str, old: Any, new: Any) -> str:
    if name in ("particles", "references", "mask"):
        return f"other {name}" if name != "mask" else "another mask"
    return f"{name} {_said(new)} where it was {_said(old)}"


def _said(value: Any) -> str:
    return "not set" if value is None else f"{value!r}" if isinstance(value, str) else f"{value}"


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in nested.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
