"""What a command computes on, said once where the work takes long."""

from ..backends import get_backend
from ..config import RunConfig
from ..engines import available_threads
from ..refine.loop import usable
from .console import Console


def announce(config: RunConfig, console: Console) -> None:
    """Tell the console which machine is going to work.

    Parameters
    ----------
    config : RunConfig
        Settings of the run.
    console : Console
        Where it is said, once the work has taken more than a second.

    Raises
    ------
    BackendUnavailable
        If the backend that was asked for cannot run here, and `compute.fallback` is off.
    """
    backend = get_backend(usable(config).compute.backend)
    threads = config.compute.threads or available_threads()
    many = "1 thread" if threads == 1 else f"{threads} threads"
    console.announce(f"on the CPU (Numba), {many}" if backend.name == "numba" else f"on {backend.describe()}")
