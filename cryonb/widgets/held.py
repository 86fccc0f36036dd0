"""A run as the app keeps it: its result, how it went, and what was judged of it."""

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from ..config import RunConfig
from ..schema import PARTICLES, REFINEMENT, VOLUME

MAPS = ("half_map", "volume", "mask")
STATUSES = ("running", "finished", "stopped", "failed")

SAME_PIXEL = 1e-3
"""How much pixel sizes of the same images may differ, relative."""

_number = itertools.count(1).__next__


@dataclasses.dataclass(frozen=True, eq=False)
class Held:
    """One run.

    Attributes
    ----------
    label : str
        Its name in the app.
    dataset : xarray.Dataset or None
        Kind ``cryonb/refinement``, or what was opened in its place; None until there is something.
    particles : xarray.Dataset or None
        Kind ``cryonb/particles``: those that it was made from.
    references : list of xarray.Dataset or None
        The volumes that it started from.
    config : RunConfig or None
        The settings that made it; None where they are not known.
    verb : str
        ``"reconstruct"`` or ``"refine"``; empty for what was opened.
    iterations : tuple of xarray.Dataset
        Kind ``cryonb/refinement``, one an iteration, without maps.
    judgements : mapping of str to xarray.Dataset
        By the name of the diagnostic.
    notes : tuple of str
        What the run warned of.
    status : {"running", "finished", "stopped", "failed"}
        How it stands.
    seconds : float
        How long its iterations took, without what judged them [second].
    checkpoint : Path or None
        Folder that keeps the iterations of a refinement that was started here, from which it can go on.
    number : int
        One of its own, by which it is found again whatever it is called meanwhile.
    """

    label: str
    dataset: xr.Dataset | None = None
    particles: xr.Dataset | None = None
    references: list | None = None
    config: RunConfig | None = None
    verb: str = ""
    iterations: tuple[xr.Dataset, ...] = ()
    judgements: Mapping[str, xr.Dataset] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    status: str = "finished"
    seconds: float = 0.0
    checkpoint: Path | None = None
    number: int = dataclasses.field(default_factory=_number)

    @property
    def is_refinement(self) -> bool:
        """Whether its result is one of this package's reconstructions or refinements."""
        return self.dataset is not None and self.dataset.attrs.get("schema") == REFINEMENT.name

    @property
    def is_opened_map(self) -> bool:
        """Whether it is a map or two half maps that nobody made here, so that no settings go with it."""
        return self.dataset is not None and self.dataset.attrs.get("schema") == VOLUME.name

    def can_be_judged(self, kinds: tuple[str, ...]) -> bool:
        """Return whether a diagnostic that takes some kinds could judge the run.

        Parameters
        ----------
        kinds : tuple of str
            What it accepts.

        Returns
        -------
        bool
            True if the result is of such a kind, or it takes particles and they are at hand.
        """
        if self.dataset is None:
            return False
        joined = self.is_refinement and self.particles is not None and PARTICLES.name in kinds
        return joined or self.dataset.attrs.get("schema") in kinds

    def is_of(self, particles: xr.Dataset) -> bool:
        """Return whether the run was made from some particles, as far as their ids and pixel size tell.

        Parameters
        ----------
        particles : xarray.Dataset
            Kind ``cryonb/particles``.

        Returns
        -------
        bool
            True if all its particles are there, at the same pixel size.
        """
        if not self.is_refinement or "particle" not in self.dataset.coords:
            return False
        own, other = float(self.dataset["pixel_size"]), float(particles["pixel_size"])
        return abs(own - other) < SAME_PIXEL * other and bool(
            self.dataset["particle"].isin(particles["particle"].values).all()
        )

    def class_of(self, class_id: int) -> int | None:
        """Return which of its classes stands for a number that was chosen for all runs.

        Parameters
        ----------
        class_id : int
            The number, from 1.

        Returns
        -------
        int or None
            That class; the last where there are fewer, None where there are none.
        """
        if self.dataset is None or "class_id" not in self.dataset.dims:
            return None
        return int(self.dataset["class_id"].values[min(max(class_id, 1), self.dataset.sizes["class_id"]) - 1])

    def with_iteration(self, made: xr.Dataset) -> "Held":
        """Return the run with a new result, which nobody has judged yet.

        One of an iteration that was already there takes its place.

        Parameters
        ----------
        made : xarray.Dataset
            Kind ``cryonb/refinement``.

        Returns
        -------
        Held
            The run.
        """
        if "iteration" not in made:
            return dataclasses.replace(self, dataset=made, judgements={})
        number = int(made["iteration"])
        before = tuple(one for one in self.iterations if int(one["iteration"]) < number)
        return dataclasses.replace(self, dataset=made, iterations=(*before, without_maps(made)), judgements={})

    def judged(self, name: str, judgement: xr.Dataset) -> "Held":
        """Return the run with one more judgement.

        Parameters
        ----------
        name : str
            Name of the diagnostic.
        judgement : xarray.Dataset
            What it found.

        Returns
        -------
        Held
            The run.
        """
        return dataclasses.replace(self, judgements={**self.judgements, name: judgement})


def without_maps(made: xr.Dataset) -> xr.Dataset:
    """Return a Dataset of a refinement with curves, poses and claims only.

    Parameters
    ----------
    made : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    xarray.Dataset
        The same without maps and masks.
    """
    return made.drop_vars([name for name in MAPS if name in made]).drop_dims(["z", "y", "x"], errors="ignore")
