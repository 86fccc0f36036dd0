"""What plugs in: the protocols of a Backend, an Engine, a Recipe, a Diagnostic and a Format.

Each plug is one file in one folder. `discover` finds it by the upper-case name that the file binds
(`BACKEND`, `ENGINE`, `RECIPE`, `DIAGNOSTIC`, `FORMAT`); no list of plugs is kept anywhere.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any, Protocol


class Backend(Protocol):
    """A machine that runs array code and kernels.

    Attributes
    ----------
    name : str
        The word used in `ComputeConfig.backend`.
    rank : int
        The working backend of highest rank is taken where none is named.
    xp : module
        The array module: numpy, or one with its interface.
    fft : module
        Its Fourier transforms: scipy.fft, or one with its interface.
    """

    name: str
    rank: int
    xp: ModuleType
    fft: ModuleType

    def why_unavailable(self) -> str:
        """Return an empty string if the backend works here, else the reason with its remedy.

        Returns
        -------
        str
            The reason.
        """

    def owns(self, array: Any) -> bool:
        """Return whether `array` lives on this backend.

        Parameters
        ----------
        array : array
            An array of any backend.

        Returns
        -------
        bool
            True if it does.
        """

    def launch(self, maker: Callable, constants: tuple, shape: tuple[int, ...], arguments: tuple, threads: int) -> None:
        """Call the element function of a maker once for every index of `shape`; each call writes its own output.

        Parameters
        ----------
        maker : callable
            Takes a target, then `constants`; returns the element function.
        constants : tuple
            Numbers that are compiled in.
        shape : tuple of int
            How many items there are, per index.
        arguments : tuple of array
            What the element function reads and writes.
        threads : int
            Threads to use.
        """

    def launch_scatter(
        self, maker: Callable, constants: tuple, shape: tuple[int, ...], planes: int, arguments: tuple, threads: int
    ) -> None:
        """Call the element function of a maker for every index of `shape`; calls share outputs, owned by plane.

        Parameters
        ----------
        maker : callable
            Takes a target, then `constants`; returns the element function.
        constants : tuple
            Numbers that are compiled in.
        shape : tuple of int
            How many items there are, per index.
        planes : int
            Planes of the output that threads share out among themselves.
        arguments : tuple of array
            What the element function reads and adds to.
        threads : int
            Threads to use.
        """

    def free_memory(self) -> int:
        """Return how much memory can be allocated now.

        Returns
        -------
        int
            Free memory [byte].
        """


class Engine(Protocol):
    """Where independent pieces of one run are computed."""

    name: str

    def map(self, function: Callable, items: Sequence, threads: int) -> list:
        """Return `function(item, threads_for_it)` for every item, in order.

        Parameters
        ----------
        function : callable
            Takes an item and the number of threads that it may use.
        items : sequence
            Independent pieces of work.
        threads : int
            Threads for all of them together.

        Returns
        -------
        list
            Results in the order of the items.
        """


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
        volumes : ndarray, (classes, n, n, n), float32
            Starting volumes on the target grid, low-passed and in the grey scale of the images.

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
            The state after the last iteration.

        Returns
        -------
        State
            The next one.
        """

    def shown(self, run: Any, state: Any) -> tuple[Any, str]:
        """Return the map of every class that the package would show, for a person to look at: no decision reads it.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after an iteration.

        Returns
        -------
        volumes : ndarray, (classes, n, n, n), float32
            The maps, filtered and sharpened as the package does.
        note : str
            What was done to them, in a sentence; empty where there is nothing to say.
        """


class Format(Protocol):
    """One kind of file."""

    name: str
    suffixes: tuple[str, ...]


def discover(package: str, binding: str) -> dict[str, Any]:
    """Return every plug of a folder by its name.

    Parameters
    ----------
    package : str
        Dotted name of the folder, for example ``"cryonb.diagnostics"``.
    binding : str
        The upper-case name that a plug's file binds, for example ``"DIAGNOSTIC"``.

    Returns
    -------
    dict of str to object
        The plugs, ordered by file name.
    """
    folder = importlib.import_module(package)
    modules: Iterable = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    found = {}
    for name in modules:
        plug = getattr(importlib.import_module(f"{package}.{name}"), binding, None)
        if plug is not None:
            found[plug.name] = plug
    return found
