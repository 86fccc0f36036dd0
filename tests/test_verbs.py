"""The verbs of the front door take files, Datasets and arrays alike."""

import dataclasses
import inspect

import numpy as np
import pytest

import cryonb as cn
from cryonb import diagnostics
from cryonb.errors import InputError
from cryonb.knobs import Config
from cryonb.opening import open_any
from cryonb.schema import VOLUME, build, grid_coordinates
from cryonb.verbs import settle


@pytest.fixture(scope="module")
def particles():
    return cn.simulate("helices", box_size=16, pixel_size=4.0, n_particles=12)


@pytest.fixture(scope="module")
def mask(particles, tmp_path_factory):
    """Return a mask as an array, and the file that holds it."""
    line = np.arange(16) - 8
    inside = line[:, None, None] ** 2 + line[:, None] ** 2 + line**2 < 36
    path = tmp_path_factory.mktemp("mask") / "mask.mrc"
    cn.write_map(inside.astype(np.float32), path, voxel_size=4.0)
    return inside.astype(np.float32), path


def ways(mask):
    array, path = mask
    return [array, path, str(path), cn.open_map(path), cn.open_map(path).density, {"kind": "file", "path": path}]


def test_every_way_to_give_a_mask_gives_the_same(particles, mask):
    runs = [cn.reconstruct(particles, mask=way) for way in ways(mask)]
    assert all(np.array_equal(run.mask, mask[0]) for run in runs)
    curves = [cn.diagnose(runs[0].drop_vars("mask"), "fsc", mask=way) for way in ways(mask)]
    assert all(np.array_equal(fsc.fsc, curves[0].fsc, equal_nan=True) for fsc in curves)
    in_config = cn.reconstruct(particles, {"mask": {"kind": "file", "path": str(mask[1])}})
    assert np.array_equal(in_config.mask, mask[0])


def test_particles_may_be_a_path(particles, tmp_path):
    cn.write_star(particles, tmp_path / "p.star", tmp_path / "p.mrcs")
    from_path = cn.reconstruct(tmp_path / "p.star", box={"pad_factor": 1})
    from_dataset = cn.reconstruct(cn.open_particles(tmp_path / "p.star"), cn.RunConfig.gather(box={"pad_factor": 1}))
    assert np.array_equal(from_path.half_map, from_dataset.half_map)


def test_a_diagnostic_may_be_given_a_path(particles, tmp_path):
    run = cn.reconstruct(particles)
    cn.save(run, tmp_path / "run.zarr")
    assert np.array_equal(cn.diagnose(tmp_path / "run.zarr", "fsc").fsc, cn.diagnose(run, "fsc").fsc, equal_nan=True)


def test_keyword_groups_win_over_the_config(particles):
    run = cn.reconstruct(particles, {"box": {"pad_factor": 3, "box_size": 24}}, box={"pad_factor": 1})
    assert (float(run.pad_factor), int(run.box_size)) == (1.0, 24)


@pytest.mark.parametrize("wrong", [3, [1, 2], ("a", "b")])
def test_a_mask_of_a_wrong_kind_is_explained(wrong):
    with pytest.raises(InputError, match="a mask must be settings, an array, a Dataset or a file; got"):
        settle(None, wrong, {})


def test_a_dataset_without_a_mask_is_no_mask(particles):
    with pytest.raises(InputError, match="the Dataset of a mask must hold mask or density"):
        settle(None, particles, {})


def test_an_input_of_no_known_kind(tmp_path):
    (tmp_path / "x.txt").touch()
    with pytest.raises(InputError, match="an input must be a particle table"):
        open_any(tmp_path / "x.txt")
    with pytest.raises(InputError, match="the input must exist; got missing"):
        open_any(tmp_path / "y.txt")


@pytest.fixture(scope="module")
def session(particles):
    """Return a reconstruction, and a session that holds it and its FSC."""
    run = cn.reconstruct(particles)
    return run, cn.compare({"run": run, "curve": cn.diagnose(run, "fsc")})


def test_a_session_is_judged_by_its_only_part_that_fits(session, tmp_path):
    run, tree = session
    cn.save(tree, tmp_path / "session.zarr")
    wanted = cn.diagnose(run, "fsc").fsc
    for given in (tree, tree["run"], tmp_path / "session.zarr", cn.load(tmp_path / "session.zarr"), tmp_path):
        assert np.array_equal(cn.diagnose(given, "fsc").fsc, wanted, equal_nan=True)


