"""``cryonb demo``: no arguments, no files, no network."""

from pathlib import Path

from .. import demo, io, plots
from ..config import RunConfig
from ..errors import must
from . import inputs, machine
from .console import Console
from .flags import Parser
from .outputs import check_writable, results_folder
from .results import save_session

DESCRIPTION = """Simulate particles that hit their Nyquist frequency, reconstruct them at their own box and, in two
ways, at twice that, and show what each FSC curve is made of: signal, the corners of the images, or the interpolation
grid.

Writes figures (PNG), half maps (MRC), a session (.zarr) and summary.txt.
"""


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
        Exit code.
    """
    parser = Parser(prog="cryonb demo", description=DESCRIPTION)
    inputs.add_common(parser, "cryonb-demo")
    parser.add_argument("--seed", default="0", metavar="NUMBER", help="seed of everything random (default: 0)")
    arguments = parser.read(argv)
    must(arguments.seed.isdecimal(), "seed must be a whole number of at least 0", arguments.seed, "Use 0")
    out = Path(arguments.out)
    check_writable(out)
    machine.announce(RunConfig(), console)
    made = demo.demonstrate(int(arguments.seed), console.progress)
    lines = demo.summary(made)
    figures = {
        "demo": plots.side_by_side(made.tree()),
        "flat_tail": plots.draw(made.parts["flat_tail"]),
        "maps": plots.side_by_side(made.maps()),
    }
    with results_folder(out) as folder:
        for name, figure in figures.items():
            plots.save_figure(figure, folder / f"{name}.png")
        save_session(made.results(), folder)
        for name, made_run in made.runs.items():
            for half in made_run.half.values:
                io.write_map(made_run.half_map.sel(half=half), folder / f"{name}_half_{half}.mrc")
        (folder / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.close()
    console.say("\n".join([*lines, "", f"The figures, half maps and session are in {out}."]))
    return 0
