"""What judges and decides: the protocols of a Diagnostic and a Recipe; and that of a Format, which reads."""

from collections.abc import Callable
from typing import Any, Protocol


class Diagnostic(Protocol):
    """One judgement of a Dataset.

    Attributes
    ----------
    name : str
        The word used in `cn.diagnose(dataset, name)`.
    title : str
        The heading a person reads.
    accepts : tuple of str
        Schema names of the Datasets it takes.
    options : type
        A `Config` dataclass with the diagnostic's own settings.
    needs_images : bool, optional
        False for one that judges the table of particles only; their images are not looked for then. True if absent.
    takes_references : bool, optional
        True for one that runs a refinement again: `compute` then takes `references`, the starting volumes of that
        refinement as `refine` takes them, as a keyword. False if absent.
    runs : callable, optional
        For one that reconstructs: ``runs(options, config)`` is how many maps of a class it makes, for the time that
        it is expected to take.
    """

    name: str
    title: str
    accepts: tuple[str, ...]
    options: type

    def compute(
        self, dataset: Any, options: Any, config: Any, mask: Any, progress: Callable[[float, str], None]
    ) -> Any:
        """Return the Dataset of the judgement.

        Parameters
        ----------
        dataset : xarray.Dataset
            Of one of the accepted kinds.
        options : Config
            The diagnostic's own settings.
        config : RunConfig
            Settings of the runs it may start, and of the mask.
        mask : ndarray or None
            A mask given as an array.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Of the kind that the diagnostic declares.
        """


class Recipe(Protocol):
    """How a refinement decides: one package's account of halves, limits, masks and averages.

    Attributes
    ----------
    name : str
        The word used in `RefineConfig.recipe`.
    title : str
        The heading a person reads.
    params : type
        A `Config` dataclass with the recipe's own settings.
    defaults : mapping of str to number, optional
        What a zero of `n_iterations`, `initial_lowpass` or `limit_threshold` stands for in `RefineConfig`.
    needs_poses : bool, optional
        True for one that searches nothing: the table must then have poses. False if absent.
    """

    name: str
    title: str
    params: type
    defaults: dict

    def settle(self, config: Any, params: Any) -> Any:
        """Return the settings as the recipe needs them, before boxes and frequencies are made from them.

        Called once `defaults` are filled in. A recipe that asks for nothing leaves it out.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : Config
            The recipe's own settings.

        Returns
        -------
        RunConfig
            The same with what does not follow from the particles, such as a fixed box.

        Raises
        ------
        InputError
            If the recipe cannot work with these settings.
        """

    def decides(self, config: Any, params: Any) -> dict[str, str]:
        """Return the decisions in words, for tables that set recipes side by side.

        Parameters
        ----------
        config : RunConfig
            Settings, settled.
        params : Config
            The recipe's own settings.

        Returns
        -------
        dict of str to str
            Under `halves`, `limit`, `threshold`, `mask`, `volume`, `classes`.
        """

    def begin(self, run: Any, volumes: Any) -> Any:
        """Return the state before the first iteration.

        Parameters
        ----------
        run : Run
            Images and machinery.
        volumes : array, (classes, n, n, n), float32
            Starting volumes on the target grid, low-passed and in the grey scale of the images; of the run's backend.

        Returns
        -------
        State
            Iteration 0.
        """

    def iterate(self, run: Any, state: Any) -> Any:
        """Return the state after one more iteration.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after the last iteration, its volumes and mask on the run's backend.

        Returns
        -------
        State
            The next one; volumes and maps on the run's backend, which whoever called brings to the host.
        """

    def shown(self, run: Any, state: Any) -> tuple[Any, str]:
        """Return the map of every class that the package would show, for a person to look at: no decision reads it.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after an iteration, on the host.

        Returns
        -------
        volumes : array, (classes, n, n, n), float32, of the host or of the run's backend
            The maps, filtered and sharpened as the package does.
        note : str
            What was done to them, in a sentence; empty where there is nothing to say.
        """


class Format(Protocol):
    """One kind of file: a `cryonb.io.formats.FileFormat`, with functions for what it can read and write."""

    name: str
    suffixes: tuple[str, ...]
