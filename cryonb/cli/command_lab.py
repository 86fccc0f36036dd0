"""``cryonb lab``: the notebook app, in JupyterLab."""

import os
import shutil
import sys
from importlib import metadata, util
from pathlib import Path

from ..errors import InputError, must
from .console import Console
from .flags import Parser

DESCRIPTION = """Start JupyterLab in a folder, with the quick-start notebook of the app open.

The notebooks of the course and their pictures are written to cryonb-notebooks in that folder; a notebook that is there
already is yours and stays as it is. Ctrl-C, twice, ends JupyterLab.
"""

NOTEBOOK = "00_quick_start.ipynb"
COURSE = "[0-9][0-9]_*.ipynb", "figures/[0-9][0-9]_*.png", "figures/demo.png"
"""The notebooks and their pictures, in the folder of notebooks."""
OWN_FOLDER, INSTALLED = "cryonb-notebooks", "share/cryonb/notebooks/"
NEEDS = ("jupyterlab", "ipywidgets", "ipykernel", "anywidget", "nglview")
INSTALL = "pip install 'cryonb[notebook]'"


def run(argv: list[str], console: Console) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str
        Arguments.
    console : Console
        Where to speak.

    Returns
    -------
    int
        Exit code; where JupyterLab starts, it takes the place of this process.
    """
    arguments = parser().read(argv)
    port, folder = arguments.port, Path(arguments.folder)
    must(not port or is_port(port), "port must be a whole number from 1 to 65535", port, "Use 8888")
    must(folder.is_dir(), "a folder must be there to start in", folder, "Make it first, or name another")
    absent = [package for package in NEEDS if util.find_spec(package) is None]
    must(not absent, "the notebook app must have its packages", f"no {', '.join(absent)}", f"Install them: {INSTALL}")
    notebook = placed(folder)
    console.say(f"The course is in {notebook.parent}; it opens with {notebook.name}. Ctrl-C, twice, ends JupyterLab.")
    asked = [f"--{name}" for name in ("no-browser", "allow-root") if getattr(arguments, name.replace("-", "_"))]
    start(command(notebook, folder, port, asked))
    return 0


def parser() -> Parser:
    """Return the parser of the command.

    Returns
    -------
    Parser
        Its options.
    """
    made = Parser(prog="cryonb lab", description=DESCRIPTION)
    made.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="FOLDER",
        help="where to start (default: here)",
    )
    made.add_argument("--port", default="", metavar="NUMBER", help="port of the server (default: 8888 or the next)")
    made.add_argument("--no-browser", action="store_true", help="only print the address (default: off)")
    made.add_argument("--allow-root", action="store_true", help="start as root, as in a container (default: off)")
    return made


def is_port(text: str) -> bool:
    """Return whether a text is the number of a port.

    Parameters
    ----------
    text : str
        What was typed.

    Returns
    -------
    bool
        True from 1 to 65535.

    Examples
    --------
    >>> is_port("8888"), is_port("0"), is_port("x")
    (True, False, False)
    """
    return text.isdecimal() and 0 < int(text) < 65536


def shipped() -> dict[str, Path]:
    """Return the files of the course: of the checkout that runs, or where the package was installed.

    Returns
    -------
    dict of str to pathlib.Path
        Each file by its path in the folder of notebooks.

    Raises
    ------
    InputError
        If they are in neither.
    """
    beside = Path(__file__).parents[2] / "notebooks"
    if (beside / NOTEBOOK).is_file():
        return {path.relative_to(beside).as_posix(): path for kind in COURSE for path in sorted(beside.glob(kind))}
    try:
        files = metadata.files("cryonb") or []
    except metadata.PackageNotFoundError:
        files = []
    places = {file.as_posix().partition(INSTALLED)[2]: Path(file.locate()) for file in files}
    found = {name: path for name, path in places.items() if name and path.is_file()}
    must(NOTEBOOK in found, "its notebooks must be installed", "none", "Install cryonb again")
    return found


def placed(folder: Path) -> Path:
    """Return the quick-start notebook in a folder; what is not there of the course is written there.

    Parameters
    ----------
    folder : pathlib.Path
        Where JupyterLab will start.

    Returns
    -------
    pathlib.Path
        The notebook.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    own = folder / OWN_FOLDER
    absent = {name: path for name, path in shipped().items() if not (own / name).exists()}
    try:
        for name, path in absent.items():
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, own / name)
    except OSError as problem:
        raise InputError(
            f"the folder must be writable; got {folder} ({problem.strerror}). Start in another folder."
        ) from problem
    return own / NOTEBOOK


def command(notebook: Path, folder: Path, port: str, asked: list[str]) -> list[str]:
    """Return the command that starts JupyterLab on a notebook.

    Parameters
    ----------
    notebook : pathlib.Path
        What to open.
    folder : pathlib.Path
        Root of what can be opened.
    port : str
        Number of the port; empty for the first that is free.
    asked : list of str
        Options of JupyterLab that it is given as they are.

    Returns
    -------
    list of str
        Program and arguments.
    """
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    words += [f"--LabApp.default_url=/lab/tree/{notebook.relative_to(folder).as_posix()}"]
    words += [f"--ServerApp.port={port}"] if port else []
    return [*words, *asked]


def start(words: list[str]) -> None:
    """Put a program in the place of this process, so that Ctrl-C is its own.

    Parameters
    ----------
    words : list of str
        Program and arguments.
    """
    sys.stdout.flush()
    os.execv(words[0], words)
