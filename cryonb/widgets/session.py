"""Everything that the app knows, and what can be done with it; no widget library stands behind it.

Views observe its traits and call its methods. Work goes on in a `Job`; what that finds waits until `step` is called
in the thread that owns the session, so that nothing changes under a view's feet.
"""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr
from traitlets import Bool, Dict, Enum, Unicode, observe

from .. import diagnostics
from ..errors import RunStopped, must
from ..opening import starting_volumes
from ..schema import PARTICLES, validate
from ..verbs import joins_particles
from . import orders
from .background import Background
from .choices import Choices
from .held import Held
from .job import Job
from .kept import Kept
from .plan import Expected, expected
from .view_state import ViewState
from .whole import Whole
from .wording import described, label_of, unlike

OF_OPENED_MAPS = {"mask": (), "imaging": ("symmetry",)}
"""Groups of settings, and those of their fields, by which opened maps are judged; all fields where none is named."""


class Session(Choices, ViewState, Background):
    """One user's work: particles, settings, runs and what is looked at.

    Parameters
    ----------
    particles : xarray.Dataset, optional
        Kind ``cryonb/particles``.
    references : object, optional
        Starting volumes, as `refine` takes them.
    config : RunConfig or mapping, optional
        Settings to begin with.
    folder : str or path, optional
        Where iterations of refinements are kept; by default a temporary folder that ends with the session.
    """

    particles = Whole(help="kind cryonb/particles")
    references = Whole(help="starting volumes")
    source = Unicode("", help="what is open, in words")
    origin = Dict(help="how to open it again")
    verb = Enum(("reconstruct", "refine"), "reconstruct")
    take_apart = Bool(True, help="whether the curve of a run is taken apart after it")
    plan = Unicode("", help="what the run will hold and take")
    plan_fault = Unicode("", help="why it cannot start")

    def __init__(self, particles: Any = None, references: Any = None, config: Any = None, folder: Any = None) -> None:
        super().__init__(config)
        own = tempfile.TemporaryDirectory(prefix="cryonb-", ignore_cleanup_errors=True) if folder is None else None
        self._own_folder, self._folder = own, Path(folder if own is None else own.name)
        self._made = 0
        self.references = starting_volumes(references)
        if particles is not None:
            self.open(particles)

    def options(self, name: str, held: Held | None = None) -> dict[str, Any]:
        """Return the options of a diagnostic that are set; the class in view is one of them where it knows classes.

        One that judges images judges all classes, which are made together.

        Parameters
        ----------
        name : str
            The diagnostic.
        held : Held, optional
            The run that it judges, which may have fewer classes.

        Returns
        -------
        dict of str to object
            By field.
        """
        given, plug = self._settings.options(name), diagnostics.get(name)
        if held is not None and held.is_opened_map:
            given = {**self.of_opened_maps(), **given}
        if joins_particles(plug) or all(field.name != "class_id" for field in dataclasses.fields(plug.options)):
            return given
        number = self.class_id if held is None else held.class_of(self.class_id) or 1
        return {"class_id": number, **given} if number > 1 else given

    def of_opened_maps(self) -> dict[str, dict[str, Any]]:
        """Return by which settings maps are judged that were opened and not made here: the mask and the symmetry.

        Returns
        -------
        dict of str to dict
            Groups and fields that differ from their defaults; a run has its own.
        """
        found = {}
        for name, fields in OF_OPENED_MAPS.items():
            group = getattr(self.config, name)
            default = type(group)().as_dict()
            given = {field: value for field, value in group.as_dict().items() if value != default[field]}
            found[name] = {field: value for field, value in given.items() if not fields or field in fields}
        return {name: given for name, given in found.items() if given}

    def asked_of(self, name: str) -> tuple:
        """Return with which options a diagnostic would judge the runs in view, to tell whether they have changed.

        Parameters
        ----------
        name : str
            The diagnostic; empty for none.

        Returns
        -------
        tuple of str
            One a run, and one for a run that is yet to come.
        """
        if not name:
            return ()
        return tuple(repr(self.options(name, held)) for held in (None, *self.in_view()))

    @observe("config", "faults", "verb", "particles", "references", "take_apart")
    def _replan(self, _change: Any) -> None:
        found = self.expectation()
        self.plan, self.plan_fault = found.words, found.fault

    def expectation(self) -> Expected:
        """Return what the run that would start now will hold and take, or why it cannot.

        Returns
        -------
        Expected
            In words.
        """
        if self.particles is None:
            return Expected("", "Open particles first.")
        if self.faults:
            return Expected("", "Mend the settings that are marked first.")
        apart = self.options(orders.TAKEN_APART) if self.take_apart else None
        return expected(self.particles, self.references, self.config, self.verb, apart)

    def open(self, source: Any, origin: dict | None = None) -> None:
        """Open particles, maps, runs, a file, a saved session, or the built-in demonstration (``"demo"``).

        Parameters
        ----------
        source : xarray.Dataset, xarray.DataTree, str or path
            What to open; files are read in the background, and `finish` waits for them.
        origin : dict, optional
            How to open it again.

        Raises
        ------
        InputError
            If it is something else, or another job still runs.
        """
        if isinstance(source, (xr.Dataset, xr.DataTree)):
            self._take_in(source, origin or {})
            return
        word = str(source)
        way = {"demo": 0} if word == orders.DEMO else {"file": word}
        self.start(lambda job: orders.opened(word, job.tell), lambda job: self._opened(job, way))

    def _opened(self, job: Job, origin: dict) -> None:
        if job.problem is None:
            self._take_in(job.result, origin)

    def _take_in(self, opened: Any, origin: dict) -> None:
        from . import keeping

        if isinstance(opened, Kept):
            keeping.put_back(self, opened)
        elif isinstance(opened, xr.DataTree):
            keeping.take_in(self, opened, origin)
        elif opened.attrs.get("schema") == PARTICLES.name:
            validate(opened, PARTICLES)
            with self.hold_trait_notifications():
                self.particles, self.origin, self.source = opened, origin, described(opened, origin)
                self.verb = "reconstruct" if "rot" in opened else "refine"
        else:
            held = Held(unlike(described(opened, origin), self.runs), opened)
            own = self.particles is not None and held.is_of(self.particles)
            self.hold(dataclasses.replace(held, particles=self.particles if own else None), show=True)
            self.observe(keeping.give_particles, "particles")

    def run(self) -> str:
        """Start a run with the settings as they stand.

        Returns
        -------
        str
            Its label.

        Raises
        ------
        InputError
            If it cannot start.
        """
        found = self.expectation()
        must(not found.fault, "a run must be able to start", found.fault.rstrip("."), "Change that first")
        label = unlike(label_of(self.config, self.verb, self.particles), self.runs)
        self._made += 1
        held = Held(
            label,
            particles=self.particles,
            references=self.references,
            config=self.config,
            verb=self.verb,
            status="running",
            checkpoint=self._folder / f"run-{self._made}" if self.verb == "refine" else None,
        )
        self._carry_out(held)
        return label

    @property
    def can_resume(self) -> bool:
        """Whether there is a refinement that was stopped and can go on."""
        return self.state == "idle" and self._stopped() is not None

    def resume(self) -> str:
        """Go on with the refinement that was stopped last.

        Returns
        -------
        str
            Its label.

        Raises
        ------
        InputError
            If there is none.
        """
        held = self._stopped()
        must(held is not None, "there must be a refinement that was stopped", "none", "Start a run")
        self._carry_out(dataclasses.replace(held, status="running"))
        return held.label

    def _stopped(self) -> Held | None:
        held = [one for one in self.runs.values() if one.verb == "refine" and one.status in ("stopped", "failed")]
        found = [one for one in held if one.checkpoint is not None and one.checkpoint.exists()]
        return found[-1] if found else None

    def _carry_out(self, held: Held) -> None:
        apart = self.options(orders.TAKEN_APART) if self.take_apart else None
        order = orders.Run(held, apart)
        self.start(lambda job: orders.carry_out(order, job, self._teller(job)), lambda job: self._run_ended(job, order))
        self.hold(held, show=True)

    def _run_ended(self, job: Job, order: orders.Run) -> None:
        broken = "stopped" if isinstance(job.problem, RunStopped) else "failed"
        status = "finished" if job.problem is None or order.is_made.is_set() else broken
        now = self._now(order.held)
        if now is None:
            return
        if now.dataset is None and (status == "failed" or now.verb == "reconstruct"):
            self.drop(now.label)
        else:
            notes = tuple(dict.fromkeys((*now.notes, *job.notes)))
            self.hold(dataclasses.replace(now, status=status, notes=notes, seconds=now.seconds or job.seconds))

    def _now(self, held: Held) -> Held | None:
        """Return a run as it stands, whatever it is called by now; None where it was let go."""
        return next((one for one in self.runs.values() if one.number == held.number), None)

    def judge(self, name: str) -> None:
        """Have a diagnostic judge every run in view that it has not judged yet, in the background.

        Parameters
        ----------
        name : str
            The diagnostic; if a job still runs, it waits for that to end.
        """
        if self.state != "idle":
            self.afterwards(lambda: self.judge(name))
            return
        waiting = [(held, self.options(name, held)) for held in self.unjudged(name)]
        if waiting:
            self.start(lambda job: self._judge_all(job, name, waiting))

    def unjudged(self, name: str) -> list[Held]:
        """Return the runs in view that a diagnostic could judge, and has not judged with its options as they stand.

        Parameters
        ----------
        name : str
            The diagnostic.

        Returns
        -------
        list of Held
            In the order of `shown`.
        """
        kinds = diagnostics.get(name).accepts
        held = [self.runs[label] for label in self.shown if label in self.runs]
        return [one for one in held if one.can_be_judged(kinds) and self._key(name, one) not in one.judgements]

    def _key(self, name: str, held: Held) -> str:
        return orders.judgement_key(name, self.options(name, held))

    def judgement(self, label: str, name: str) -> xr.Dataset | None:
        """Return what a diagnostic found of a run, with its options as they stand.

        Parameters
        ----------
        label : str
            The run.
        name : str
            The diagnostic.

        Returns
        -------
        xarray.Dataset or None
            None where it has not judged.
        """
        held = self.runs.get(label)
        return None if held is None else held.judgements.get(self._key(name, held))

    def _judge_all(self, job: Job, name: str, waiting: list[tuple[Held, dict]]) -> None:
        tell, count = self._teller(job), len(waiting)
        for place, (held, options) in enumerate(waiting):
            orders.judge(held, name, options, tell, _share(job, place, count))

    def _teller(self, job: Job) -> orders.Tell:
        return lambda held, change: job.post(lambda: self._change(held, change))

    def _change(self, held: Held, change: orders.Change) -> None:
        now = self._now(held)
        if now is not None:
            self.hold(change(now))

    def close(self) -> None:
        """Stop what runs, and let go of everything."""
        self.shut()
        self.unobserve_all()
        self.runs, self.shown, self.particles, self.references = {}, (), None, None
        if self._own_folder is not None:
            self._own_folder.cleanup()


def _share(job: Job, place: int, count: int) -> Callable[[float, str], None]:
    return lambda fraction, text: job.tell((place + fraction) / count, text)
