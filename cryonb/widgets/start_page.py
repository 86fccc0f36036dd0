"""The start page: what can be done while nothing is open."""

from ipywidgets import HBox, VBox

from .orders import DEMO
from .part import Deed, Part, button, prose, show, styled
from .run_bar import Progress
from .session import Session

TITLE = """<h2>What is your FSC curve made of?</h2>
<p>Reconstruct particles, turn the settings, and see which part of the curve is signal, which is noise, and which
the interpolation grid has made.</p>"""

WAYS = (
    ("Try the built-in demo", "Simulated particles that end at their Nyquist: a minute from here to a verdict."),
    ("Open files\u2026", "A particle table with poses (RELION, cryoSPARC), a map, or two half maps."),
    ("Open a saved session\u2026", "Runs and judgements that were kept in a file, as they stood."),
)


class StartPage(Part):
    """Three ways to begin.

    Parameters
    ----------
    session : Session
        Where something is opened.
    choose : callable
        Opens the dialog of files.
    """

    def __init__(self, session: Session, choose: Deed) -> None:
        super().__init__(session)
        head = prose("cryonb-start-title")
        head.value = TITLE
        deeds = (lambda: session.open(DEMO), choose, choose)
        looks = (("cryonb-primary",), (), ())
        self.buttons = [button(words, self.attempt(deed), *look) for (words, _), deed, look in zip(WAYS, deeds, looks)]
        self.progress = Progress(session)
        cards = [_card(one, words) for one, (_, words) in zip(self.buttons, WAYS)]
        row = styled(HBox(cards), "cryonb-start-ways")
        self.widget = styled(VBox([head, row, self.progress.widget]), "cryonb-start")
        self.watch(self.refresh, "particles", "runs", "state")
        self.refresh()

    @property
    def is_needed(self) -> bool:
        """Whether nothing is open yet."""
        return self.session.particles is None and not self.session.runs

    def refresh(self) -> None:
        """Show the page while nothing is open; nothing can be chosen while something is being opened."""
        show(self.widget, self.is_needed)
        for one in self.buttons:
            one.disabled = self.session.state != "idle"

    def close(self) -> None:
        """Stop watching, and close all of it."""
        self.progress.close()
        super().close()


def _card(one: object, words: str) -> VBox:
    text = prose("cryonb-hint")
    text.value = words
    return styled(VBox([one, text]), "cryonb-card")
