"""The first run of each notebook in a run of the tests: whoever needs it makes it, everybody else waits for it."""

import os
import time

import run_notebooks

FOLDER = "executed-course"
PATIENCE_SECONDS = 300.0


def first_run(book, folder):
    """Return a notebook after its first run, which is kept in a folder that all workers share."""
    path = folder / book.name
    end = time.monotonic() + PATIENCE_SECONDS
    while not path.is_file():
        if claimed(claim := path.with_suffix(".claimed")):
            try:
                run_notebooks.keep(run_notebooks.executed(book), folder)
            except Exception:
                claim.unlink()
                raise
        elif time.monotonic() > end:
            raise TimeoutError(f"another worker has begun to run {book.name}, and has not finished")
        else:
            time.sleep(0.2)
    return run_notebooks.kept(path)


def claimed(path):
    """Return whether this worker is the one that runs a notebook: the first that writes the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
