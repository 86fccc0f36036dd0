"""Fixed poses: nothing is searched; the poses and half sets of the table, inserted once."""

import dataclasses
from typing import Any

import numpy as np

from ...config import RunConfig
from ...knobs import Config
from ..half_map import half_map
from ..joining import must_be_one_class
from ..limits import read_fsc
from ..state import State


@dataclasses.dataclass(frozen=True)
class FixedPosesParams(Config):
    """Fixed poses have no settings of their own."""


class FixedPoses:
    """The poses of the table, as a plain reconstruction takes them: its half maps to the same bits."""

    name = "fixed_poses"
    title = "Fixed poses: reconstruction only"
    params = FixedPosesParams
    needs_poses = True
    defaults = {"n_iterations": 1, "limit_threshold": 0.143}

    def settle(self, config: RunConfig, params: FixedPosesParams) -> RunConfig:
        """Return the settings as they are, for one class.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : FixedPosesParams
            None.

        Returns
        -------
        RunConfig
            The same.

        Raises
        ------
        InputError
            If more classes than one are asked for.
        """
        must_be_one_class(config, self.name)
        return config

    def decides(self, config: RunConfig, params: FixedPosesParams) -> dict[str, str]:
        """Return the decisions in words.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : FixedPosesParams
            None.

        Returns
        -------
        dict of str to str
            Halves, limit, threshold, mask, volume, classes.
        """
        return {
            "halves": "those of the table, or drawn where it has none",
            "limit": "none: nothing is aligned",
            "threshold": f"FSC {config.refine.limit_threshold:g}",
            "mask": "none",
            "volume": "sum over weights",
            "classes": "1",
        }

    def begin(self, run: Any, volumes: Any) -> State:
        """Return the state before the only iteration.

        Parameters
        ----------
        run : Run
            Images and machinery.
        volumes : array or None
            Not used: no pose depends on a reference.

        Returns
        -------
        State
            Iteration 0.
        """
        noise = run.background_noise(run.members(run.half, None))
        return State(0, volumes if volumes is None else volumes[:, None], None, 0.0, noise[None], run.half)

    def iterate(self, run: Any, state: State) -> State:
        """Return the half maps of the poses in the table.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state before.

        Returns
        -------
        State
            The only one, its maps on the backend.
        """
        halves = [run.images.shown(run.members(state.half, which)) for which in (1, 2)]
        made = [half_map(half, run.threads, run.counter) for half in halves]
        maps = run.backend.xp.stack([part.density for part in made])
        curve = run.fsc(*maps)
        reading = read_fsc(curve, run.config.refine.limit_threshold, run.sampling.field_of_view)
        return dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=maps.mean(axis=0, dtype=np.float32)[None, None],
            limit=run.sampling.max_index,
            candidates=run.given(),
            half_map=maps[None],
            shell_weight=np.stack([part.shell_weight for part in made])[None],
            fsc=curve[None],
            claimed=np.array([reading.claimed]),
            converged=True,
            note=reading.note,
        )

    def shown(self, run: Any, state: State) -> tuple[np.ndarray, str]:
        """Return the mean of both half maps.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after the iteration.

        Returns
        -------
        volumes : ndarray, (1, n, n, n), float32
            The map.
        note : str
            What was done to it.
        """
        return state.half_map.mean(axis=1, dtype=np.float32), "mean of both half maps, neither filtered nor sharpened"


RECIPE = FixedPoses()
