"""The folder of a refinement: what it was asked to do, its checkpoint, and whether it can be continued."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import xarray as xr

from .. import io
from ..config import RunConfig
from ..errors import InputError, missing, must
from ..knobs import hints, knobs

RECORD, CHECKPOINT = "refinement.json", "iterations"
MORE_IS_FINE = "n_iterations"
"""The one setting that changes what a run does and not what its iterations are."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What a refinement was asked to do.

    Attributes
    ----------
    particles : str
        The table.
    references : list of str
        Maps to start from; empty for none.
    reading : dict
        How the table is read: root, passthrough, pixel_size.
    settings : dict
        Settings that were given, by group.
    """

    particles: str
    references: list[str]
    reading: dict[str, Any]
    settings: dict[str, Any]

    @property
    def config(self) -> RunConfig:
        """The settings, checked."""
        config = RunConfig.gather(self.settings)
        config.mask.must_read(self.settings.get("mask", {}))
        return config

    def keep(self, folder: Path) -> None:
        """Write the request into a folder.

        Parameters
        ----------
        folder : Path
            An existing folder.
        """
        with io.replacing(folder / RECORD) as partial:
            partial.write_text(json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def kept(cls, folder: Path) -> Self:
        """Return the request that a folder holds.

        Parameters
        ----------
        folder : Path
            The folder of a refinement.

        Returns
        -------
        Request
            The request.

        Raises
        ------
        InputError
            If the folder is not that of a refinement.
        """
        rule, remedy = "the folder to resume must be that of a refinement", "Give the --out of `cryonb refine`"
        path = folder / RECORD
        got = f"{folder} without {RECORD}" if folder.is_dir() else missing(folder)
        must(path.is_file(), rule, got, remedy)
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise InputError(f"{rule}; got a damaged {path}. {remedy}.") from None

    def continued(self, settings: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the request with settings that were given when it is resumed.

        Parameters
        ----------
        settings : mapping of str to mapping
            Those given, by group.

        Returns
        -------
        Request
            The same with other settings of speed, and perhaps more iterations.

        Raises
        ------
        InputError
            If one would change the results.
        """
        old = self.config
        merged = {name: {**self.settings.get(name, {}), **settings.get(name, {})} for name in hints(RunConfig)}
        params = {**old.refine.params, **settings.get("refine", {}).get("params", {})}
        merged["refine"] = {**merged["refine"], "params": params}
        new = RunConfig.gather(merged)
        for group, kind in hints(RunConfig).items():
            for field, _ in knobs(kind):
                before, after = (getattr(getattr(config, group), field.name) for config in (old, new))
                free = field.metadata["affects"] == "speed" or field.name == MORE_IS_FINE
                rule = "a refinement must be resumed with its own settings"
                got = f"{group}.{field.name} {after} where it was {before}"
                must(free or before == after, rule, got, "Leave it out, or start another run with --out")
        return dataclasses.replace(self, settings={name: group for name, group in merged.items() if group})


def iterations_in(folder: Path) -> list[xr.Dataset]:
    """Return the finished iterations of a folder without their volumes, in their order.

    Parameters
    ----------
    folder : Path
        The folder of a refinement.

    Returns
    -------
    list of xarray.Dataset
        Kind ``cryonb/refinement``, without maps.
    """
    paths = sorted((folder / CHECKPOINT).glob("iteration_*.nc"))
    return [without_maps(io.load(path)) for path in paths]


def without_maps(run: xr.Dataset) -> xr.Dataset:
    """Return a run without its volumes.

    Parameters
    ----------
    run : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    xarray.Dataset
        What is small of it.
    """
    return run.drop_dims(["z", "y", "x"])


def prepare(folder: Path, request: Request, resumed: bool = False) -> bool:
    """Make the folder of a refinement, and keep in it what is asked.

    Parameters
    ----------
    folder : Path
        Where; its parents need not exist.
    request : Request
        What is asked.
    resumed : bool, optional
        Whether the refinement that the folder holds is meant.

    Returns
    -------
    bool
        Whether the folder is new.

    Raises
    ------
    InputError
        If it holds another refinement.
    """
    taken = (folder / RECORD).exists() and not resumed
    remedy = f"Continue that one with cryonb refine --resume {folder}, or choose another --out"
    must(not taken, "the output folder must hold no other refinement", f"one in {folder}", remedy)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    request.keep(folder)
    return is_new


def is_worthless(folder: Path, refused: bool) -> bool:
    """Return whether a refinement that did not end left nothing to go on from.

    Parameters
    ----------
    folder : Path
        Its folder.
    refused : bool
        Whether it ended since its input cannot work.

    Returns
    -------
    bool
        True without a finished iteration, and without a start that could be gone on from.
    """
    checkpoint = folder / CHECKPOINT
    begun = checkpoint.is_dir() and any(checkpoint.iterdir())
    return not any(checkpoint.glob("iteration_*.nc")) and (refused or not begun)


def forget(folder: Path, is_new: bool) -> None:
    """Remove what a refinement left that had finished nothing.

    Parameters
    ----------
    folder : Path
        Its folder.
    is_new : bool
        Whether it was made for it.
    """
    if is_new:
        shutil.rmtree(folder, ignore_errors=True)
        return
    (folder / RECORD).unlink(missing_ok=True)
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
