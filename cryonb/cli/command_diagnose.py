"""``cryonb diagnose INPUT [INPUT2] NAME``: one judgement of particles, a map, two half maps or a session."""

from pathlib import Path

import xarray as xr

from .. import diagnostics, refinements, verbs
from ..contracts import Diagnostic, Recipe
from ..errors import RunStopped, must, nearest
from . import inputs, machine, outputs, words
from .console import Console
from .flags import Parser, add_flags, given, value_of
from .outputs import check_writable
from .results import write_results

USAGE = "cryonb diagnose INPUT [INPUT2] NAME"


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
    known = {name: diagnostics.get(name) for name in diagnostics.names()}
    name = next((word for word in reversed(argv) if word in known), None)
    recipe = _recipe(known.get(name), argv)
    arguments = parser(known.get(name), known, recipe).read(argv)
    must(
        name is not None,
        "a diagnostic must have a known name",
        repr(arguments.words[-1]),
        nearest(arguments.words[-1], known),
    )
    must(arguments.words[-1] == name, "the diagnostic's name must come last", arguments.words[-1], USAGE)
    must(len(arguments.words) > 1, "an input must be given", "none", USAGE)
    return _judge(known[name], arguments, recipe, console)


def _recipe(diagnostic: Diagnostic | None, argv: list[str]) -> Recipe | None:
    """Return the recipe that a command line names for a diagnostic that refines; None where it names none."""
    if diagnostic is None or not diagnostics.takes_references(diagnostic):
        return None
    name = value_of(argv, "--refine.recipe")
    return refinements.recipe(name) if name else None


def _judge(diagnostic: Diagnostic, arguments: object, recipe: Recipe | None, console: Console) -> int:
    config = inputs.settings(arguments)
    seed = config.compute.seed
    out = Path(arguments.out)
    check_writable(out)
    images = verbs.needs_images(diagnostic)
    if verbs.joins_particles(diagnostic):
        machine.announce(config, console)
    opened = inputs.open_input(arguments.words[:-1], arguments, seed, images)
    options = given(arguments, diagnostic.options) | {"run": arguments.run}
    if getattr(arguments, "particles", None):
        options["particles"] = inputs.open_table(arguments.particles, arguments, seed)
    if getattr(arguments, "reference", None):
        options["references"] = arguments.reference
    settings = inputs.given_settings(arguments, recipe)
    with outputs.patience(verbs.joins_particles(diagnostic)):
        try:
            result = verbs.diagnose(opened, diagnostic.name, config=settings, progress=console.progress, **options)
        except RunStopped as stop:
            raise RunStopped(_rescued(out, diagnostic, stop.finished, console)) from stop
    lines = words.describe(diagnostic.title, result)
    written = write_results(out, {diagnostic.name: result}, lines)
    console.close()
    console.say("\n".join([*lines, f"Written to {out}: {', '.join(written)}"]))
    return 0


def _rescued(out: Path, diagnostic: Diagnostic, finished: xr.Dataset | None, console: Console) -> str:
    """Write what a run that was stopped had finished, without figures; return what to say about it."""
    if finished is None:
        return "the run was stopped before a curve was finished; nothing was written."
    console.complain("note: stopping; the curves that are finished are being written")
    lines = ["The run was stopped before its end: these are the curves that it had finished."]
    lines += words.describe(diagnostic.title, finished)
    written = write_results(out, {diagnostic.name: finished}, lines, {})
    return f"the run was stopped; the curves finished by then are in {out}: {', '.join(written)}."


def parser(diagnostic: Diagnostic | None, known: dict[str, Diagnostic], recipe: Recipe | None = None) -> Parser:
    """Return the parser of the command, with the options of one diagnostic.

    Parameters
    ----------
    diagnostic : Diagnostic or None
        The diagnostic, where it is known already.
    known : dict of str to Diagnostic
        All of them.
    recipe : Recipe, optional
        The recipe of a diagnostic that runs a refinement again, where it is known already.

    Returns
    -------
    Parser
        The parser.
    """
    rows = [f"  {name:<18} {plug.title}" for name, plug in known.items()]
    description = "\n".join(
        [
            "Judge particles, a map, two half maps or a session. Writes figures (PNG), curves (CSV, EMDB XML),",
            "maps (MRC), a session (.zarr) and summary.txt. `cryonb diagnose NAME --help` also shows the options",
            "that the diagnostic has of its own.",
            "",
            "diagnostics:",
            *rows,
        ]
    )
    made = Parser(prog="cryonb diagnose", usage=f"{USAGE} [options]", description=description)
    made.add_argument(
        "words", nargs="+", metavar="INPUT [INPUT2] NAME", help="the input's file or files, then the name"
    )
    made.add_argument("--run", metavar="NAME", help="part of a session to judge (default: the only one that fits)")
    inputs.add_common(made, "cryonb-diagnose")
    if diagnostic is None or verbs.joins_particles(diagnostic):
        about = "particles of the reconstruction to judge: .star, .cs or .mrcs (default: none; judge a particle table)"
        made.add_argument("--particles", metavar="FILE", help=about)
    if diagnostic is not None:
        add_flags(made, diagnostic.options, f"options of {diagnostic.name}")
    inputs.add_reading(made)
    particles = diagnostic is None or "cryonb/particles" in diagnostic.accepts
    refines = diagnostic is None or diagnostics.takes_references(diagnostic)
    groups = ("box", "mask", "imaging", "refine", "compute") if particles else ("mask", "compute")
    inputs.add_settings(made, groups, decides=refines)
    if refines:
        inputs.add_references(made, recipe)
    return made
