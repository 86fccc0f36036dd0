"""A file that somebody brings plugs in: the doors, the figures, the app's tabs and the commands know it."""

import os
import subprocess
import sys

import numpy as np
import pytest

import cryonb as cn
from cryonb import diagnostics, plots
from cryonb.contracts import plugging
from cryonb.errors import InputError
from cryonb.provenance import lineage

TEXT = '''
import dataclasses
from cryonb.knobs import Config, knob
from cryonb.plots.marks import Panel, Row, Sheet
from cryonb.schema import Field, Kind, build, declare

BRIGHTNESS = declare(Kind("cryonb/NAME", variables={"mean": Field((), "1")}, scalars={}))


@dataclasses.dataclass(frozen=True)
class Options(Config):
    """Settings."""

    factor: float = knob(FACTOR, help="Times this.")


class Brightness:
    """The mean density, times a factor."""

    name = "NAME"
    title = "Brightness"
    accepts = ("cryonb/volume",)
    options = Options

    def compute(self, dataset, options, config, mask, progress):
        """Return it."""
        return build(BRIGHTNESS, {"mean": options.factor * float(dataset["density"].mean())}, {})


DIAGNOSTIC = Brightness()
PLOTS = {"cryonb/NAME": lambda dataset: Sheet((Row((Panel(()),), 1.0),), "NAME", description="So bright.")}
'''


pytestmark = pytest.mark.usefixtures("plugs_go_again")


@pytest.fixture(name="file")
def _file(tmp_path):
    path = tmp_path / "brightness.py"
    path.write_text(text_of())
    return path


def text_of(name="brightness", factor=1.0):
    return TEXT.replace("NAME", name).replace("FACTOR", str(factor))


def volume():
    return cn.phantom("helices", box_size=16, pixel_size=4.0)


def test_a_file_is_known_everywhere(file):
    from cryonb.widgets.tabs import tabs

    assert "brightness" not in diagnostics.names()
    assert cn.plug_in(file) == ("DIAGNOSTIC brightness", "PLOTS")
    made = cn.diagnose(volume(), "brightness", factor=2.0)
    assert float(made["mean"]) == pytest.approx(2.0 * float(volume().density.mean()))
    assert float(volume().cryo.brightness(factor=2.0)["mean"]) == float(made["mean"])
    assert plots.sheet(made).description == "So bright."
    assert "brightness" in [tab.name for tab in tabs()]
    assert "brightness" in dir(volume().cryo)


def test_an_edit_takes_the_place_of_the_old_version_and_the_record_tells_them_apart(file):
    cn.plug_in(file)
    first = cn.diagnose(volume(), "brightness")
    file.write_text(text_of(factor=3.0))
    cn.plug_in(file)
    second = cn.diagnose(volume(), "brightness")
    assert np.isclose(float(second["mean"]), 3.0 * float(first["mean"]))
    versions = [lineage(made)[-1]["settings"]["file"] for made in (first, second)]
    assert versions[0] != versions[1]
    assert "file" not in lineage(cn.diagnose(volume(), "sections"))[-1]["settings"]


def test_an_edit_that_does_not_run_leaves_the_old_version(file):
    cn.plug_in(file)
    for broken, said in (("DIAGNOSTIC = ", "SyntaxError"), ("DIAGNOSTIC = nowhere", "NameError")):
        file.write_text(broken)
        with pytest.raises(InputError, match=f"a file that plugs in must run; got {said}"):
            cn.plug_in(file)
        assert "mean" in cn.diagnose(volume(), "brightness")


REFUSED = {
    "binds nothing": ("x = 1", "must bind one of BACKEND, .* got none in brightness.py"),
    "has no compute": (text_of().replace("def compute", "def other"), "a DIAGNOSTIC must have .* got no compute"),
    "takes a name": (
        text_of("fsc").replace("cryonb/fsc", "cryonb/own"),
        "the name of a DIAGNOSTIC must be new; got 'fsc'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_plug_in_is_a_sentence(file, case):
    text, said = REFUSED[case]
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        cn.plug_in(file)
    assert "brightness" not in diagnostics.names()


def test_two_files_cannot_share_a_name(file, tmp_path):
    cn.plug_in(file)
    other = tmp_path / "other" / "brightness.py"
    other.parent.mkdir()
    other.write_text(text_of("twice"))
    with pytest.raises(InputError, match="files that plug in must have different names"):
        cn.plug_in(other)
    again = tmp_path / "again.py"
    again.write_text(text_of())
    with pytest.raises(InputError, match="the name of a DIAGNOSTIC must be new; got 'brightness'"):
        cn.plug_in(again)
    with pytest.raises(InputError, match="must have a name that Python can import"):
        cn.plug_in(file.rename(tmp_path / "two words.py"))


def test_the_environment_names_files_and_folders(file, tmp_path, monkeypatch):
    folder = tmp_path / "several"
    folder.mkdir()
    (folder / "second.py").write_text(text_of("second"))
    (folder / "_not_this.py").write_text("raise RuntimeError")
    monkeypatch.setenv(plugging.ENVIRONMENT, os.pathsep.join(map(str, (file, folder))))
    assert {"brightness", "second"} <= set(diagnostics.names())


def test_commands_know_it_and_say_what_is_wrong_with_it(file, tmp_path):
    cn.write_map(volume(), tmp_path / "map.mrc")
    words = [sys.executable, "-m", "cryonb", "diagnose", "map.mrc", "brightness", "--factor", "2", "--out", "out"]
    environment = {**os.environ, plugging.ENVIRONMENT: str(file)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "brightness.png").is_file()
    file.write_text("x = nowhere")
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "CRYONB_PLUGINS: a file that plugs in must run; got NameError" in done.stderr
    assert "Traceback" not in done.stderr
