"""The list of runs: which stand side by side, what they are called, and which are let go."""

from ipywidgets import HTML, Checkbox, HBox, Text

from .held import Held
from .part import Part, button, prose, show, styled
from .session import Session


class RunList(Part):
    """One row a run.

    Parameters
    ----------
    session : Session
        What it shows.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: dict[str, RunRow] = {}
        self.widget = styled(HBox(), "cryonb-runs")
        self.watch(self.refresh, "runs", "shown")
        self.refresh()

    def refresh(self) -> None:
        """Add rows for new runs, let go of those that are gone, and bring all up to date."""
        runs = self.session.runs
        gone = [self.rows.pop(label) for label in list(self.rows) if label not in runs]
        for label, held in runs.items():
            if label not in self.rows:
                self.rows[label] = RunRow(self.session, label)
            self.rows[label].update(held, label in self.session.shown)
        rows = tuple(self.rows[label].widget for label in runs)
        if rows != self.widget.children:
            self.widget.children = rows
        for row in gone:
            row.close()
        show(self.widget, bool(rows))

    def close(self) -> None:
        """Stop watching, and close all rows."""
        super().close()
        self.rows = {}


class RunRow(Part):
    """One run: in view or not, how it stands, its name, and a way to remove it.

    Parameters
    ----------
    session : Session
        What holds it.
    label : str
        The run.
    """

    def __init__(self, session: Session, label: str) -> None:
        super().__init__(session)
        self._label = label
        self.box = styled(Checkbox(description=label, indent=False), "cryonb-run-box")
        self.name = styled(Text(value=label, continuous_update=False), "cryonb-run-name")
        self.status: HTML = prose("cryonb-run-status")
        self.rename = button("Rename", self.attempt(self._edit), "cryonb-quiet", tooltip=f"Rename {label}")
        self.drop = button("Remove", self.attempt(self._drop), "cryonb-quiet", tooltip=f"Remove {label}")
        self.widget = styled(
            HBox([self.box, self.name, self.status, self.rename, self.drop]), "cryonb-run", "cryonb-card"
        )
        show(self.name, False)
        self.box.observe(self.attempt(self._choose), "value")
        self.name.observe(self.attempt(self._rename), "value")

    def update(self, held: Held, is_shown: bool) -> None:
        """Show how the run stands.

        Parameters
        ----------
        held : Held
            The run.
        is_shown : bool
            Whether it is in view.
        """
        self.box.value = is_shown
        self.status.value = status_words(held)
        self.rename.disabled = self.drop.disabled = held.status == "running"

    def _choose(self) -> None:
        if self.box.value == (self._label in self.session.shown):
            return
        others = tuple(label for label in self.session.shown if label != self._label)
        self.session.shown = (*others, self._label) if self.box.value else others

    def _edit(self) -> None:
        is_editing = self.name.layout.display == "none"
        show(self.name, is_editing)
        show(self.box, not is_editing)
        self.rename.description = "Done" if is_editing else "Rename"

    def _rename(self) -> None:
        self._edit()
        if self.name.value != self._label:
            self.session.rename(self._label, self.name.value)

    def _drop(self) -> None:
        self.session.drop(self._label)


def status_words(held: Held) -> str:
    """Return how a run stands, in words.

    Parameters
    ----------
    held : Held
        The run.

    Returns
    -------
    str
        For example ``"12 s"``; what is finished needs no word but its time.

    Examples
    --------
    >>> status_words(Held("box 64", verb="reconstruct", seconds=12.3))
    '12 s'
    """
    if not held.verb:
        return "opened"
    count = len(held.iterations)
    parts = [held.status] if held.status != "finished" else []
    parts += [f"{count} iteration{'s' * (count != 1)}"] if held.verb == "refine" else []
    parts += [f"{max(held.seconds, 1.0):.0f} s"] if held.seconds > 0.0 else []
    return ", ".join(parts)