def test_a_part_of_a_session_is_named(session):
    run, _ = session
    tree = cn.compare({"a": run, "b": run})
    with pytest.raises(
        InputError, match=r"got a \(a reconstruction\), b \(a reconstruction\). Name one, with --run a or"
    ):
        cn.diagnose(tree, "fsc")
    assert np.array_equal(cn.diagnose(tree, "fsc", run="b").fsc, cn.diagnose(run, "fsc").fsc, equal_nan=True)
    with pytest.raises(InputError, match="run must name a part of the session; got 'c'"):
        cn.diagnose(tree, "fsc", run="c")
    with pytest.raises(InputError, match=r"the session must hold particles or a recon.*; got curve \(an FSC curve\)"):
        cn.diagnose(cn.compare({"curve": cn.diagnose(run, "fsc")}), "orientations")


def test_particles_are_to_be_reconstructed_first(particles):
    with pytest.raises(
        InputError, match=r"got particles. Reconstruct them first \(cryonb reconstruct, cn.reconstruct\)"
    ):
        cn.diagnose(particles, "fsc")


@pytest.mark.parametrize(("size", "voxel_size"), [(24, 4.0 * 16 / 24), (12, 16 / 3 * 1.004)])
def test_a_mask_over_the_same_field_of_view_is_resampled(particles, size, voxel_size, tmp_path):
    line = np.arange(size) - size // 2
    inside = (line[:, None, None] ** 2 + line[:, None] ** 2 + line**2 < (0.3 * size) ** 2).astype(np.float32)
    cn.write_map(inside, tmp_path / "mask.mrc", voxel_size=voxel_size)
    with pytest.warns(UserWarning, match=f"the mask of {size} voxels was resampled to 16 voxels over the same 64 A"):
        run = cn.reconstruct(particles, mask=tmp_path / "mask.mrc")
    assert run.mask.shape == (16, 16, 16)
    assert run.mask.min() >= 0
    assert run.mask.max() <= 1
    assert float(run.mask.mean()) == pytest.approx(float(inside.mean()), abs=0.02)
    with pytest.warns(UserWarning, match="was resampled to 16 voxels"):
        fsc = cn.diagnose(run.drop_vars("mask"), "fsc", mask=tmp_path / "mask.mrc")
    assert np.isfinite(fsc.fsc.sel(fsc_kind="masked")).any()
    with pytest.raises(InputError, match="the mask must have the shape of the maps"):
        cn.reconstruct(particles, mask=inside)


def test_a_mask_of_another_field_of_view_is_refused(particles, mask, data, tmp_path):
    cn.write_map(np.ones((24, 24, 24), np.float32), tmp_path / "wide.mrc", voxel_size=4.0)
    for path in (tmp_path / "wide.mrc", data / "maps" / "emd_3488_contour_mask.mrc"):
        with pytest.raises(InputError, match="the mask must have the shape of the maps, 16 x 16 x 16"):
            cn.reconstruct(particles, mask=path)
    cn.write_map(mask[0], tmp_path / "finer.mrc", voxel_size=2.0)
    with pytest.warns(UserWarning, match="the mask says a voxel size of 2 A where the maps have 4 A"):
        cn.reconstruct(particles, mask=tmp_path / "finer.mrc")
    cn.write_map(5 * np.ones((32, 32, 32), np.float32), tmp_path / "map.mrc", voxel_size=2.0)
    with pytest.raises(InputError, match="the mask must lie between 0 and 1"):
        cn.reconstruct(particles, mask=tmp_path / "map.mrc")


def test_names_of_files_come_second(particles, mask):
    for call in (
        lambda: cn.write_map("map.mrc", particles),
        lambda: cn.save("run.zarr", particles),
        lambda: cn.write_star("p.star", particles),
        lambda: cn.open_map(particles),
    ):
        with pytest.raises(InputError, match="the name of a file must be given"):
            call()
    with pytest.raises(InputError, match="Give the map first, then the file's name"):
        cn.write_map("a.mrc", "b.mrc")
    figure = cn.draw(cn.open_map(mask[1]))
    with pytest.raises(InputError, match="a figure, then a file name; got str, "):
        cn.save_figure("a.png", figure)


@dataclasses.dataclass(frozen=True)
class NoOptions(Config):
    """Settings of a diagnostic that has none."""


