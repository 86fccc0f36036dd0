"""What computes: the protocols of a Backend and an Engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    lanes : int
        Neighbours that one thread of a kernel walks by itself, where a kernel leaves the choice.
    """

    name: str
    rank: int
    xp: ModuleType
    fft: ModuleType
    lanes: int

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

    def describe(self) -> str:
        """Return what the machine is, for a person and for the record of a run.

        Returns
        -------
        str
            Name, memory and versions, in one line.
        """

    def reading_of(self, problem: BaseException) -> str:
        """Return in a sentence how this machine failed, or nothing where the exception is not of its making.

        Parameters
        ----------
        problem : exception
            What was raised.

        Returns
        -------
        str
            What must hold, what arrived and what to do; empty for any other exception.
        """

    def workers(self, threads: int) -> int:
        """Return how many pieces of a run are worth computing at a time.

        Parameters
        ----------
        threads : int
            CPU threads of the run.

        Returns
        -------
        int
            Pieces.
        """

    def together(self, least: int, bytes_each: float) -> int:
        """Return how many images a step takes at a time.

        Parameters
        ----------
        least : int
            The least that makes sense.
        bytes_each : float
            What one image holds during the step [byte].

        Returns
        -------
        int
            A multiple of `least`.
        """

    def upload(self, array: Any) -> Any:
        """Return an array of the host, or of this backend, on this backend.

        Parameters
        ----------
        array : array
            The array.

        Returns
        -------
        array
            It, or a copy of it.
        """

    def download(self, array: Any) -> Any:
        """Return an array of this backend, or of the host, on the host.

        Parameters
        ----------
        array : array
            The array.

        Returns
        -------
        ndarray
            It, or a copy of it.
        """

    def feed(self, read: Callable[[Any], Any], items: Iterable) -> Iterator[Any]:
        """Yield what is read for one item after the other, on this backend.

        Parameters
        ----------
        read : callable
            Takes an item; returns an array of the host, or a tuple of them. May be called from other threads.
        items : iterable
            What to read.

        Yields
        ------
        array or tuple of array
            Valid until the next is asked for.
        """

    def non_uniform(
        self, kind: int, shape: tuple[int, ...], many: int, relative_error: float, upsampling: float, dtype: str
    ) -> Any:
        """Return a plan of non-uniform Fourier transforms, with `setpts` and `execute` as in finufft.

        Parameters
        ----------
        kind : {1, 2}
            1 from points to a grid with positive sign, 2 from a grid to points with negative sign.
        shape : tuple of int
            Points of the grid along each axis.
        many : int
            Transforms at a time.
        relative_error : float
            Wanted accuracy.
        upsampling : float
            Edge of the fine grid over that of the grid; may be left unheeded.
        dtype : {"complex64", "complex128"}
            Precision.

        Returns
        -------
        plan
            Takes and gives arrays of this backend.
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
