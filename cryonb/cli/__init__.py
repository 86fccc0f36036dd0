"""The commands: ``cryonb demo | simulate | reconstruct | refine | diagnose | compare | lab | doctor``.

Exit code 0 when a command did what it was asked, 1 when a run failed, 2 when the input cannot work. What went wrong
is one line on stderr. Nothing is written by a command that does not end well, but for what a refinement had finished.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import BackendUnavailable, CryonbError, InputError, must, nearest
from . import outputs
from .console import Console

SUCCESS, FAILED, BAD_INPUT = 0, 1, 2

COMMANDS = {
    "demo": "simulate, reconstruct and judge a small data set: no arguments, no files, about a minute",
    "simulate": "make particles with known poses from a phantom, a map or an atomic model",
    "reconstruct": "particles with known poses in, half maps and an honest FSC out",
    "refine": "particles in, poses, classes and maps out, decided by a recipe; keeps every iteration and resumes",
    "diagnose": "judge particles, a map, two half maps or a session",
    "compare": "put runs and curves side by side, or every recipe's decisions on the same particles",
    "lab": "JupyterLab with the quick-start notebook of the app",
    "doctor": "what is installed, what works here, and why the rest does not",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``cryonb``; by default those of the process.

    Returns
    -------
    int
        0 for success, 1 for a run that failed, 2 for input that cannot work.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(quiet="--quiet" in words)
    try:
        with console.listening():
            code = _run(words, console)
            console.show_notes()
            return code
    except SystemExit as end:
        return int(end.code or SUCCESS)
    except (InputError, BackendUnavailable) as error:
        return _end(console, error, BAD_INPUT)
    except KeyboardInterrupt:
        return _end(console, outputs.stopped(), FAILED)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except MemoryError:
        return _end(console, "the run needs more memory than is free; use a smaller box or pad factor.", FAILED)
    except CryonbError as error:
        return _end(console, error, FAILED)
    except Exception as error:
        if "--traceback" in words:
            raise
        text = f"the run failed: {type(error).__name__}: {error}; run it again with --traceback to see where."
        return _end(console, text, FAILED)


def _run(words: list[str], console: Console) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        console.say(overview())
        return SUCCESS
    if words[0] == "--version":
        console.say(f"cryonb {import_module('cryonb').__version__}")
        return SUCCESS
    name = words[0]
    must(name in COMMANDS, "a command must have a known name", repr(name), nearest(name, COMMANDS))
    return import_module(f".command_{name}", __name__).run(words[1:], console)


def overview() -> str:
    """Return the help that ``cryonb --help`` prints.

    Returns
    -------
    str
        The commands and what each does.
    """
    rows = [f"  {name:<12} {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: cryonb COMMAND [arguments]",
            "",
            "What is your FSC curve made of?",
            "",
            *rows,
            "",
            "`cryonb COMMAND --help` explains every option with its unit and default.",
            "Exit codes: 0 done, 1 the run failed, 2 the input cannot work.",
        ]
    )


def _end(console: Console, text: object, code: int) -> int:
    if code == FAILED:
        console.show_notes()
    console.complain(str(text))
    return code
