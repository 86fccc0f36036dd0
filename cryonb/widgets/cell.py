"""The notebook cell that makes the current view again, in plain cryonb."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from .. import diagnostics, plots
from ..config import RunConfig
from ..knobs import hints
from ..opening import TABLES
from ..verbs import READ_OF_REFINE, joins_particles
from .held import Held
from .made_with import record_of, settings_of, verb_of
from .source_code import call, keywords, literal, mapping
from .tabs import tabs
from .tabs.fsc import at_iteration, curves
from .tabs.history import histories
from .tabs.maps import with_maps
from .tabs.tab import judged

NOTHING = (
    "import cryonb as cn\n\n# Nothing is in view yet: run something, or open a session, and this cell makes it again.\n"
)
BY_LABEL = "for label, run in runs.items()}"


def cell(session: Any) -> str:
    """Return a notebook cell that recreates what is in view.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    str
        Python source; settings are written where they differ from their defaults. What was given in memory, and what
        was opened and not made, has to be put in by hand, and a comment says so.
    """
    held = [one for one in session.in_view() if one.status != "running" or one.iterations]
    if not held:
        return NOTHING
    view = _view(session, held)
    made = mapping("runs", {one.label: _run(one, session) for one in held})
    opening = ["import cryonb as cn"]
    if "islice(" in made:
        opening.insert(0, "from itertools import islice\n")
    needed = [made] if any("runs" in part for part in view) else []
    parts = ["\n".join(opening), *_inputs(session, held), *needed, *view]
    return "\n\n".join(part for part in parts if part) + "\n"


# What the runs are made from ------------------------------------------------------------------------------------------


def _inputs(session: Any, held: list[Held]) -> list[str]:
    made = [one for one in held if verb_of(one) and settings_of(one) is not None]
    needs = bool(made) or session.tab in _with_images()
    given = any(one.references for one in held)
    lines = [_particles(session)] if needs else []
    if given:
        lines.append("# references: the starting volumes, which were given in memory")
    opened = [literal(one.label) for one in held if one not in made]
    if opened:
        lines.append(f"# opened: a dict that holds {', '.join(opened)}, which was opened and not made here")
    return lines


def _with_images() -> set[str]:
    return {tab.name for tab in tabs() if tab.options and joins_particles(diagnostics.get(tab.options))}


def _particles(session: Any) -> str:
    origin = session.origin
    if "demo" in origin:
        seed = int(origin["demo"])
        return f"particles = {call('cn.demo_particles', keywords({'seed': seed} if seed else {}))}"
    if "file" not in origin:
        return "# particles: the Dataset of particles, which was given in memory"
    name = str(origin["file"])
    if not name.lower().endswith(TABLES):
        return f"particles = cn.load({literal(name)})"
    without = session.particles is not None and "rot" not in session.particles
    more = keywords({"require_poses": False}) if without else []
    return f"particles = {call('cn.open_particles', [literal(Path(name).as_posix()), *more])}"


def _run(held: Held, session: Any) -> str:
    """Return the source that makes one run."""
    config, verb = settings_of(held), verb_of(held)
    if config is None or not verb:
        return f"opened[{literal(held.label)}]"
    arguments = ["particles", *(["references"] if held.references else []), *keywords(changed(config, verb))]
    place = _place(held, session)
    if place is None:
        return call(f"cn.{verb}", arguments, 4)
    return f"next(islice({call('cn.iterate', arguments, 4)}, {place}, None))"


def _place(held: Held, session: Any) -> int | None:
    """Return which iteration of a refinement is in view, counted from 0; None for the last of one that has ended."""
    if verb_of(held) != "refine" or not held.iterations:
        return None
    if session.tab == "fsc" and session.iteration >= 0:
        at = at_iteration(held, session.iteration)
        return next(place for place, one in enumerate(held.iterations) if one is at)
    return None if held.status == "finished" else len(held.iterations) - 1


def changed(config: RunConfig, verb: str) -> dict[str, dict[str, Any]]:
    """Return the settings that differ from their defaults and that change results.

    Parameters
    ----------
    config : RunConfig
        Settings.
    verb : {"reconstruct", "refine"}
        Which verb reads them.

    Returns
    -------
    dict of str to dict
        Groups and fields.

    Examples
    --------
    >>> changed(RunConfig.gather(box=dict(pad_factor=1), compute=dict(threads=2)), "reconstruct")
    {'box': {'pad_factor': 1.0}}
    """
    found = {}
    for name, group in hints(RunConfig).items():
        values, default = getattr(config, name).as_dict(), group().as_dict()
        slow = {field.name for field in dataclasses.fields(group) if field.metadata.get("affects") == "speed"}
        differ = {field: value for field, value in values.items() if value != default[field] and field not in slow}
        if name == "refine" and verb == "reconstruct":
            differ = {field: value for field, value in differ.items() if field in READ_OF_REFINE}
        if differ:
            found[name] = differ
    return found


# How they are looked at ----------------------------------------------------------------------------------------------


def _view(session: Any, held: list[Held]) -> list[str]:
    """Return the source of the figure of the tab in view."""
    makers: dict[str, Callable[[Any, list[Held]], list[str]]] = {
        "fsc": _overlay,
        "maps": _sections,
        "surfaces": _surfaces,
        "difference": _difference,
        "history": _history,
        "record": _record,
    }
    tab = next((tab for tab in tabs() if tab.name == session.tab), None)
    if session.tab in makers:
        return makers[session.tab](session, held)
    if tab is not None and tab.options:
        return _judgements(session, held, tab.options)
    return _shown(held, "runs")


def _shown(held: list[Held], name: str, labels: list[str] | None = None) -> list[str]:
    """Return the source that draws runs, or what was made of them: one alone, or several side by side."""
    labels = [one.label for one in held] if labels is None else labels
    drawn = f"cn.draw({name}[{literal(labels[0])}])" if len(labels) == 1 else f"cn.draw(cn.compare({name}))"
    return [f"figure = {drawn}\nfigure"]


def _diagnosed(session: Any, held: list[Held], name: str, run: str = "run") -> str:
    """Return the source of a judgement of a run, with the options that made those in view."""
    plug, more = diagnostics.get(name), {}
    arguments = [run, literal(name)]
    if joins_particles(plug):
        arguments.append("particles=particles")
    if diagnostics.takes_references(plug) and any(one.references for one in held):
        arguments.append("references=references")
    given = next(iter(judged(session, name).values()), None)
    recorded = record_of(given).get("settings", {}).get("options")
    if recorded is None:
        more = session.options(name)
    else:
        default = plug.options().as_dict()
        known = {field: _as(default[field], value) for field, value in recorded.items() if field in default}
        more = {field: value for field, value in known.items() if value != default[field]}
    if all(one.is_opened_map for one in held):
        more = {**session.of_opened_maps(), **more}
    return call("cn.diagnose", [*arguments, *keywords(more)], 4)


def _as(default: Any, value: Any) -> Any:
    return tuple(value) if isinstance(default, tuple) else value


def _judgements(session: Any, held: list[Held], name: str) -> list[str]:
    plug, found = diagnostics.get(name), judged(session, name)
    labels = [one.label for one in held if one.label in found] or [
        one.label for one in held if one.can_be_judged(plug.accepts)
    ]
    if not labels:
        return [f"# {plug.title}: no run in view can be judged", *_shown(held, "runs")]
    those = _those(labels, held)
    made = f"found = {{label: {_diagnosed(session, held, name)} {those}"
    return [made, *_shown(held, "found", labels)]


def _those(labels: list[str], held: list[Held]) -> str:
    """Return the end of a comprehension over the runs of some labels."""
    if len(labels) == len(held):
        return BY_LABEL
    return f"{BY_LABEL[:-1]} if label in {literal(tuple(labels))}}}"


def _overlay(session: Any, held: list[Held]) -> list[str]:
    found, names = curves(session), [one.label for one in held]
    is_judged = [
        one.label for one in held if one.label in found and _is_fsc(found[one.label]) and not _is_fsc(one.dataset)
    ]
    shown = [label for label in names if label in found and plots.has_curve(found[label])]
    if not shown:
        return _shown(held, "runs")
    sources = {
        label: _diagnosed(session, held, "fsc", f"runs[{literal(label)}]")
        if label in is_judged
        else f"runs[{literal(label)}]"
        for label in shown
    }
    return [mapping("curves", sources), "figure = cn.overlay(cn.compare(curves))\nfigure"]


def _is_fsc(run: xr.Dataset) -> bool:
    return run.attrs.get("schema") == "cryonb/fsc"


def _seen(session: Any) -> list[str]:
    default = plots.MapView()
    names = [field.name for field in dataclasses.fields(default)]
    return keywords(
        {name: getattr(session, name) for name in names if getattr(session, name) != getattr(default, name)}
    )


def _sections(session: Any, held: list[Held]) -> list[str]:
    labels = list(with_maps(session))
    if not labels:
        return _shown(held, "runs")
    chosen = "runs" if len(labels) == len(held) else f"{{label: run {_those(labels, held)}"
    return [f"figure = {call('cn.linked_maps', [f'cn.compare({chosen})', *_seen(session)])}\nfigure"]


def _surfaces(session: Any, held: list[Held]) -> list[str]:
    return ["# Surfaces are drawn in the app; these are sections of the same maps.", *_sections(session, held)]


def _difference(session: Any, held: list[Held]) -> list[str]:
    labels = list(with_maps(session))[:2]
    if len(labels) < 2:
        return _sections(session, held)
    first, second = (f"runs[{literal(label)}]" for label in labels)
    change = f"change = {call('cn.difference', [first, second])}"
    compared = mapping("maps", {labels[0]: first, labels[1]: second, "difference": "change"})
    return [change, compared, f"figure = {call('cn.linked_maps', ['cn.compare(maps)', *_seen(session)])}\nfigure"]


def _history(session: Any, held: list[Held]) -> list[str]:
    told = [one for one in held if one.label in histories(session) and verb_of(one) == "refine"]
    told = [one for one in told if settings_of(one) is not None]
    if not told:
        return _shown(held, "runs")
    sources = {}
    for one in told:
        arguments = ["particles", *(["references"] if one.references else [])]
        iterations = call("cn.iterate", [*arguments, *keywords(changed(settings_of(one), "refine"))], 4)
        sources[one.label] = f"cn.history({iterations})"
    return [mapping("told", sources), *_shown(told, "told")]


def _record(session: Any, held: list[Held]) -> list[str]:
    return ['records = {label: run.attrs["provenance"] ' + BY_LABEL + "\nrecords"]
