"""What the FSC curve is made of: the app's answer."""

from .diagnostic import DiagnosticTab


class MadeOfTab(DiagnosticTab):
    """The decompositions of the runs in view side by side, each with its verdict."""

    place = 10
    covers = ("decomposition",)
    is_said_above = True

    def __init__(self) -> None:
        super().__init__("decomposition")
        self.name, self.title = "made_of", "What it is made of"


TAB = MadeOfTab()
