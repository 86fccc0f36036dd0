"""What made the runs in view: every setting, and where each result came from."""

import json
from typing import TYPE_CHECKING, Any

from ... import plots
from ...config import RunConfig
from ...knobs import UNITLESS, hints, knobs
from ...refinements import recipe
from ...verbs import READ_OF_REFINE
from ..held import Held
from ..made_with import record_of, recorded_settings, settings_of, verb_of
from .tab import Tab

if TYPE_CHECKING:
    from ...plots.marks import Sheet

UNITS = {"angstrom": "Å", "degree": "°"}
INPUT = "particles"


class RecordTab(Tab):
    """A line for each setting and each fact, a column for each run; lines that differ are marked."""

    name = "record"
    title = "Record"
    place = 90

    def _sheet(self, session: Any) -> "Sheet | None":
        held = session.in_view()
        if not held:
            return None
        settings, facts = [settings_lines(one) for one in held], [fact_lines(one) for one in held]
        parts = {"setting": _side_by_side(settings), "result": _side_by_side(facts)}
        return plots.record_sheet([one.label for one in held], parts)


TAB = RecordTab()


def _side_by_side(runs: list[dict[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return one line a name, in the order in which the runs bring them, with one cell a run."""
    names = dict.fromkeys(name for lines in runs for name in lines)
    return {name: tuple(lines.get(name, "") for lines in runs) for name in names}


def settings_lines(held: Held) -> dict[str, str]:
    """Return the settings that a run was made with, those that it did not read left out.

    Parameters
    ----------
    held : Held
        The run.

    Returns
    -------
    dict of str to str
        By ``"group.field [unit]"``; empty where they are not known.
    """
    config = recorded_settings(held.dataset) or settings_of(held)
    if config is None:
        return {}
    lines = {}
    for name, group in hints(RunConfig).items():
        values = getattr(config, name).as_dict()
        for field, _ in knobs(group):
            if _is_read(held, name, field, values, group):
                lines[_named(name, field)] = _worded(values[field.name])
    return {**lines, **_params(config, held)}


def _is_read(held: Held, name: str, field: Any, values: dict, group: Any) -> bool:
    if field.name == "params" or not group.would_read(field.name, values):
        return False
    if name == "refine" and verb_of(held) == "reconstruct":
        return field.name in READ_OF_REFINE
    return field.metadata["affects"] == "result" or values[field.name] != field.default


def _params(config: RunConfig, held: Held) -> dict[str, str]:
    if verb_of(held) == "reconstruct":
        return {}
    given = {**recipe(config.refine.recipe).params().as_dict(), **config.refine.params}
    fields = {field.name: field for field, _ in knobs(recipe(config.refine.recipe).params)}
    return {_named("params", fields[name]): _worded(value) for name, value in given.items() if name in fields}


def _named(group: str, field: Any) -> str:
    unit = field.metadata["unit"]
    return f"{group}.{field.name}" + ("" if unit == UNITLESS else f" [{UNITS.get(unit, unit)}]")


def _worded(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (tuple, list)):
        return ", ".join(_worded(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if not isinstance(value, dict) else json.dumps(value)


def fact_lines(held: Held) -> dict[str, str]:
    """Return where a result came from.

    Parameters
    ----------
    held : Held
        The run.

    Returns
    -------
    dict of str to str
        How it was made and how it ended, digests of its settings, its input and itself, versions, machine, notes.
    """
    record = record_of(held.dataset)
    machine = record.get("machine", {})
    inputs = [item["digest"] for item in record.get("inputs", []) if item.get("schema") == f"cryonb/{INPUT}"]
    versions = record.get("versions", {})
    lines = {
        "made by": record.get("verb", "") or verb_of(held),
        "status": held.status,
        "time [s]": f"{held.seconds:.1f}" if held.seconds else "",
        "digest of the result": record.get("digest", ""),
        "digest of the settings": record.get("settings_digest", ""),
        f"digest of the {INPUT}": ", ".join(inputs),
        "machine": " · ".join(part for part in (machine.get("backend", ""), machine.get("description", "")) if part),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "notes": " ".join(held.notes),
    }
    return {name: cell for name, cell in lines.items() if cell or name != "notes"}
