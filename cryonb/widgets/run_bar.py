"""The run bar: what is to be done, what it will take, and the buttons that start and stop it."""

import html

from ipywidgets import Checkbox, FloatProgress, HBox, ToggleButtons, VBox

from .part import Deed, Part, button, prose, show, styled
from .session import Session

VERBS = {"Reconstruct": "reconstruct", "Refine": "refine"}
VERB_HELP = ("Maps from the poses that the particles have.", "Find poses and maps by the chosen recipe.")


class Progress(Part):
    """How far the work in the background is, in a bar and in words, with the button that stops it.

    Parameters
    ----------
    session : Session
        What it shows.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.bar = styled(FloatProgress(min=0.0, max=1.0), "cryonb-progress-bar")
        self.words = prose("cryonb-progress-words", "cryonb-live")
        self.widget = styled(VBox([self.bar, self.words]), "cryonb-progress")
        self.watch(self.refresh, "progress", "message", "state")
        self.refresh()

    def refresh(self) -> None:
        """Show how far it is."""
        session = self.session
        self.bar.value = session.progress
        done = f"{100.0 * session.progress:.0f} % \u00b7 " if session.state == "running" else ""
        waiting = {"idle": "", "running": "finishing", "cancelling": ""}[session.state]
        message = "stopping" if session.state == "cancelling" else session.message or waiting
        self.words.value = f"{done}{html.escape(message)}" if message else ""
        show(self.bar, session.state != "idle")
        show(self.widget, session.state != "idle" or bool(message))


class RunBar(Part):
    """What is to be done, the plan, and Run, Cancel and Resume.

    Parameters
    ----------
    session : Session
        What it works on.
    choose : callable
        Opens the dialog where starting maps are chosen.
    """

    def __init__(self, session: Session, choose: Deed) -> None:
        super().__init__(session)
        verbs = ToggleButtons(options=list(VERBS.items()), value=session.verb, tooltips=list(VERB_HELP))
        self.verb = styled(verbs, "cryonb-choice")
        apart = Checkbox(value=session.take_apart, description="then take its curve apart", indent=False)
        self.take_apart = styled(apart, "cryonb-take-apart")
        self.take_apart.tooltip = "Find out what the FSC curve is made of: this is where the verdict comes from."
        self.plan = prose("cryonb-plan")
        self.run = button("Run", self.attempt(session.run), "cryonb-primary")
        self.cancel = button("Cancel", self.attempt(session.cancel), tooltip="Stop within a second")
        self.resume = button("Resume", self.attempt(session.resume), tooltip="Go on with the refinement that stopped")
        self.progress = Progress(session)
        self._references = prose("cryonb-references-words")
        self._clear = button("None", self.attempt(self._forget), "cryonb-small", tooltip="Start without a map")
        pick = button("Choose\u2026", self.attempt(choose), "cryonb-small", tooltip="Choose a starting map")
        self._start = styled(HBox([self._references, pick, self._clear]), "cryonb-references")
        buttons = styled(HBox([self.run, self.cancel, self.resume]), "cryonb-run-buttons")
        children = [self.verb, self._start, self.take_apart, self.plan, buttons, self.progress.widget]
        self.widget = styled(VBox(children), "cryonb-run-bar", "cryonb-card")
        self.verb.observe(self.attempt(self._choose_verb), "value")
        self.take_apart.observe(self.attempt(self._choose_part), "value")
        watched = ("verb", "take_apart", "plan", "plan_fault", "state", "runs", "references")
        self.watch(self.refresh, *watched)
        self.refresh()

    def refresh(self) -> None:
        """Show what would be done, and which buttons can be pressed."""
        session, idle = self.session, self.session.state == "idle"
        self.verb.value, self.take_apart.value = session.verb, session.take_apart
        self.plan.value = _plan(session.plan, session.plan_fault)
        self.run.disabled = not idle or bool(session.plan_fault)
        self.cancel.disabled = session.state != "running"
        self.resume.disabled = not session.can_resume
        count = len(session.references or ())
        self._references.value = f"Starting maps: {count or 'none'}"
        show(self._clear, bool(count))
        show(self._start, session.verb == "refine")

    def close(self) -> None:
        """Stop watching, and close all of it."""
        self.progress.close()
        super().close()

    def _choose_verb(self) -> None:
        self.session.verb = self.verb.value

    def _choose_part(self) -> None:
        self.session.take_apart = self.take_apart.value

    def _forget(self) -> None:
        self.session.references = None


def _plan(words: str, fault: str) -> str:
    if fault:
        return f'<span class="cryonb-fault"><b>Cannot start:</b> {html.escape(fault)}</span>'
    return html.escape(words)
