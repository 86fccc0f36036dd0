"""A notebook that is open in JupyterLab, driven as a person drives it, with the page's own word for when it is idle."""

import time
from collections.abc import Callable
from pathlib import Path

CELL_PATIENCE = 90.0
"""Seconds that the cells of a notebook may take."""

CONNECTED = """() => {
    const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
    const context = panel && panel.sessionContext;
    const kernel = context && context.session && context.session.kernel;
    return !!kernel && panel.content.widgets.length > 0
        && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
COUNTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
    .map(cell => cell.model.executionCount)"""
FAULTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .flatMap(cell => { const found = []; const outputs = cell.model.outputs;
        for (let i = 0; i < outputs.length; i++) { const one = outputs.get(i).toJSON();
            if (one.output_type === 'error') found.push(one.ename + ': ' + one.evalue); }
        return found; })"""

REPLACE = """source => {
    const notebook = window.jupyterapp.shell.currentWidget.content, model = notebook.model.sharedModel;
    const before = model.cells.length;
    model.insertCell(0, {cell_type: 'code', source});
    model.deleteCellRange(1, 1 + before);
    notebook.activeCellIndex = 0;
}"""


class Notebook:
    """One notebook in one page.

    Parameters
    ----------
    page : playwright page
        Where it is shown.
    traffic : Traffic
        What the page asked for and said.
    address : str
        Of the server.
    screenshots : pathlib.Path
        Folder of pictures.
    """

    def __init__(self, page, traffic, address: str, screenshots: Path) -> None:
        self.page, self.traffic, self.address, self.screenshots = page, traffic, address, screenshots

    def open(self, name: str) -> None:
        """Open a notebook of the server's folder alone on the page, and wait for its kernel."""
        self.page.goto(f"{self.address}/doc/tree/{name}")
        self.wait_for_kernel()
        self.command("application:set-mode", mode="single-document")
        self.page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); window.jupyterapp.shell.collapseRight(); }")

    def wait_for_kernel(self, seconds: float = CELL_PATIENCE) -> None:
        """Return once the kernel is connected and idle; cells that are run before are run by nobody."""
        self.page.wait_for_function(CONNECTED, timeout=1000 * seconds)

    def command(self, name: str, **arguments) -> None:
        """Have JupyterLab do one of its commands; returns before it is done."""
        call = "([name, words]) => { window.jupyterapp.commands.execute(name, words); }"
        self.page.evaluate(call, [name, arguments])

    def run_all(self, seconds: float = CELL_PATIENCE) -> None:
        """Run every cell and wait for the last; a cell that fails is an error with its words."""
        self.command("notebook:run-all-cells")
        self.wait_until(lambda: all(self.page.evaluate(COUNTS)) or self.faults(), seconds, "all cells have run")
        self.wait_for_kernel(seconds)
        if self.faults():
            raise AssertionError(f"cells failed: {self.faults()}")

    def run(self, source: str, seconds: float = CELL_PATIENCE) -> None:
        """Have the notebook hold one cell of some source, and run it."""
        self.page.evaluate(REPLACE, source)
        self.run_all(seconds)

    def reload(self) -> None:
        """Save the notebook, and load the page anew; the kernel goes on."""
        self.command("docmanager:save")
        saved = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
        self.page.wait_for_function(saved)
        self.page.reload()
        self.wait_for_kernel()

    def faults(self) -> list[str]:
        """Return the errors that cells ended with."""
        return self.page.evaluate(FAULTS)

    def theme(self, name: str) -> None:
        """Change the theme of JupyterLab: "light" or "dark"."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name.title()}")
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg=str(name == "light").lower()
        )

    def wait_until(self, holds: Callable[[], object], seconds: float, what: str) -> None:
        """Return once something holds; say what it was if it never did."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                self.shoot("gave_up")
                raise AssertionError(f"within {seconds:g} s it did not come about that {what}")
            self.page.wait_for_timeout(50)

    def shoot(self, name: str) -> Path:
        """Write a picture of the page; returns its path."""
        self.screenshots.mkdir(parents=True, exist_ok=True)
        path = self.screenshots / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def close(self) -> None:
        """End the kernel, so that the next page of the same notebook starts with a new one."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
