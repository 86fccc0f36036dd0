import json

import numpy as np
import pytest
import xarray as xr
from noise_particles import make_particles

from cryonb.config import RunConfig
from cryonb.errors import InputError
from cryonb.refine.loop import reconstruct
from cryonb.refine.rejoin import POSES, rejoin, settings_of

SETTINGS = dict(box={"pad_factor": 1.5, "limit": "square"}, imaging={"symmetry": "C2"}, compute={"seed": 7})


@pytest.fixture(name="table", scope="module")
def _table():
    return make_particles(count=24, ids=np.arange(24) * 3 + 5)


@pytest.fixture(name="run", scope="module")
def _run(table):
    found = reconstruct(table, **SETTINGS, mask={"kind": "sphere"})
    changed = {name: found[name] + 1.0 for name in POSES}
    return found.assign({**changed, "random_subset": 3 - found["random_subset"]})


def classified(run):
    share = np.linspace(0, 1, run.sizes["particle"])
    posterior = (("particle", "class_id"), np.stack([share, 1 - share], axis=1), {"units": "1"})
    labels = ("class_id", [1, 2], {"units": "1"})
    return (
        run.drop_vars("class_posterior", errors="ignore")
        .assign_coords(class_id=labels)
        .assign(class_posterior=posterior)
    )


def test_images_are_those_of_the_table_and_poses_those_of_the_run(run, table):
    joined = rejoin(run, table)
    for name in (*POSES, "random_subset"):
        np.testing.assert_array_equal(joined[name], run[name])
    np.testing.assert_array_equal(joined["image"], table["image"])
    assert joined.attrs["schema"] == "cryonb/particles" and joined.attrs["symmetry"] == "C2"


def test_particles_are_aligned_by_id_whatever_their_order(run, table):
    shuffled = table.isel(particle=np.random.default_rng(1).permutation(24))
    xr.testing.assert_equal(rejoin(run, shuffled), rejoin(run, table))
    part = run.isel(particle=[7, 2, 11])
    joined = rejoin(part, shuffled)
    np.testing.assert_array_equal(joined["particle"], run["particle"][[7, 2, 11]])
    np.testing.assert_array_equal(joined["image"], table["image"][[7, 2, 11]])
    np.testing.assert_array_equal(joined["rot"], part["rot"])


def test_a_particle_that_is_missing_is_named(run, table):
    with pytest.raises(InputError, match=r"every particle of the run; got 1 of 24 missing, the first of id 14\."):
        rejoin(run, table.drop_sel(particle=14))
    with pytest.raises(InputError, match="ids must be unique"):
        rejoin(run, xr.concat([table, table], "particle", data_vars="minimal", join="exact"))


def test_classes_are_those_of_the_run_and_of_no_other(run, table):
    part = classified(run).isel(particle=[3, 1])
    np.testing.assert_array_equal(rejoin(part, table)["class_posterior"], part["class_posterior"])
    other = classified(table)
    assert "class_posterior" not in rejoin(run, other)
    np.testing.assert_array_equal(rejoin(classified(run), other)["class_posterior"], classified(run)["class_posterior"])


def test_images_of_another_pixel_size_are_refused(run, table):
    with pytest.raises(InputError, match=r"pixel size of the run, 3 \[angstrom\]; got 2\."):
        rejoin(run, table.assign_coords(pixel_size=((), 2.0, table["pixel_size"].attrs)))


def test_a_run_without_poses_is_refused(run, table):
    with pytest.raises(InputError, match="the run must hold poses and half sets; got none for rot, tilt"):
        rejoin(run.drop_vars(["rot", "tilt"]), table)


def test_the_settings_are_those_that_made_the_run(run):
    found = settings_of(run)
    assert (found.box.pad_factor, found.box.limit, found.imaging.symmetry, found.compute.seed) == (
        1.5,
        "square",
        "C2",
        7,
    )
    assert found.mask == RunConfig().mask


def test_the_run_nearest_to_the_result_counts(run):
    record = json.loads(run.attrs["provenance"])
    later = {**record, "settings": {"box": {"pad_factor": 3.0}}, "inputs": [{"digest": "0", "provenance": record}]}
    assert settings_of(run.assign_attrs(provenance=json.dumps(later))).box.pad_factor == 3.0


@pytest.mark.parametrize(
    ("record", "words"),
    [("", "got no record of a run"), ('{"verb": "reconstruct", "settings": {"boxes": {}}}', "of another version")],
)
def test_a_run_without_a_record_is_refused(run, record, words):
    with pytest.raises(InputError, match=words):
        settings_of(run.assign_attrs(provenance=record))


def test_rejoined_particles_make_the_run_again(run, table):
    made = reconstruct(table, **SETTINGS)
    again = reconstruct(rejoin(made, table), settings_of(made))
    np.testing.assert_array_equal(again["half_map"], made["half_map"])
    moved = reconstruct(rejoin(run, table), settings_of(run))
    assert not np.allclose(moved["half_map"], made["half_map"])


def test_a_table_with_other_poses_is_pointed_out(run, table):
    with pytest.warns(UserWarning, match="the table has other poses .*: are these its particles"):
        rejoin(run, table.assign(rot=table["rot"] + 1.0))
