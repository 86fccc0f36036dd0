"""What the first map in view holds and the second does not."""

import dataclasses
import math
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ... import maps as one_map
from ... import plots
from ...errors import InputError
from .maps import view_of, with_maps
from .tab import Tab, nothing_in_view

if TYPE_CHECKING:
    from ...plots.marks import Sheet


@dataclasses.dataclass(frozen=True, eq=False)
class Compared:
    """Two maps and their difference.

    Attributes
    ----------
    runs : tuple of weakref.ref
        What was compared; it is not kept alive.
    class_id : int
        Which class.
    made : xarray.Dataset or None
        Kind ``cryonb/volume``; None where they cannot be compared.
    rms : tuple of float
        Root mean square of both maps and of the difference.
    fault : str
        Why they cannot be compared.
    """

    runs: tuple[weakref.ref, ...]
    class_id: int
    made: xr.Dataset | None = None
    rms: tuple[float, ...] = ()
    fault: str = ""

    def is_of(self, runs: tuple[xr.Dataset, xr.Dataset], class_id: int) -> bool:
        """Return whether it compares these very maps.

        Parameters
        ----------
        runs : tuple of xarray.Dataset
            Two runs.
        class_id : int
            Which class.

        Returns
        -------
        bool
            True if it does.
        """
        return self.class_id == class_id and all(one() is other for one, other in zip(self.runs, runs))


class DifferenceTab(Tab):
    """Both maps, and beside them what is in the first and not in the second."""

    name = "difference"
    title = "Difference"
    place = 50
    pane = "tiles"
    watches = ("runs", "shown", "plane", "place", "seen", "contrast", "class_id")
    controls = ("plane", "seen", "place", "contrast", "class_id")

    def __init__(self) -> None:
        self._last: weakref.WeakKeyDictionary[Any, Compared] = weakref.WeakKeyDictionary()

    def _sheet(self, session: Any) -> "Sheet | None":
        """Return the same section, or projection, of both maps and of the difference."""
        runs = first_two(session)
        if len(runs) < 2 or (found := self._compared(session, runs)).made is None:
            return None
        rms = dict(zip((*runs, "difference"), found.rms))
        return plots.difference_sheet(runs, found.made, rms, view_of(session))

    def _empty(self, session: Any) -> str:
        """Return why there is no difference."""
        runs = first_two(session)
        if len(runs) == 2:
            return self._compared(session, runs).fault
        self._last.pop(session, None)
        if not session.in_view():
            return nothing_in_view(session)
        return "A difference takes two maps: bring another run into view."

    def _compared(self, session: Any, runs: dict[str, xr.Dataset]) -> Compared:
        """Return the difference, which is made anew only where the maps are others; it goes with the session."""
        pair, class_id = tuple(runs.values()), session.class_id
        found = self._last.get(session)
        if found is None or not found.is_of(pair, class_id):
            found = self._last[session] = compared(pair, class_id, partial(self._forget, weakref.ref(session)))
        return found

    def _forget(self, session: weakref.ref, _run: Any) -> None:
        """Let go of the difference of a session when one of its runs is gone."""
        if (owner := session()) is not None:
            self._last.pop(owner, None)


def first_two(session: Any) -> dict[str, xr.Dataset]:
    """Return the first two runs in view that have a map.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    dict of str to xarray.Dataset
        Two at most, by label.
    """
    return dict(list(with_maps(session).items())[:2])


def compared(runs: tuple[xr.Dataset, xr.Dataset], class_id: int, gone: Callable[[Any], None] | None = None) -> Compared:
    """Return the difference of the maps of two runs.

    Parameters
    ----------
    runs : tuple of xarray.Dataset
        Both runs.
    class_id : int
        Which class, of runs that have several.
    gone : callable, optional
        Called when one of the runs is let go.

    Returns
    -------
    Compared
        The difference, or why there is none.
    """
    refs = tuple(weakref.ref(run, gone) for run in runs)
    try:
        shown = [one_map.shown_map(run, _class_of(run, class_id)) for run in runs]
        made = one_map.difference(*shown)
    except InputError as problem:
        return Compared(refs, class_id, fault=str(problem))
    return Compared(refs, class_id, made, tuple(_rms(one["density"].values) for one in (*shown, made)))


def _class_of(run: xr.Dataset, class_id: int) -> int | None:
    if "class_id" not in run.dims:
        return None
    return int(run["class_id"].values[min(max(class_id, 1), run.sizes["class_id"]) - 1])


def _rms(values: np.ndarray) -> float:
    return math.sqrt(float(np.mean(np.square(values, dtype=np.float64))))


TAB = DifferenceTab()
