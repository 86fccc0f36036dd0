"""What a command says and where: results on stdout; notes, progress and errors on stderr, one line each."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

LONG = 1.0
"""Seconds after which a bar is shown."""


class Console:
    """The voice of one command.

    Parameters
    ----------
    quiet : bool, optional
        Show no progress bar.

    Attributes
    ----------
    notes : list of str
        Warnings that have not been shown yet.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.notes: list[str] = []
        self._seen: set[str] = set()
        self._bar: tqdm | None = None
        self._machine, self._began = "", 0.0

    def say(self, text: str) -> None:
        """Print a result on stdout.

        Parameters
        ----------
        text : str
            One or more lines.
        """
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()

    def complain(self, text: str) -> None:
        """Print one line on stderr.

        Parameters
        ----------
        text : str
            The sentence; line breaks become spaces.
        """
        self.close()
        sys.stderr.write("cryonb: " + " ".join(str(text).split()) + "\n")
        sys.stderr.flush()

    def announce(self, machine: str) -> None:
        """Have it said what computes, once that has taken so long that a bar is shown.

        Parameters
        ----------
        machine : str
            What computes, in words.
        """
        self._machine = machine

    def progress(self, fraction: float, text: str = "") -> None:
        """Move the progress bar, which appears once a command has taken more than a second.

        Parameters
        ----------
        fraction : float
            Part done, between 0 and 1.
        text : str, optional
            What is being done.
        """
        self.show_notes()
        if self.quiet:
            return
        if self._bar is None:
            slow = 0.1 if sys.stderr.isatty() else 10.0
            self._began = time.monotonic()
            shape = "{desc} {percentage:3.0f} %|{bar:30}| {elapsed}"
            self._bar = tqdm(total=1.0, file=sys.stderr, delay=LONG, mininterval=slow, bar_format=shape, leave=False)
        if self._machine and time.monotonic() - self._began > LONG:
            tqdm.write(f"cryonb: {self._machine}", file=sys.stderr)
            self._machine = ""
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(min(max(fraction, 0.0), 1.0) - self._bar.n)

    def show_notes(self) -> None:
        """Print the warnings gathered so far, each once, and forget them."""
        waiting, self.notes = self.notes, []
        for note in waiting:
            if note not in self._seen:
                self._seen.add(note)
                self.complain(f"note: {note}")

    def close(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Gather the warnings meant for users; those of other libraries about themselves are dropped.

        Yields
        ------
        None
            While the command runs.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("always", category=UserWarning)
            warnings.showwarning = self._hear
            try:
                yield
            finally:
                self.close()

    def _hear(self, message: Warning, category: type[Warning], *_place: object) -> None:
        if category is UserWarning:
            self.notes.append(" ".join(str(message).split()))