class Listener:
    """A diagnostic of images that keeps what it is given."""

    name, title, accepts, options = "listener", "Listener", ("cryonb/particles",), NoOptions

    def compute(self, dataset, options, config, mask, progress):
        self.given = dataset, config, mask
        return build(VOLUME, {"density": np.ones((4, 4, 4))}, {"voxel_size": 4.0, **grid_coordinates(4, 4.0)})


@pytest.fixture
def listener(monkeypatch):
    plug = Listener()
    known = {**diagnostics._diagnostics(), plug.name: plug}
    monkeypatch.setattr(diagnostics, "_diagnostics", lambda: known)
    return plug


@pytest.fixture(scope="module")
def made(particles, mask):
    return cn.reconstruct(particles, box={"pad_factor": 1.5, "limit": "square"}, mask=mask[0], compute={"seed": 5})


def test_a_reconstruction_brings_poses_settings_and_mask_to_its_particles(listener, particles, made, mask):
    turned = made.assign(rot=made["rot"] + 5.0)
    cn.diagnose(turned, "listener", particles=particles)
    dataset, config, given = listener.given
    assert dataset.attrs["schema"] == "cryonb/particles"
    np.testing.assert_array_equal(dataset["rot"], turned["rot"])
    np.testing.assert_array_equal(dataset["image"], particles["image"])
    assert (config.box.pad_factor, config.box.limit, config.compute.seed) == (1.5, "square", 5)
    np.testing.assert_array_equal(given, mask[0])


def test_what_the_caller_asks_for_wins_over_the_settings_of_the_run(listener, particles, made):
    cn.diagnose(made, "listener", particles=particles, config={"box": {"pad_factor": 3}})
    assert (listener.given[1].box.pad_factor, listener.given[1].box.limit) == (3.0, "square")
    cn.diagnose(made, "listener", particles=particles, config=cn.RunConfig())
    assert listener.given[1].box == cn.BoxConfig()
    cn.diagnose(made, "listener", particles=particles, mask={"kind": "sphere"})
    assert listener.given[1].mask.kind == "sphere" and listener.given[2] is None


def test_the_mask_of_a_run_follows_into_another_box(listener, particles, made):
    with pytest.warns(UserWarning, match="resampled to 24 voxels"):
        cn.diagnose(made, "listener", particles=particles, config={"box": {"box_size": 24}})
    assert listener.given[2].shape == (24, 24, 24)


def test_a_mask_file_is_brought_to_the_box_that_is_to_be_made(listener, particles, mask):
    with pytest.warns(UserWarning, match="resampled to 24 voxels"):
        cn.diagnose(particles, "listener", mask=mask[1], config={"box": {"box_size": 24}})
    assert listener.given[2].shape == (24, 24, 24)


def test_particles_and_runs_may_be_files_and_sessions(listener, particles, made, tmp_path):
    cn.write_star(particles, tmp_path / "p.star", tmp_path / "p.mrcs")
    table = cn.open_particles(tmp_path / "p.star")
    run = cn.reconstruct(table)
    cn.save(cn.compare({"run": run, "curve": cn.diagnose(run, "fsc")}), tmp_path / "session.zarr")
    cn.diagnose(tmp_path / "session.zarr", "listener", particles=tmp_path / "p.star")
    np.testing.assert_array_equal(listener.given[0]["image"], table["image"])
    table.assign(rot=run["rot"]).cryo.listener()
    run.cryo.listener(particles=table)
    assert "particles" in inspect.signature(run.cryo.listener).parameters
    assert "particles" not in inspect.signature(run.cryo.fsc).parameters


@pytest.mark.parametrize(
    ("name", "takes", "words"),
    [
        ("listener", {"particles": False}, "listener judges images, so a reconstruction must come with its particles"),
        ("fsc", {"particles": True}, "particles must go with a diagnostic that needs images; got fsc"),
        ("orientations", {"particles": True}, "particles must go with a diagnostic that needs images"),
    ],
)
def test_a_pair_that_cannot_be_judged_is_refused(listener, particles, made, name, takes, words):
    with pytest.raises(InputError, match=words):
        cn.diagnose(made, name, particles=particles if takes["particles"] else None)


def test_particles_beside_particles_are_refused(listener, particles):
    with pytest.raises(InputError, match="must go with the reconstruction made from them; got particles"):
        cn.diagnose(particles, "listener", particles=particles)
