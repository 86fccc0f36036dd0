"""The commands, with what their own ``--help`` prints."""

import contextlib
import io
import os
from collections.abc import Iterator

from cryonb import cli

from . import restructured as rst

COLUMNS = "88"


def pages() -> dict[str, str]:
    """Return the page of every command, and the one that lists them."""
    rows = [(rst.link(f"cryonb {name}", f"command-{name}"), text) for name, text in cli.COMMANDS.items()]
    overview = rst.page(
        rst.heading("Commands", label="reference-commands"),
        rst.table(("Command", "What it does"), rows),
        rst.block("text", help_of()),
        rst.toctree(cli.COMMANDS),
    )
    return {"commands/index": overview, **{f"commands/{name}": page(name, text) for name, text in cli.COMMANDS.items()}}


def page(name: str, text: str) -> str:
    """Return the page of a command."""
    sentence = text[0].upper() + text[1:] + "."
    title = rst.heading(f"cryonb {name}", label=f"command-{name}")
    return rst.page(title, [sentence, ""], rst.block("text", help_of(name)))


def help_of(*words: str) -> str:
    """Return what a command prints when it is asked for help."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), plain_terminal():
        code = cli.main([*words, "--help"])
    if code or not said.getvalue().strip():
        raise RuntimeError(f"cryonb {' '.join(words)} --help ended with {code}")
    return said.getvalue()


@contextlib.contextmanager
def plain_terminal() -> Iterator[None]:
    """Have programs think of a terminal of a fixed width without colours."""
    wanted = {"COLUMNS": COLUMNS, "NO_COLOR": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
