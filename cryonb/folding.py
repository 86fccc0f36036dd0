"""What a cell prints, folded up: an answer that stays out of sight when all cells are run."""

import contextlib
import html
import io
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def folded(title: str = "What it prints") -> Iterator[None]:
    """Show what is printed inside the block folded up, to be opened with a click.

    JupyterLab unfolds the output of every cell that is run; this stays folded. Outside a notebook it is printed.

    Parameters
    ----------
    title : str, optional
        The line that is clicked on.

    Yields
    ------
    None
        While what is printed is kept back.

    Examples
    --------
    >>> with folded():
    ...     print("All of it.")
    All of it.
    """
    kept = io.StringIO()
    try:
        with contextlib.redirect_stdout(kept):
            yield
    finally:
        _show(title, kept.getvalue())


def _show(title: str, text: str) -> None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not text:
        sys.stdout.write(text)
        return
    from IPython.display import display

    words = f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre></details>"
    display({"text/html": words, "text/plain": text}, raw=True)
