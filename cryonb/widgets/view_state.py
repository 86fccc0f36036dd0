"""What is looked at, and how: runs, tab, plane, place, levels."""

import math
from typing import Any

import numpy as np
import xarray as xr
from traitlets import Dict, Enum, Float, HasTraits, Int, Tuple, Unicode

from ..errors import must
from .held import Held


class ViewState(HasTraits):
    """The runs that are kept, and how they are looked at."""

    runs = Dict(help="label -> Held, in the order in which they were made")
    shown = Tuple(help="labels of the runs set side by side")
    tab = Unicode("fsc")
    plane = Enum(("z", "y", "x"), "z")
    place = Float(0.0, help="of the section, from the centre [angstrom]")
    seen = Enum(("section", "projection"), "section")
    contrast = Float(1.0, help="1 = all of the grey range; larger is harder")
    iteration = Int(-1, help="whose curve is shown; -1 = the last")
    class_id = Int(1)
    levels = Dict(help="label -> density at which its surface is drawn")

    def hold(self, held: Held, show: bool = False) -> None:
        """Keep a run, in place of one of the same label.

        Parameters
        ----------
        held : Held
            The run.
        show : bool, optional
            Whether it comes into view.
        """
        with self.hold_trait_notifications():
            self.runs = {**self.runs, held.label: held}
            if show and held.label not in self.shown:
                self.shown = (*self.shown, held.label)[-MOST_SHOWN:]

    def drop(self, label: str) -> None:
        """Forget a run.

        Parameters
        ----------
        label : str
            Its name.
        """
        with self.hold_trait_notifications():
            self.shown = tuple(other for other in self.shown if other != label)
            self.runs = {other: held for other, held in self.runs.items() if other != label}
            self.levels = {other: level for other, level in self.levels.items() if other != label}

    def rename(self, label: str, new: str) -> None:
        """Give a run another name.

        Parameters
        ----------
        label, new : str
            Its name, and the new one.

        Raises
        ------
        InputError
            If the new one is empty or taken, or the run is still being made.
        """
        import dataclasses

        new = " ".join(new.split())
        must(bool(new), "a run must have a name", repr(new), "Type one")
        must(new == label or new not in self.runs, "names of runs must differ", repr(new), "Choose another")
        must(self.runs[label].status != "running", "a run must be finished to be renamed", "one that runs", "Wait")
        names = {label: new}
        with self.hold_trait_notifications():
            self.shown = tuple(names.get(other, other) for other in self.shown)
            self.levels = {names.get(other, other): level for other, level in self.levels.items()}
            self.runs = {
                names.get(other, other): dataclasses.replace(held, label=names.get(other, other))
                for other, held in self.runs.items()
            }

    def in_view(self) -> list[Held]:
        """Return the runs that are set side by side and have a result.

        Returns
        -------
        list of Held
            In the order of `shown`.
        """
        held = [self.runs[label] for label in self.shown if label in self.runs]
        return [one for one in held if one.dataset is not None]

    def bounds(self, trait: str) -> tuple[float, float, float]:
        """Return between which values a trait can be moved, as the runs in view stand.

        Parameters
        ----------
        trait : str
            ``"place"``, ``"iteration"``, ``"contrast"`` or ``"class_id"``.

        Returns
        -------
        tuple of float
            Lowest, highest and the step between two.

        Raises
        ------
        InputError
            If it is another trait.
        """
        makers = {
            "place": self._places,
            "iteration": self._iterations,
            "contrast": lambda: (0.5, 4.0, 0.1),
            "class_id": self._classes,
        }
        must(trait in makers, "a trait with bounds must be named", repr(trait), f"Use {', '.join(makers)}")
        return makers[trait]()

    def _places(self) -> tuple[float, float, float]:
        axes = [one.dataset["z"].values for one in self.in_view() if "z" in one.dataset.coords]
        if not axes:
            return (0.0, 0.0, 1.0)
        step = min(float(np.diff(axis[:2])[0]) for axis in axes)
        low, high = min(float(axis[0]) for axis in axes), max(float(axis[-1]) for axis in axes)
        return (step * math.ceil(low / step - 1e-6), step * math.floor(high / step + 1e-6), step)

    def _iterations(self) -> tuple[float, float, float]:
        numbers = [int(one["iteration"]) for held in self.in_view() for one in held.iterations]
        return (float(min(numbers, default=0)), float(max(numbers, default=0)), 1.0)

    def _classes(self) -> tuple[float, float, float]:
        most = max((one.dataset.sizes.get("class_id", 1) for one in self.in_view()), default=1)
        return (1.0, float(most), 1.0)

    def tree(self, results: dict[str, xr.Dataset] | None = None) -> Any:
        """Return the results of the runs in view as the children of one tree.

        Parameters
        ----------
        results : dict of str to xarray.Dataset, optional
            Others to take instead, by label.

        Returns
        -------
        xarray.DataTree or None
            None where there is nothing.
        """
        from ..compare import compare

        found = results if results is not None else {one.label: one.dataset for one in self.in_view()}
        return compare(found) if found else None


MOST_SHOWN = 4
"""Runs that are set side by side at most, unless more are picked by hand."""
