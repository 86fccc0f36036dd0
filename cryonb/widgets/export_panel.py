"""The panel that writes what is seen: the figure, the maps, and the cell that makes this view again."""

import base64
import html
from pathlib import Path

from ipywidgets import HBox, Text, Textarea, VBox

from . import cell, export
from .folder import Folder, in_words
from .kept import VIEW
from .part import Part, button, prose, styled
from .session import Session

FORMATS = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf"}
LARGEST_LINK = 4_000_000
"""Length of a file that is put on the page itself, to be downloaded from wherever the kernel runs [byte]."""


class ExportPanel(Part):
    """Names, and a button for each kind of file.

    Parameters
    ----------
    session : Session
        What is exported.
    folder : Folder
        Under which it is written.
    """

    def __init__(self, session: Session, folder: Folder) -> None:
        super().__init__(session)
        self._folder, self._offered = folder, ""
        self.figure = Text(description="Figure")
        self.formats = {suffix: self._button(suffix) for suffix in FORMATS}
        self.maps = Text(value="maps", description="Maps")
        self.write_maps = button("Write maps", self.attempt(self._write_maps), tooltip="MRC files of the runs in view")
        self.cell = styled(Textarea(rows=7, disabled=False), "cryonb-cell")
        self.cell.tooltip = "A notebook cell that makes this view again"
        copy = button("Copy", lambda _: None, "cryonb-small", "cryonb-copy", tooltip="Copy the cell")
        self._said = prose("cryonb-hint", "cryonb-live")
        head = prose("cryonb-hint")
        head.value = "A notebook cell that makes this view again:"
        rows = [[self.figure, *self.formats.values()], [self.maps, self.write_maps], [head, copy]]
        figure, maps, words = (styled(HBox(row), "cryonb-row") for row in rows)
        self.widget = styled(VBox([figure, maps, self._said, words, self.cell]), "cryonb-export")
        self.watch(self._follow, *VIEW, "runs", "shown", "entries", "origin")

    def refresh(self) -> None:
        """Offer names for the tab in view, and write the cell."""
        self._offered = self.figure.value = self.session.tab
        self.cell.value = cell.cell(self.session)
        self._said.value = f"Files are written to <b>{html.escape(str(self._folder.root))}</b>."

    def _follow(self) -> None:
        """Keep up with the view while somebody looks; a name that was typed stays."""
        if self.widget.layout.display != "none":
            if self.figure.value == self._offered:
                self._offered = self.figure.value = self.session.tab
            self.cell.value = cell.cell(self.session)

    def write_figure(self, suffix: str) -> None:
        """Write the figure in view.

        Parameters
        ----------
        suffix : str
            Its format, for example ``".png"``.
        """
        name = self.figure.value.strip()
        stem = name.removesuffix(Path(name).suffix) if Path(name).suffix.lower() in FORMATS else name
        path = self._folder.target(f"{stem}{suffix}" if stem else "", (suffix,))
        export.figure(self.session, path)
        self._said.value = f"Wrote <b>{html.escape(self._folder.shown(path))}</b>. {link(path, FORMATS[suffix])}"

    def _button(self, suffix: str) -> object:
        return button(suffix[1:].upper(), self.attempt(lambda: self.write_figure(suffix)), tooltip="Write the figure")

    def _write_maps(self) -> None:
        folder = self._folder.target(self.maps.value, ())
        count = len(export.maps(self.session, folder))
        self._said.value = f"Wrote <b>{count} files</b> to {html.escape(self._folder.shown(folder))}."


def link(path: Path, kind: str) -> str:
    """Return HTML by which a small file can be downloaded.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Its media type.

    Returns
    -------
    str
        Empty where it is large.
    """
    size = path.stat().st_size
    if size > LARGEST_LINK:
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<a download="{html.escape(path.name)}" href="data:{kind};base64,{data}">Download ({in_words(size)})</a>'
