"""The runs in a session that the app did not write: each judgement with the run that it judges."""

import dataclasses
from collections.abc import Iterable, Iterator

import xarray as xr

from .. import diagnostics
from ..errors import FormatError, must
from ..provenance import lineage
from ..schema import PARTICLES
from .held import Held
from .wording import unlike

RUNS = ("cryonb/refinement", "cryonb/volume")
HISTORY = "history"


@dataclasses.dataclass(frozen=True)
class Written:
    """What a tree holds.

    Attributes
    ----------
    runs : tuple of Held
        In the order of the tree.
    particles : xarray.Dataset or None
        Kind ``cryonb/particles``, where there are some.
    notes : tuple of str
        What was left out.
    """

    runs: tuple[Held, ...]
    particles: xr.Dataset | None = None
    notes: tuple[str, ...] = ()


def runs_in(tree: xr.DataTree, taken: Iterable[str] = ()) -> Written:
    """Return the runs in a tree.

    Parameters
    ----------
    tree : xarray.DataTree
        From `cryonb.compare`, a command, or put together by hand.
    taken : iterable of str, optional
        Labels that are in use.

    Returns
    -------
    Written
        A judgement goes with the run that it names, or that its record names; alone it is a run of its own.

    Raises
    ------
    FormatError
        If there is nothing to show.
    """
    parts = [(node.path.strip("/"), node.to_dataset()) for node in tree.subtree if node.has_data]
    runs: dict[str, Held] = {}
    for path, part in parts:
        if part.attrs.get("schema") in RUNS:
            label = _label(path, [other for other, one in parts if one.attrs.get("schema") in RUNS])
            runs[path] = Held(label, part)
    particles, left_out = None, []
    for path, part in parts:
        kind = str(part.attrs.get("schema", ""))
        name = kind.removeprefix("cryonb/")
        if kind == PARTICLES.name:
            particles = part
        elif path not in runs and name in (*diagnostics.names(), HISTORY):
            _place(runs, path, part, name)
        elif path not in runs:
            left_out.append(path or kind)
    must(bool(runs) or particles is not None, "a session must hold runs", "none", "Open another file", FormatError)
    notes = (f"Left out of the session, since the app shows no such thing: {', '.join(left_out)}.",) if left_out else ()
    return Written(tuple(_unlike(runs.values(), taken)), particles, notes)


def _label(path: str, others: list[str]) -> str:
    last = path.rpartition("/")[2] or "run"
    return last if sum(other.rpartition("/")[2] == last for other in others) == 1 else path


def _place(runs: dict[str, Held], path: str, part: xr.Dataset, name: str) -> None:
    """Give a judgement to its run, or let it stand alone."""
    own = _judged_run(runs, path, part, name)
    if own is None:
        runs[path] = Held(path, part, judgements={name: part})
        return
    number = path.rpartition("class_")[2] if f"{name}_class_" in path else ""
    key = f"{name} class_id={number}" if number.isdigit() and int(number) > 1 else name
    if key not in runs[own].judgements:
        runs[own] = runs[own].judged(key, part)


def _judged_run(runs: dict[str, Held], path: str, part: xr.Dataset, name: str) -> str | None:
    """Return the run that a judgement belongs to: by its name, or by the digests on its record."""
    last = path.rpartition("/")[2]
    real = [other for other, held in runs.items() if held.dataset.attrs.get("schema") in RUNS]
    for other in real:
        stem = other.rpartition("/")[2]
        if last == f"{stem}_{name}" or ("/" in path and last == stem):
            return other
    judged = _digests(part)
    named = [other for other in real if _digest(runs[other].dataset) in judged]
    if named:
        return named[-1]
    return real[0] if name == HISTORY and len(real) == 1 else None


def _digests(part: xr.Dataset) -> set[str]:
    return {str(record.get("digest")) for record in lineage(part)[:-1]}


def _digest(run: xr.Dataset) -> str:
    records = lineage(run)
    return str(records[-1].get("digest")) if records else "no record"


def _unlike(runs: Iterable[Held], taken: Iterable[str]) -> Iterator[Held]:
    used = dict.fromkeys(taken) if not isinstance(taken, dict) else dict.fromkeys(taken)
    for held in runs:
        label = unlike(held.label, used)
        used[label] = None
        yield dataclasses.replace(held, label=label)
