"""What the scripts of the page leave behind, seen by node where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cryonb.widgets.picture import Picture
from cryonb.widgets.scene import Scene
from cryonb.widgets.screen import Screen
from cryonb.widgets.steward import Steward
from cryonb.widgets.tiles import Tiles

NODE = shutil.which("node")
WIDGETS = (Picture, Scene, Screen, Steward, Tiles)
PAGE = """
const live = new Set();
let count = 0;
URL.createObjectURL = () => { const url = `blob:${(count += 1)}`; live.add(url); return url; };
URL.revokeObjectURL = (url) => live.delete(url);
const images = [];
const element = (kind) => {
  const made = { style: {}, dataset: {}, clientWidth: 800, classList: { add() {}, toggle() {} } };
  for (const name of ["append", "setAttribute", "addEventListener", "replaceChildren"]) made[name] = () => {};
  if (kind === "img") images.push(made);
  return made;
};
globalThis.document = { createElement: element, createElementNS: (_, kind) => element(kind) };
globalThis.ResizeObserver = class { observe() {} disconnect() {} };
const heard = {};
const traits = { png: new Uint8Array(3), size: [4, 3], alt: "", words: "", panels: [], room: 800 };
const model = { get: (name) => traits[name], on: (name, deed) => { heard[name] = deed; },
  off: (name) => { delete heard[name]; } };
"""


@pytest.fixture
def run(tmp_path):
    """A function that runs a script beside a widget's own, and returns what it writes."""
    if NODE is None:
        pytest.skip("there is no node on this machine")

    def runs(widget, words):
        (tmp_path / "own.mjs").write_text(widget._esm, encoding="utf-8")
        (tmp_path / "main.mjs").write_text(f'import own from "./own.mjs";\n{PAGE}\n{words}', encoding="utf-8")
        made = subprocess.run([NODE, tmp_path / "main.mjs"], capture_output=True, text=True, timeout=30)
        assert made.returncode == 0, made.stderr
        return made.stdout.split()

    return runs


def test_pictures_that_follow_each_other_quickly_are_let_go(run):
    words = """
const close = own.render({ model, el: element("div") });
for (let step = 0; step < 9; step += 1) heard["change:png"]();
console.log(count, live.size);
images[0].onload();
console.log(live.size);
heard["change:png"]();
close();
console.log(live.size, Object.keys(heard).length);
"""
    assert run(Picture, words) == ["10", "1", "0", "0", "0"]


def test_tiles_that_follow_each_other_quickly_are_let_go(run):
    words = """
const tile = { title: "", note: "", png: new Uint8Array(3), share: 1, most: 9, bar: null, scale: null, slope: 1 };
traits.rows = [{ tiles: [tile, tile], scale: null }];
own.render({ model, el: element("div") });
for (let step = 0; step < 9; step += 1) heard["change:rows"]();
console.log(count, live.size);
"""
    assert run(Tiles, words) == ["20", "2"]


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_every_script_is_one_module_that_asks_no_other_host(widget, tmp_path):
    assert widget._esm.count("export default") == 1 and "http://" not in widget._esm.replace("http://www.w3.org/", "")
    assert "https://" not in widget._esm
    assert not any(line.startswith("import ") for line in widget._esm.splitlines())
    if NODE is not None:
        (tmp_path / "own.mjs").write_text(widget._esm, encoding="utf-8")
        subprocess.run([NODE, "--check", Path(tmp_path / "own.mjs")], check=True, timeout=30)
