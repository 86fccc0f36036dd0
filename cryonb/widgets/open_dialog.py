"""The open dialog: a folder's entries, a filter, and what may be done with the chosen ones."""

import html
from pathlib import Path

from ipywidgets import HBox, SelectMultiple, Text, VBox

from ..errors import must
from ..io import open_half_maps
from ..opening import starting_volumes
from .folder import Entry, Folder
from .part import Deed, Part, button, prose, styled
from .session import Session

MOST = 400
"""Entries that are listed at most; a filter finds the others."""

HELP = (
    "Particle tables (.star, .cs, .mrcs), maps (.mrc, .map), half maps, saved sessions (.zarr, .nc) and folders of "
    "results. Enter or a double click opens; two maps that are chosen together open as half maps."
)


class OpenDialog(Part):
    """Choose what to open, or a starting map, among the files under a root.

    Parameters
    ----------
    session : Session
        Where it is opened.
    folder : Folder
        The root.
    done : callable
        Called when something was opened.
    """

    def __init__(self, session: Session, folder: Folder, done: Deed) -> None:
        super().__init__(session)
        self._folder, self._done, self._inside = folder, done, ""
        self._entries: list[Entry] = []
        self._path, self._said = prose("cryonb-path"), prose("cryonb-hint", "cryonb-live")
        self.up = button("Up", self.attempt(self._go_up), "cryonb-small", tooltip="To the folder that holds this one")
        self.filter = styled(Text(placeholder="filter names", continuous_update=True), "cryonb-filter")
        self.filter.tooltip = "Show only names that contain this"
        self.list = styled(SelectMultiple(rows=9), "cryonb-entries")
        self.list.tooltip = "Files and folders"
        self.open = button("Open", self.attempt(self.open_chosen), "cryonb-primary", "cryonb-entries-open")
        self.start = button("Use as starting map", self.attempt(self.use_chosen), tooltip="For a refinement")
        self.filter.observe(self.attempt(self.refresh), "value")
        self.list.observe(self.attempt(self._enable), "value")
        way = styled(HBox([self.up, self._path, self.filter]), "cryonb-way")
        buttons = styled(HBox([self.open, self.start, self._said]), "cryonb-row")
        self.widget = styled(VBox([way, self.list, buttons]), "cryonb-dialog")

    def refresh(self) -> None:
        """List the folder anew."""
        self._entries = self._folder.entries(self._inside, self.filter.value)
        listed = self._entries[:MOST]
        self.list.value = ()
        self.list.options = [(_line(entry), place) for place, entry in enumerate(listed)]
        self._path.value = f"<b>{html.escape(self._folder.shown(self._folder.path(self._inside)))}</b>"
        more = len(self._entries) - len(listed)
        empty = "Nothing here can be opened. " if not self._entries else ""
        self._said.value = f"{more} more: type a part of the name." if more else f"{empty}{HELP}"
        self.up.disabled = not self._inside
        self._enable()

    def chosen(self) -> list[Entry]:
        """Return what is chosen.

        Returns
        -------
        list of Entry
            In the order of the list.
        """
        return [self._entries[place] for place in self.list.value]

    def open_chosen(self) -> None:
        """Open what is chosen, or go into a folder.

        Raises
        ------
        InputError
            If it cannot be opened together.
        """
        chosen = self.chosen()
        paths = [path for entry in chosen for path in entry.paths]
        if len(chosen) == 1 and chosen[0].kind == "folder":
            self._go(f"{self._inside}/{chosen[0].name}".strip("/"))
            return
        if len(paths) == 2 and all("map" in entry.kind for entry in chosen):
            self._open_halves(*paths)
        else:
            must(
                len(paths) == 1, "one entry, or two half maps, must be chosen", f"{len(chosen)} entries", "Choose again"
            )
            self.session.open(as_typed(paths[0]))
        self._done()

    def use_chosen(self) -> None:
        """Start refinements from the chosen maps."""
        paths = [as_typed(path) for entry in self.chosen() for path in entry.paths]
        self.session.references = starting_volumes(paths)
        self.session.verb = "refine"
        self._done()

    def _open_halves(self, first: Path, second: Path) -> None:
        before = set(self.session.runs)
        self.session.open(open_half_maps(first, second), {"half_maps": [as_typed(first), as_typed(second)]})
        for label in set(self.session.runs) - before:
            name = f"half maps {first.name.partition('.')[0]}"
            self.session.rename(label, name if name not in self.session.runs else label)

    def _go_up(self) -> None:
        self._go(self._inside.rpartition("/")[0])

    def _go(self, inside: str) -> None:
        self._inside = inside
        if self.filter.value:
            self.filter.value = ""
        else:
            self.refresh()

    def _enable(self) -> None:
        chosen = self.chosen()
        self.open.disabled = not chosen
        kinds = ("map", "half maps", "results", "session")
        self.start.disabled = not chosen or any(entry.kind not in kinds for entry in chosen)


def _line(entry: Entry) -> str:
    mark = "/" if entry.kind == "folder" else ""
    names = " + ".join(path.name for path in entry.paths)
    return f"{names}{mark}" if mark else f"{names}   \u00b7   {entry.words}"


def as_typed(path: Path) -> str:
    """Return a path as a person would type it.

    Parameters
    ----------
    path : Path
        A whole path.

    Returns
    -------
    str
        From the working directory where it lies under it.
    """
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
