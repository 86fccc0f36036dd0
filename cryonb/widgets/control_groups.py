"""Groups of controls: all settings of a run, and the options of a diagnostic, in the order in which people think."""

from collections.abc import Callable

from ipywidgets import HTML, VBox, Widget

from .. import diagnostics
from ..config import RunConfig
from ..knobs import Config, hints, knobs
from ..refinements import recipe
from ..verbs import READ_OF_REFINE
from .fold import Fold
from .knob_control import KnobControl
from .part import Part, close_all, prose, show, styled
from .session import Session
from .settings import PARAMS

TITLES = {"refine": "Refinement"}
"""Headings of groups that are not just their names."""

FIRST = {
    "box": ("box_size", "binning", "pad_factor", "limit", "kernel", "resample"),
    "mask": ("kind", "path", "radius", "edge_width", "threshold", "dilate"),
    "imaging": ("symmetry",),
    "refine": ("recipe", "n_classes", "n_iterations"),
    "compute": ("backend",),
}
"""Settings that people turn first."""

OPEN = ("box",)
"""Groups that are open from the beginning; the rest of the page has to be in sight too."""


class Group(Part):
    """Controls under each other: those of settings that are read, or that are wrong.

    Parameters
    ----------
    session : Session
        What they work on.
    listed : callable
        Returns the paths of its settings, in order, as the session stands.

    Attributes
    ----------
    controls : dict of str to KnobControl
        Those that were made, by path; a control is made when it is first shown.
    is_empty : bool
        Whether none is shown.
    """

    def __init__(self, session: Session, listed: Callable[[], list[str]]) -> None:
        super().__init__(session)
        self._listed = listed
        self.controls: dict[str, KnobControl] = {}
        self._heading: HTML | None = None
        self.widget = styled(VBox(), "cryonb-group")
        self.is_empty = True
        self.watch(self.refresh, "entries", "faults", "config", "verb")
        self.refresh()

    def refresh(self) -> None:
        """Show the controls of what is read."""
        paths = [path for path in self._listed() if self._is_shown(path)]
        gone = [path for path, control in self.controls.items() if not self._is_current(path, control)]
        left = [self.controls.pop(path) for path in gone]
        for path in paths:
            if path not in self.controls:
                self.controls[path] = KnobControl(self.session, path)
        children = tuple(self._children(paths))
        if children != self.widget.children:
            self.widget.children = children
        for control in left:
            control.close()
        self.is_empty = not children
        show(self.widget, not self.is_empty)

    def close(self) -> None:
        """Stop following the session, and close all controls, also those that are not shown."""
        for control in self.controls.values():
            control.close()
        if self._heading is not None:
            close_all(self._heading)
        self.controls = {}
        super().close()

    def _children(self, paths: list[str]) -> list[Widget]:
        own = [path for path in paths if path.startswith(f"{PARAMS}.")]
        shown: list[Widget] = [self.controls[path].widget for path in paths]
        if own:
            shown.insert(paths.index(own[0]), self._titled())
        return shown

    def _titled(self) -> HTML:
        if self._heading is None:
            self._heading = prose("cryonb-group-heading")
        self._heading.value = recipe(self.session.config.refine.recipe).title
        return self._heading

    def _is_shown(self, path: str) -> bool:
        group, _, name = path.partition(".")
        is_read = self.session.verb == "refine" or group not in ("refine", PARAMS) or name in READ_OF_REFINE
        return (is_read and self.session.reads(path)) or path in self.session.faults

    def _is_current(self, path: str, control: KnobControl) -> bool:
        return path in self._listed() and self.session.field(path)[0] is control.field


class KnobColumn(Part):
    """All settings of a run, a fold a group; a group of which nothing is read hides.

    Parameters
    ----------
    session : Session
        What they work on.

    Attributes
    ----------
    groups : dict of str to Group
        By heading.
    folds : dict of str to Fold
        The same.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.groups = dict(groups(session))
        opened = [title_of(name) for name in OPEN]
        self.folds = {title: Fold(title, group.widget, is_open=title in opened) for title, group in self.groups.items()}
        self.widget = styled(VBox([fold.widget for fold in self.folds.values()]), "cryonb-knob-column")
        self.watch(self.refresh, "entries", "faults", "config", "verb")
        self.refresh()

    def refresh(self) -> None:
        """Show the groups that have something to offer, and open those in which something is wrong."""
        for title, fold in self.folds.items():
            show(fold.widget, not self.groups[title].is_empty)
            if any(path in self.session.faults for path in self.groups[title].controls):
                fold.head.value = True

    def close(self) -> None:
        """Stop following the session, and close all groups."""
        for group in self.groups.values():
            group.close()
        super().close()


def groups(session: Session) -> list[tuple[str, Group]]:
    """Return the controls of all settings of a run, and of its recipe's own.

    Parameters
    ----------
    session : Session
        What they work on.

    Returns
    -------
    list of tuple of str and Group
        Headings and groups, in the order in which people think.
    """
    return [(title_of(name), Group(session, _lister(session, name))) for name in hints(RunConfig)]


def options(session: Session, name: str) -> Group:
    """Return the controls of a diagnostic's options.

    Parameters
    ----------
    session : Session
        What they work on.
    name : str
        The diagnostic.

    Returns
    -------
    Group
        Its controls; empty where it has no options.

    Raises
    ------
    InputError
        If there is no such diagnostic.
    """
    paths = _paths(name, diagnostics.get(name).options)
    return Group(session, lambda: paths)


def title_of(group: str) -> str:
    """Return the heading of a group of settings.

    Parameters
    ----------
    group : str
        Its name in `RunConfig`.

    Returns
    -------
    str
        The heading.

    Examples
    --------
    >>> title_of("box"), title_of("refine")
    ('Box', 'Refinement')
    """
    return TITLES.get(group, group.capitalize())


def _lister(session: Session, name: str) -> Callable[[], list[str]]:
    """Return what lists the settings of a group; what both verbs read of `refine` stands with the box."""
    paths = _paths(name, hints(RunConfig)[name])
    shared = [f"refine.{other}" for other in READ_OF_REFINE]
    if name == "box":
        paths += shared
    if name != "refine":
        return lambda: paths
    decided = [path for path in paths if path not in shared and path != f"refine.{PARAMS}"]
    return lambda: [*decided, *_paths(PARAMS, recipe(session.config.refine.recipe).params)]


def _paths(name: str, group: type[Config]) -> list[str]:
    first = FIRST.get(name, ())
    names = [field.name for field, _ in knobs(group)]
    ordered = [*(one for one in first if one in names), *(one for one in names if one not in first)]
    return [f"{name}.{one}" for one in ordered]
