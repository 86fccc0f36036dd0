"""The pane of figures: any sheet, with its words as text and its rows as pictures and tables."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from ipywidgets import VBox

from ..part import close_all, prose, styled, told
from ..pieces import PIECES, lines, pieces_of

if TYPE_CHECKING:
    from ...plots.marks import Sheet


class FigurePane:
    """A sheet on the page; drawing happens in the thread that calls.

    Parameters
    ----------
    tab : Tab
        What is shown.
    session : Session
        The app's state.
    screen : Screen
        The front end, whose theme and width pictures follow.

    Attributes
    ----------
    widget : ipywidgets.VBox
        What stands on the page.
    """

    name = "figure"
    has_tiles = False

    def __init__(self, tab: Any, session: Any, screen: Any) -> None:
        self.tab, self.session, self.screen = tab, session, screen
        self._head, self._foot = prose("cryonb-words"), prose("cryonb-words")
        self.pieces: list[Any] = []
        self.widget = styled(VBox([self._head]), "cryonb-figure")

    def refresh(self) -> None:
        """Show the tab's sheet as the session stands, or say why there is none."""
        self._attempt(self._show)()

    def close(self) -> None:
        """Let go of pictures, and take everything off the page."""
        self._have(())
        for widget in (self._head, self._foot, self.widget):
            close_all(widget)

    def _show(self) -> None:
        sheet = self.tab.sheet(self.session)
        if sheet is None:
            self._say(f'<p class="cryonb-empty">{lines(self.tab.empty(self.session))}</p>')
            return
        made = list(pieces_of(sheet, self.has_tiles))
        self._have(kind for kind, _ in made)
        for piece, (_, part) in zip(self.pieces, made):
            piece.show(part)
        self._put(self._head, _above(sheet, getattr(self.tab, "is_said_above", False)))
        self._put(self._foot, _below(sheet))
        self._arrange(self._head, *(piece.widget for piece in self.pieces), self._foot)

    def _say(self, words: str) -> None:
        """Show words in place of a sheet; pictures are kept for the next one."""
        self._put(self._head, words)
        self._arrange(self._head)

    def _have(self, kinds: Any) -> None:
        """Have one piece of each kind in their order; those that are there already stay."""
        wanted = list(kinds)
        kept = 0
        while kept < min(len(wanted), len(self.pieces)) and self.pieces[kept].kind == wanted[kept]:
            kept += 1
        for piece in self.pieces[kept:]:
            piece.close()
        self.pieces = [*self.pieces[:kept], *(self._make(kind) for kind in wanted[kept:])]

    def _make(self, kind: str) -> Any:
        return PIECES[kind](self.screen, self._attempt)

    def _attempt(self, deed: Callable[[], None]) -> Callable[..., None]:
        def handler(*_: Any) -> None:
            try:
                deed()
            except Exception as problem:
                sentence, details = told(problem)
                fold = f"<details><summary>Details</summary><pre>{escape(details)}</pre></details>"
                self._say(f'<div class="cryonb-problem" role="alert">{lines(sentence)}{fold}</div>')

        return handler

    def _arrange(self, *widgets: Any) -> None:
        if self.widget.children != widgets:
            self.widget.children = widgets

    @staticmethod
    def _put(place: Any, words: str) -> None:
        if place.value != words:
            place.value = words


def _above(sheet: "Sheet", is_said: bool) -> str:
    title = f"<h2>{lines(sheet.title)}</h2>" if sheet.title else ""
    return title + (f"<p>{lines(sheet.headline)}</p>" if sheet.headline and not is_said else "")


def _below(sheet: "Sheet") -> str:
    caption = f'<p class="cryonb-caption">{lines(sheet.caption)}</p>' if sheet.caption else ""
    if not sheet.description:
        return caption
    return f"{caption}<details><summary>In words</summary><p>{lines(sheet.description)}</p></details>"


PANE = FigurePane
