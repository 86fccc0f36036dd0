"""What the pages on RELION and cryoSPARC tell people to type works, in small projects with the files that they name."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import cryonb as cn
from cryonb import cli

DOCS = Path(__file__).parents[2] / "notebooks" / "docs"
SHORTER = {
    "box-size 128": "box-size 36",
    "box_size=128": "box_size=36",
    "--refine.recipe heterogeneous": "--refine.recipe heterogeneous --box.box-size 36",
    "--recipes all": "--recipes fixed_poses homogeneous",
    'recipe="refine3d"': 'recipe="refine3d", n_iterations=1',
    'recipe="homogeneous"': 'recipe="homogeneous", n_iterations=1',
    '"decomposition"': '"decomposition", surrogates=0, dithers=1',
}
"""What is changed of the pages, so that it takes seconds."""

CURVE = """data_fsc

loop_
_rlnSpectralIndex
_rlnResolution
_rlnAngstromResolution
_rlnFourierShellCorrelationCorrected
_rlnFourierShellCorrelationUnmaskedMaps
"""


def blocks(page, kind):
    text = (DOCS / page).read_text(encoding="utf-8")
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return re.findall(rf"^```{kind}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def project(folder, particles, run):
    """Write what both projects share, and return the halves and the mask."""
    for number, half in enumerate("AB", 1):
        cn.write_map(run["half_map"].sel(half=half), folder / f"half{number}.mrc", float(run["voxel_size"]))
    cn.write_map(run["half_map"].mean("half"), folder / "map.mrc", float(run["voxel_size"]))
    mask = np.pad(np.ones((16,) * 3, np.float32), 4)
    cn.write_map(mask, folder / "mask.mrc", float(run["voxel_size"]))


def copied(folder, names):
    for name, source in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / source, folder / name)


@pytest.fixture(name="particles", scope="module")
def _particles():
    return cn.simulate(cn.phantom("helices", box_size=24, pixel_size=4.0), n_particles=160, snr=5.0)


@pytest.fixture(name="run", scope="module")
def _run(particles):
    return cn.reconstruct(particles)


@pytest.fixture(name="relion")
def _relion(tmp_path, particles, run, monkeypatch):
    """Return the folder of a small RELION project, and work in it."""
    project(tmp_path, particles, run)
    refined, classes = tmp_path / "Refine3D/job012", tmp_path / "Class3D/job010"
    both = particles.assign(class_number=("particle", 1 + np.arange(160) % 2)).drop_vars("random_subset")
    for folder, name, table in ((refined, "run_data.star", particles), (classes, "run_it025_data.star", both)):
        folder.mkdir(parents=True)
        cn.write_star(table, tmp_path / "table.star", tmp_path / "images.mrcs")
        shutil.move(tmp_path / "table.star", folder / name)
    halves = {f"run_half{number}_class001_unfil.mrc": f"half{number}.mrc" for number in (1, 2)}
    names = {**halves, **{f"Refine3D/job012/{name}": source for name, source in halves.items()}}
    maps = {"Refine3D/job012/run_class001.mrc": "map.mrc", "run_class001.mrc": "map.mrc"}
    copied(tmp_path, {**names, **maps, "MaskCreate/job013/mask.mrc": "mask.mrc"})
    rows = [(0, 0.001001, 999.0, 1.0, 1.0), *((s, s / 96, 96 / s, 1 - s / 13, 1 - s / 14) for s in range(1, 13))]
    (tmp_path / "PostProcess/job014").mkdir(parents=True)
    table = CURVE + "\n".join(" ".join(map(str, row)) for row in rows) + "\n"
    for place in ("postprocess.star", "PostProcess/job014/postprocess.star"):
        (tmp_path / place).write_text(table, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


XML = "J45_fsc_iteration_005_after_fsc_mask_auto_tightening_corrected_mask"


@pytest.fixture(name="cryosparc")
def _cryosparc(tmp_path, particles, run, monkeypatch):
    """Return the folder of a small cryoSPARC project, and work in it."""
    project(tmp_path, particles, run)
    cn.write_cs(particles, tmp_path / "table.cs", tmp_path / "images.mrcs")
    table = np.load(tmp_path / "table.cs")
    (tmp_path / "J45").mkdir()
    for name, wanted in (("005", ("alignments3D", "ctf")), ("passthrough", ("blob",))):
        fields = [field for field in table.dtype.names if field == "uid" or field.split("/")[0] in wanted]
        kept = np.empty(table.size, [(field, table.dtype[field]) for field in fields])
        for field in fields:
            kept[field] = table[field]
        with (tmp_path / f"J45/J45_{name}_particles.cs").open("wb") as stream:
            np.save(stream, kept)
    names = {f"J45_005_volume_map_half_{half}.mrc": f"half{number}.mrc" for number, half in enumerate("AB", 1)}
    names["J45_005_volume_mask_fsc.mrc"] = "mask.mrc"
    inside = {f"J45/{name}": source for name, source in names.items()}
    copied(tmp_path, {**names, **inside, "J44/J44_volume.mrc": "map.mrc", "J44_volume.mrc": "map.mrc"})
    curve = {shell + 0.5: 1 - shell / 13 for shell in range(13)}
    text = "\n".join(["wave_number\tfsc_noisesub", *(f"{place}\t{value}" for place, value in curve.items())])
    (tmp_path / "fsc_from_the_event_log.txt").write_text(text, encoding="utf-8")
    points = (f"<coordinate><x>{place / 96}</x><y>{value}</y></coordinate>" for place, value in curve.items())
    text = f'<fsc title="cryoSPARC GSFSC Corrected Mask">{"".join(points)}</fsc>'
    (tmp_path / f"{XML}.xml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_commands(page, capsys):
    script = re.sub(r"\\\n\s*", "", "\n".join(blocks(page, "bash")))
    lines = [line for line in script.splitlines() if line.startswith("cryonb ")]
    assert lines
    for line in lines:
        words = shlex.split(line)[1:]
        words += ["--surrogates", "0", "--dithers", "1"] if "decomposition" in words else []
        words += ["--refine.n-iterations", "1"] if words[0] == "refine" or "--recipes" in words else []
        words += ["--dithers", "1", "--box.box-size", "24"] if "--recipes" in words else []
        assert cli.main(words) == 0, (line, capsys.readouterr().err)


def run_python(page):
    names = {}
    for text in blocks(page, "python"):
        exec(compile(text, page, "exec"), names)
    return names


@pytest.mark.slow
def test_the_commands_for_relion_run(relion, capsys):
    run_commands("from_relion.md", capsys)
    assert (relion / "beside" / "summary.txt").is_file() and (relion / "refined" / "particles.star").is_file()


@pytest.mark.slow
def test_the_python_for_relion_runs(relion):
    names = run_python("from_relion.md")
    assert names["parts"].attrs["verdict"] and cn.open_particles("refined.star").sizes["particle"] == 160
    assert names["second"].sizes["particle"] == 80 and (relion / "fsc.xml").is_file()


@pytest.mark.slow
def test_the_commands_for_cryosparc_run(cryosparc, capsys):
    run_commands("from_cryosparc.md", capsys)
    assert (cryosparc / "beside" / "summary.txt").is_file() and (cryosparc / "made-up").is_dir()


@pytest.mark.slow
def test_the_python_for_cryosparc_runs(cryosparc):
    names = run_python("from_cryosparc.md")
    assert names["parts"].attrs["verdict"] and (cryosparc / "refined.cs").is_file()
    assert list(names["theirs"].fsc_kind.values) == ["corrected"]
