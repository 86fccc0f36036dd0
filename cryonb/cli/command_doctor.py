"""``cryonb doctor``."""

from importlib import import_module

from . import doctor
from .console import Console
from .flags import Parser


def run(words: list[str], console: Console) -> int:
    """Say what is installed and what works here.

    Parameters
    ----------
    words : list of str
        Arguments.
    console : Console
        Where to say it.

    Returns
    -------
    int
        0 if cryonb can run here, else 1.
    """
    Parser(prog="cryonb doctor", description="Say what is installed, what works here, and why the rest does not.").read(
        words
    )
    console.say("\n".join(doctor.examine(import_module("cryonb").__version__)))
    return 1 if doctor.missing() or not doctor.working_backends() else 0
