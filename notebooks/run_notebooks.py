"""Run notebooks of the course from the first cell to the last, each in a kernel of its own, and say what they took.

From the root of a checkout, with the extra ``docs`` installed::

    python notebooks/run_notebooks.py                          all of them
    python notebooks/run_notebooks.py 00_quick_start 03        some; the start of a name is enough
    python notebooks/run_notebooks.py --out executed           and keep them with their outputs

A cell that raises ends the run with its traceback. Memory is what the kernel and all processes that it starts hold at
the same moment, looked at twenty times a second from outside: the notebook does not notice.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
CELL_SECONDS = 300
"""A cell that takes longer than this is stuck."""
SAMPLING_SECONDS = 0.05
GIGABYTE = 1e9
RUN, TAKEN = "run", ("seconds", "peak_bytes", "cpu_seconds")
"""Where notebooks that are kept say what their run took."""


@dataclass(frozen=True)
class Executed:
    """A notebook with the outputs of one run.

    Attributes
    ----------
    notebook : nbformat.NotebookNode
        All its cells, with their outputs.
    seconds : float
        Wall clock from the start of the kernel to the last output [second].
    peak_bytes : int
        Most memory that the kernel and its children held at once [byte].
    name : str
        Name of the file without its ending.
    cpu_seconds : float
        Time on cores, of the kernel and its children together [second]: on a machine that is busy with something else,
        a better measure of the work than the clock on the wall.
    """

    notebook: nbformat.NotebookNode = field(repr=False)
    seconds: float
    peak_bytes: int
    name: str = ""
    cpu_seconds: float = 0.0


class Watch:
    """What a process and its descendants hold and use, looked at from a thread.

    Attributes
    ----------
    peak_bytes : int
        The most resident memory that all of them held at once [byte].
    used : dict of int to float
        Time that each of them has spent on a core [second].
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.used: dict[int, float] = {}
        self._over = threading.Event()

    def start(self, process_id: int) -> None:
        """Look at a process until `stop`."""
        threading.Thread(target=self._look, args=(psutil.Process(process_id),), daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    @property
    def cpu_seconds(self) -> float:
        """Time on cores, of all of them [second]."""
        return sum(self.used.values())

    def _look(self, process: psutil.Process) -> None:
        while not self._over.wait(SAMPLING_SECONDS):
            try:
                family = [process, *process.children(recursive=True)]
            except psutil.Error:
                return
            self.peak_bytes = max(self.peak_bytes, sum(map(self._resident, family)))

    def _resident(self, process: psutil.Process) -> int:
        try:
            spent = process.cpu_times()
            self.used[process.pid] = spent.user + spent.system
            return process.memory_info().rss
        except psutil.Error:  # it ended while its family was counted
            return 0


def executed(path: str | Path) -> Executed:
    """Return a notebook as it is after all its cells have run, in a fresh kernel and an empty folder.

    Parameters
    ----------
    path : str or pathlib.Path
        The notebook; the file is not written.

    Returns
    -------
    Executed
        The notebook with outputs, and what it took.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    """
    notebook, watch, start = nbformat.read(path, as_version=4), Watch(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": folder}},
            on_notebook_start=lambda notebook: watch.start(client.km.provisioner.pid),
        )
        try:
            client.execute()
        except Exception as problem:
            problem.add_note(f"The notebook is {Path(path).name}.")
            raise
        finally:
            watch.stop()
    return Executed(notebook, time.monotonic() - start, watch.peak_bytes, Path(path).stem, watch.cpu_seconds)


def table(results: Iterable[Executed]) -> str:
    """Return time and memory of each notebook as lines of text, with a last one for all of them.

    Parameters
    ----------
    results : iterable of Executed
        What was run.

    Returns
    -------
    str
        The table.

    Examples
    --------
    >>> print(table([Executed(None, 9.64, 400_000_000, "00_quick_start", 12.1)]))
    notebook        seconds  on cores  peak memory
    00_quick_start      9.6      12.1      0.40 GB
    all                 9.6      12.1      0.40 GB
    """
    rows = [(result.name, result.seconds, result.cpu_seconds, result.peak_bytes) for result in results]
    _, seconds, spent, peaks = zip(*rows) if rows else ((),) * 4
    rows.append(("all", sum(seconds), sum(spent), max(peaks, default=0)))
    width = max(len(name) for name, *_ in [*rows, ("notebook",)])
    lines = [f"{'notebook':<{width}}  seconds  on cores  peak memory"]
    lines += [f"{name:<{width}}  {wall:7.1f}  {cpu:8.1f}  {peak / GIGABYTE:8.2f} GB" for name, wall, cpu, peak in rows]
    return "\n".join(lines)


def course(names: Iterable[str] = ()) -> list[Path]:
    """Return the notebooks of the course in their order, or those whose names start with one of these.

    Parameters
    ----------
    names : iterable of str
        Starts of names, as ``03``; none for all.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    ValueError
        If no notebook has such a name.
    """
    books = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
    if not names:
        return books
    found = {name: [book for book in books if book.name.startswith(Path(name).name)] for name in names}
    for name, fitting in found.items():
        if not fitting:
            raise ValueError(f"no notebook is called {name}: there are {', '.join(book.stem for book in books)}")
    return [book for book in books if any(book in fitting for fitting in found.values())]


def keep(result: Executed, folder: Path) -> Path:
    """Write a notebook with its outputs, and what the run took, into a folder; returns the file.

    The file appears when it is complete: who waits for it can read it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.from_dict(result.notebook)
    notebook.metadata[RUN] = {name: getattr(result, name) for name in TAKEN}
    path = folder / f"{result.name}.ipynb"
    partial = path.with_suffix(f".{os.getpid()}")
    nbformat.write(notebook, partial)
    return partial.replace(path)


def kept(path: str | Path) -> Executed:
    """Return what `keep` has written."""
    notebook = nbformat.read(path, as_version=4)
    return Executed(notebook, name=Path(path).stem, **notebook.metadata.pop(RUN))


def main(words: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="starts of names (default: the whole course)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where executed notebooks go (default: nowhere)")
    asked = parser.parse_args(words)
    try:
        books = course(asked.names)
    except ValueError as problem:
        parser.error(str(problem))
    results = []
    for book in books:
        results.append(executed(book))
        if asked.out:
            keep(results[-1], asked.out)
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
