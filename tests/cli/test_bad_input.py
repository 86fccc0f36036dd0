"""Bad input: one sentence on stderr, exit code 2, no traceback, nothing written."""

import errno
import os
import pickle

import mrcfile
import numpy as np
import pytest

import cryonb as cn
from cryonb import cli

SIZE, COUNT, PIXEL = 16, 100, 4.0


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return a folder with a good particle table, and its stack."""
    folder = tmp_path_factory.mktemp("good")
    particles = cn.simulate("helices", box_size=SIZE, pixel_size=PIXEL, n_particles=COUNT)
    cn.write_star(particles, folder / "particles.star", folder / "particles.mrcs")
    return folder


@pytest.fixture
def place(good, tmp_path, monkeypatch):
    """Return a fresh working folder with the good files and everything bad."""
    for name in ("particles.star", "particles.mrcs"):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stack(path, images, pixel_size=PIXEL):
    with np.errstate(invalid="ignore"), mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(np.asarray(images, np.float32))
        mrc.set_image_stack()
        mrc.voxel_size = pixel_size


def volume(path, size=SIZE, voxel_size=PIXEL, spoil=None):
    values = np.random.default_rng(len(path.name) + ord(path.name[0])).normal(size=(size,) * 3).astype(np.float32)
    if spoil is not None:
        values[1, 2, 3] = spoil
    with np.errstate(invalid="ignore"), mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(values)
        mrc.voxel_size = voxel_size


def images_of(place):
    with mrcfile.open(place / "particles.mrcs") as mrc:
        return mrc.data.copy()


def without_columns(place, *names):
    """Write a copy of the table that lacks some columns."""
    lines = (place / "particles.star").read_text().splitlines()
    start = lines.index("data_particles")
    labels = [line.split()[0][1:] for line in lines[start:] if line.startswith("_rln")]
    kept = [index for index, label in enumerate(labels) if label not in names]
    rows = [line.split() for line in lines[start:] if "@" in line]
    table = ["data_particles", "", "loop_", *(f"_{labels[index]}" for index in kept)]
    table += ["\t".join(row[index] for index in kept) for row in rows]
    (place / "bad.star").write_text("\n".join([*lines[:start], *table, ""]))


def without_rows(place):
    """Write a copy of the table that lists no image."""
    lines = (place / "particles.star").read_text().splitlines()
    (place / "bad.star").write_text("\n".join([*(line for line in lines if "@" not in line), ""]))


def truncated(place):
    data = (place / "particles.mrcs").read_bytes()
    (place / "particles.mrcs").write_bytes(data[: len(data) - 1000])


def spoiled_image(value):
    def spoil(place):
        images = images_of(place)
        images[5] = 0.0 if value == 0 else images[5]
        images[5, 3, 3] = value
        stack(place / "particles.mrcs", images)

    return spoil


def pickled(place):
    records = np.array([{"path": "x"}, {"path": "y"}], dtype=object)
    with open(place / "bad.cs", "wb") as file:
        np.save(file, records, allow_pickle=True)
    (place / "raw.cs").write_bytes(pickle.dumps({"path": "x"}))


def pointers(place):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
    for name in ("pointer.mrc", "pointer.star", "pointer.cs", "particles.mrcs"):
        (place / name).write_text(text)


def two(first, second):
    def make(place):
        volume(place / "a.mrc", **first)
        volume(place / "b.mrc", **second)

    return make


def nothing(place):
    pass


RECONSTRUCT = ["reconstruct", "particles.star"]
HALVES = ["diagnose", "a.mrc", "b.mrc", "fsc"]
REFINE = ["refine", "particles.star"]

# What is wrong: (how to make it, the command, fragments of the sentence)
TABLE = {
    "missing table": (nothing, ["reconstruct", "nope.star"], ["nope.star", "exist"]),
    "missing map": (nothing, ["diagnose", "nope.mrc", "sections"], ["nope.mrc", "exist"]),
    "missing second half map": (two({}, {}), ["diagnose", "a.mrc", "nope.mrc", "fsc"], ["nope.mrc", "exist"]),
    "missing session": (nothing, ["diagnose", "nope.zarr", "fsc"], ["nope.zarr", "exist"]),
    "missing input of no known kind": (nothing, ["diagnose", "nope", "fsc"], ["nope", "exist"]),
    "missing mask": (nothing, [*RECONSTRUCT, "--mask", "nope.mrc"], ["nope.mrc", "exist"]),
    "missing curve": (nothing, ["compare", "nope.xml"], ["nope.xml", "exist"]),
    "missing input of compare": (nothing, ["compare", "nope"], ["nope", "exist"]),
    "folder for a table": (lambda place: (place / "d.star").mkdir(), ["reconstruct", "d.star"], ["d.star", "folder"]),
    "folder for a map": (
        lambda place: (place / "d.mrc").mkdir(),
        ["diagnose", "d.mrc", "sections"],
        ["d.mrc", "folder"],
    ),
    "folder for anything": (
        lambda place: (place / "d").mkdir(),
        ["diagnose", "d", "fsc"],
        ["particle table", "session"],
    ),
    "empty table": (lambda place: (place / "e.star").touch(), ["reconstruct", "e.star"], ["e.star", "empty"]),
    "empty .cs": (lambda place: (place / "e.cs").touch(), ["reconstruct", "e.cs"], ["e.cs", "empty"]),
    "empty map": (lambda place: (place / "e.mrc").touch(), ["diagnose", "e.mrc", "sections"], ["e.mrc", "empty"]),
    "truncated stack": (truncated, RECONSTRUCT, ["particles.mrcs", "truncated"]),
    "no poses": (
        lambda place: without_columns(place, "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"),
        ["reconstruct", "bad.star"],
        ["bad.star", "rlnAngleRot"],
    ),
    "no tilt": (
        lambda place: without_columns(place, "rlnAngleTilt"),
        ["reconstruct", "bad.star"],
        ["bad.star", "rlnAngleTilt"],
    ),
    "missing images": (
        lambda place: (place / "particles.mrcs").unlink(),
        RECONSTRUCT,
        ["particles.mrcs", "exist", "root"],
    ),
    "fewer images than rows": (
        lambda place: stack(place / "particles.mrcs", images_of(place)[:-2]),
        RECONSTRUCT,
        ["particles.mrcs", "10", "100"],
    ),
    "mask of another shape": (
        lambda place: volume(place / "m.mrc", size=SIZE + 2),
        [*RECONSTRUCT, "--mask", "m.mrc"],
        ["mask", "16 x 16 x 16", "18 x 18 x 18"],
    ),
    "mask that is a map": (
        lambda place: volume(place / "m.mrc"),
        [*RECONSTRUCT, "--mask", "m.mrc"],
        ["mask", "between 0 and 1"],
    ),
    "mask file and another kind": (
        nothing,
        [*RECONSTRUCT, "--mask", "m.mrc", "--mask.kind", "sphere"],
        ["--mask must"],
    ),
    "two mask files": (nothing, [*RECONSTRUCT, "--mask", "m.mrc", "--mask.path", "n.mrc"], ["--mask must", "n.mrc"]),
    "path of a mask that is no file": (
        nothing,
        [*RECONSTRUCT, "--mask.kind", "none", "--mask.path", "m.mrc"],
        ["mask path must go with mask kind file; got mask kind none"],
    ),
    "missing mask by its path": (nothing, [*RECONSTRUCT, "--mask.path", "nope.mrc"], ["nope.mrc", "exist"]),
    "radius without a sphere": (
        nothing,
        [*RECONSTRUCT, "--mask.radius", "30"],
        ["mask radius must go with mask kind sphere; got mask kind none"],
    ),
    "default of a setting that is not read": (
        nothing,
        [*RECONSTRUCT, "--mask.threshold", "0.2"],
        ["mask threshold must go with mask kind threshold or dynamic"],
    ),
    "box of a map that is simulated": (
        lambda place: volume(place / "m.mrc"),
        ["simulate", "m.mrc", "--box-size", "64", "--pixel-size", "3"],
        ["a map brings its own box and voxel size", "box_size, pixel_size"],
    ),
    "place of a map that is simulated": (
        lambda place: volume(place / "m.mrc"),
        ["simulate", "m.mrc", "--centre", "1", "2", "3"],
        ["like and centre must go with a model"],
    ),
    "particles for half maps": (
        nothing,
        ["diagnose", "particles.star", "fsc"],
        ["got particles", "cryonb reconstruct"],
    ),
    "part of what is no session": (two({}, {}), [*HALVES, "--run", "a"], ["run must go with a session"]),
    "map to compare": (two({}, {}), ["compare", "a.mrc"], ["an input of compare must be", "'a.mrc'"]),
    "folder without a session": (lambda place: (place / "d").mkdir(), ["compare", "d"], ["session.zarr", "'d'"]),
    "half maps of different box": (two({}, {"size": SIZE + 2}), HALVES, ["same box", "(16, 16, 16)", "(18, 18, 18)"]),
    "half maps of different voxel size": (two({}, {"voxel_size": 3.0}), HALVES, ["voxel", "4", "3"]),
    "half maps and a mask of another shape": (
        lambda place: (two({}, {})(place), volume(place / "m.mrc", size=SIZE + 2)),
        [*HALVES, "--mask", "m.mrc"],
        ["mask", "16 x 16 x 16", "18 x 18 x 18"],
    ),
    "NaN voxel": (two({}, {"spoil": np.nan}), HALVES, ["b.mrc", "finite", "NaN"]),
    "infinite voxel": (two({"spoil": np.inf}, {}), HALVES, ["a.mrc", "finite"]),
    "NaN pixel": (spoiled_image(np.nan), RECONSTRUCT, ["finite", "NaN"]),
    "infinite pixel": (spoiled_image(np.inf), RECONSTRUCT, ["finite"]),
    "all-zero image": (spoiled_image(0.0), RECONSTRUCT, ["zero"]),
    "voxel size 0 of a map": (two({"voxel_size": 0.0}, {}), HALVES, ["a.mrc", "voxel"]),
    "pixel size 0 of a bare stack": (
        lambda place: stack(place / "bare.mrcs", images_of(place), 0.0),
        ["diagnose", "bare.mrcs", "sections"],
        ["bare.mrcs", "pixel size"],
    ),
    "pickled object in a .cs": (pickled, ["reconstruct", "bad.cs"], ["bad.cs", "object"]),
    "pickle in place of a .cs": (pickled, ["reconstruct", "raw.cs"], ["raw.cs"]),
    "pointer for a map": (pointers, ["diagnose", "pointer.mrc", "sections"], ["pointer.mrc", "pointer"]),
    "pointer for a table": (pointers, ["reconstruct", "pointer.star"], ["pointer.star", "pointer"]),
    "pointer for a .cs": (pointers, ["reconstruct", "pointer.cs"], ["pointer.cs", "pointer"]),
    "pointer for a stack": (pointers, RECONSTRUCT, ["particles.mrcs", "pointer"]),
    "box below 8": (nothing, [*RECONSTRUCT, "--box.box-size", "3"], ["box_size must be at least 8 [voxel]", "got 3"]),
    "pad below 1": (nothing, [*RECONSTRUCT, "--box.pad-factor", "0.5"], ["pad_factor must be at least 1", "got 0.5"]),
    "pad of words": (nothing, [*RECONSTRUCT, "--box.pad-factor", "two"], ["pad_factor must be a number", "'two'"]),
    "unknown choice": (nothing, [*RECONSTRUCT, "--box.kernel", "trilinaer"], ["Did you mean 'trilinear'?"]),
    "unknown symmetry": (nothing, [*RECONSTRUCT, "--imaging.symmetry", "Q7"], ["symmetry", "Q7"]),
    "unknown backend": (nothing, [*RECONSTRUCT, "--compute.backend", "nubma"], ["Did you mean 'numba'?"]),
    "unknown option": (nothing, [*RECONSTRUCT, "--box.bax-size", "64"], ["Did you mean --box.box-size?"]),
    "unknown option of a diagnostic": (two({}, {}), [*HALVES, "--n-drows", "2"], ["Did you mean --n-draws?"]),
    "unknown diagnostic": (two({}, {}), ["diagnose", "a.mrc", "b.mrc", "fcs"], ["Did you mean 'fsc'?"]),
    "unknown command": (nothing, ["reconstrukt"], ["Did you mean 'reconstruct'?"]),
    "option without value": (nothing, [*RECONSTRUCT, "--box.box-size"], ["--box.box-size", "expected one argument"]),
    "no input": (nothing, ["reconstruct"], ["required", "PARTICLES"]),
    "no input to diagnose": (nothing, ["diagnose", "fsc"], ["input"]),
    "one map for half maps": (two({}, {}), ["diagnose", "a.mrc", "fsc"], ["half"]),
    "three inputs": (two({}, {}), ["diagnose", "a.mrc", "b.mrc", "a.mrc", "fsc"], ["two half maps", "3"]),
    "pixel size of words": (nothing, [*RECONSTRUCT, "--pixel-size", "x"], ["pixel size", "[angstrom]", "x"]),
    "labels that do not fit": (two({}, {}), ["compare", "a.xml", "b.xml", "--labels", "a"], ["labels"]),
    "a table without rows": (
        lambda place: without_rows(place),
        ["refine", "bad.star"],
        ["a particle table must hold particles; got ", "bad.star without rows"],
    ),
    "more volumes than classes, planned": (
        lambda place: volume(place / "map.mrc"),
        [*REFINE, "--reference", "map.mrc", "map.mrc", "--plan"],
        ["every starting volume; got 2 volumes and refine.n_classes 1. Set refine.n_classes 2"],
    ),
    "poses that are missing, planned": (
        lambda place: without_columns(place, "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"),
        ["refine", "bad.star", "--refine.recipe", "fixed_poses", "--plan"],
        ["particles must have poses where they are not searched", "a recipe other than fixed_poses"],
    ),
    "shifts out of the image": (
        nothing,
        [*REFINE, "--refine.shift-range", "500"],
        ["refine.shift_range must be at most half the field of view, 32 angstrom; got 500"],
    ),
    "unknown recipe": (
        nothing,
        [*REFINE, "--refine.recipe", "refine3"],
        ["recipe must have a known name; got 'refine3'. Did you mean 'refine3d'?"],
    ),
    "setting of another recipe": (
        nothing,
        [*REFINE, "--refine.recipe", "homogeneous", "--refine.params.assignment", "hard"],
        ["an option of cryonb refine must have a known name; got --refine.params.assignment"],
    ),
    "no limit for a recipe that reads none": (
        nothing,
        [*REFINE, "--refine.recipe", "resolution_limited"],
        ["a limit must be set with recipe resolution_limited [angstrom]; got none. Set refine.max_resolution"],
    ),
    "too many classes": (
        nothing,
        [*REFINE, "--refine.recipe", "homogeneous", "--refine.n-classes", "2"],
        ["n_classes must be 1 with recipe homogeneous; got 2. Use 1, or recipe"],
    ),
    "particles as a reference": (
        nothing,
        [*REFINE, "--reference", "particles.star"],
        ["a reference must be a map, half maps or a run; got particles"],
    ),
    "missing reference": (nothing, [*REFINE, "--reference", "nope.mrc"], ["nope.mrc", "exist"]),
    "particles to refine without images": (
        lambda place: (place / "particles.mrcs").unlink(),
        REFINE,
        ["particles.mrcs", "exist", "root"],
    ),
    "recipe for a reconstruction": (
        nothing,
        [*RECONSTRUCT, "--refine.recipe", "homogeneous"],
        ["an option of cryonb reconstruct must have a known name; got --refine.recipe"],
    ),
    "unknown recipe to compare": (
        nothing,
        ["compare", "particles.star", "--recipes", "all,refine3"],
        ["recipe must have a known name"],
    ),
    "recipe and recipes": (
        nothing,
        ["compare", "particles.star", "--recipes", "all", "--refine.recipe", "refine3d"],
        ["--refine.recipe must not go with --recipes; got refine3d"],
    ),
    "setting of recipes without them": (
        nothing,
        ["compare", "particles.star", "--refine.n-classes", "2"],
        ["an option of cryonb compare must have a known name; got --refine.n-classes"],
    ),
    "unknown phantom": (nothing, ["simulate", "helixes"], ["Did you mean 'helices'?"]),
    "no particles": (nothing, ["simulate", "--n-particles", "0"], ["n_particles must be at least 1"]),
    "seed of words": (nothing, ["demo", "--seed", "x"], ["seed"]),
}


RESUMED = {
    "a missing folder": (nothing, ["the folder to resume must be that of a refinement; got missing nope"]),
    "a folder that is none": (lambda place: (place / "nope").mkdir(), ["got nope without refinement.json"]),
}


@pytest.mark.parametrize("case", RESUMED)
def test_what_cannot_be_resumed_is_refused_in_one_sentence(case, place, capsys):
    make, fragments = RESUMED[case]
    make(place)
    before = listing(place)
    assert_refused(cli.main(["refine", "--resume", "nope"]), capsys.readouterr(), fragments)
    assert listing(place) == before


def listing(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


def assert_refused(code, captured, fragments):
    lines = captured.err.splitlines()
    assert code == 2, captured.err
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("cryonb: ")
    assert lines[0].endswith(".")
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert all(fragment in lines[0] for fragment in fragments), lines[0]


@pytest.mark.parametrize("case", TABLE)
def test_bad_input_is_refused_in_one_sentence(case, place, capsys):
    make, words, fragments = TABLE[case]
    make(place)
    before = listing(place)
    code = cli.main([*words, "--out", "results"] if words[0] in cli.COMMANDS else words)
    assert_refused(code, capsys.readouterr(), fragments)
    assert listing(place) == before


def test_the_good_files_are_good(place, capsys):
    assert cli.main([*RECONSTRUCT, "--out", "results"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "100 of 16 pixels at 4 A" in captured.out
    assert (place / "results" / "summary.txt").exists()


COMMANDS_THAT_WRITE = [RECONSTRUCT, HALVES, ["simulate", "--n-particles", "2", "--box-size", "16", "--pixel-size", "4"]]


@pytest.mark.parametrize("words", COMMANDS_THAT_WRITE, ids=lambda words: words[0])
def test_a_full_disk_leaves_nothing(words, place, capsys, monkeypatch):
    two({}, {})(place)
    before = listing(place)

    def full(*_arguments, **_settings):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results")

    monkeypatch.setattr(type(place), "write_text", full)
    code = cli.main([*words, "--out", "results/deep"])
    assert_refused(code, capsys.readouterr(), ["the disk must have room", "--out"])
    assert listing(place) == before


@pytest.mark.parametrize("words", COMMANDS_THAT_WRITE, ids=lambda words: words[0])
def test_an_output_folder_that_cannot_be_written(words, place, capsys, monkeypatch):
    two({}, {})(place)
    (place / "taken").write_text("a file")
    before = listing(place)
    code = cli.main([*words, "--out", "taken/results"])
    assert_refused(code, capsys.readouterr(), ["the output folder must be writable", "not a folder"])
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    code = cli.main([*words, "--out", "results"])
    assert_refused(code, capsys.readouterr(), ["the output folder must be writable", "not writable"])
    assert listing(place) == before


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
@pytest.mark.parametrize("words", COMMANDS_THAT_WRITE, ids=lambda words: words[0])
def test_a_folder_of_the_system_cannot_be_written(words, place, capsys):
    two({}, {})(place)
    code = cli.main([*words, "--out", "/proc/results/deep"])
    assert_refused(code, capsys.readouterr(), ["the output folder must be writable", "/proc"])
