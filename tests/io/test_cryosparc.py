"""A .cs table of the same particles is the same Dataset as the STAR table."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tolerances import CS_ANGLE, CS_LENGTH

from cryonb import io
from cryonb.errors import FormatError

ABERRATIONS = {
    "ctf/tilt_A": ("beam tilt (ctf/tilt_A)", 2),
    "ctf/shift_A": ("CTF-dependent image shift (ctf/shift_A)", 2),
    "ctf/trefoil_A": ("trefoil (ctf/trefoil_A)", 2),
    "ctf/tetra_A": ("tetrafoil and fourth-order aberrations (ctf/tetra_A)", 4),
    "ctf/anisomag": ("anisotropic magnification (ctf/anisomag)", 4),
}


def relion_matrix(rot, tilt, psi):
    """Return the matrix written out in data/relion/README.md, object to image."""
    (ca, cb, cg), (sa, sb, sg) = (f(np.deg2rad([rot, tilt, psi])) for f in (np.cos, np.sin))
    return np.array(
        [
            [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
            [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
            [sb * ca, sb * sa, cb],
        ]
    ).transpose(2, 0, 1)


def as_fields(particles, shift_pixel=1.05):
    """Return particles as cryoSPARC fields: the pose vector w has expm([w]x) = R^T, split counts from 0."""
    group = particles.optics_group.values - 1
    poses = relion_matrix(*(particles[name].values for name in ("rot", "tilt", "psi")))
    shift = np.stack([particles.shift_x.values, particles.shift_y.values], axis=-1)
    count = group.size
    return {
        "uid": np.random.default_rng(0).permutation(count).astype(np.uint64) + np.uint64(2**63),
        "blob/path": np.full(count, b">noisy.mrcs"),
        "blob/idx": np.arange(count, dtype=np.uint32),
        "blob/shape": np.full((count, 2), 64, np.uint32),
        "blob/psize_A": np.full(count, particles.pixel_size, np.float32),
        "blob/sign": np.full(count, -1, np.float32),
        "ctf/exp_group_id": group.astype(np.uint32),
        "ctf/accel_kv": particles.voltage.values[group].astype(np.float32),
        "ctf/cs_mm": particles.spherical_aberration.values[group].astype(np.float32),
        "ctf/amp_contrast": particles.amplitude_contrast.values[group].astype(np.float32),
        "ctf/df1_A": particles.defocus_u.values.astype(np.float32),
        "ctf/df2_A": particles.defocus_v.values.astype(np.float32),
        "ctf/df_angle_rad": np.deg2rad(particles.defocus_angle.values).astype(np.float32),
        "ctf/phase_shift_rad": np.deg2rad(particles.phase_shift.values).astype(np.float32),
        "ctf/scale": np.ones(count, np.float32),
        "ctf/scale_const": np.zeros(count, np.float32),
        "ctf/bfactor": np.zeros(count, np.float32),
        **{name: np.zeros((count, width), np.float32) for name, (_, width) in ABERRATIONS.items()},
        "alignments3D/split": (particles.random_subset.values - 1).astype(np.uint32),
        "alignments3D/shift": (shift / shift_pixel).astype(np.float32),
        "alignments3D/psize_A": np.full(count, shift_pixel, np.float32),
        "alignments3D/pose": Rotation.from_matrix(poses.transpose(0, 2, 1)).as_rotvec().astype(np.float32),
        "alignments3D/class": np.zeros(count, np.uint32),
    }


def write(path, fields):
    table = np.empty(len(fields["uid"]), [(name, value.dtype, value.shape[1:]) for name, value in fields.items()])
    for name, value in fields.items():
        table[name] = value
    with path.open("wb") as stream:
        np.save(stream, table, allow_pickle=False)
    return path


@pytest.fixture(scope="module")
def star(data):
    return io.open_particles(data / "relion" / "noisy.star")


def assert_same(first, second):
    assert set(first.variables) == set(second.variables)
    assert first.attrs == second.attrs
    for name in sorted(first.variables):
        assert first[name].dtype == second[name].dtype, name
        if name in ("rot", "tilt", "psi"):
            continue
        np.testing.assert_allclose(first[name].values, second[name].values, atol=CS_LENGTH, rtol=0, err_msg=name)
    angles = [relion_matrix(*(part[name].values for name in ("rot", "tilt", "psi"))) for part in (first, second)]
    turn = Rotation.from_matrix(angles[0] @ angles[1].transpose(0, 2, 1)).magnitude()
    assert np.rad2deg(turn).max() < CS_ANGLE


@pytest.mark.parametrize("shift_pixel", [2.1, 1.05])
def test_both_routes_give_the_same_dataset(tmp_path, data, star, shift_pixel):
    path = write(tmp_path / "a.cs", as_fields(star, shift_pixel))
    particles = io.open_particles(path, root=data / "relion")
    assert_same(particles, star)
    np.testing.assert_array_equal(particles.image.values, star.image.values)
    assert float(particles.pixel_size) == 2.1


def test_passthrough_fields_are_joined_by_uid(tmp_path, data, star):
    fields = as_fields(star)
    order = np.random.default_rng(1).permutation(400)
    main = {name: value for name, value in fields.items() if not name.startswith(("ctf", "blob"))}
    rest = {name: fields[name][order] for name in fields if name == "uid" or name not in main}
    rest["alignments3D/split"] = 1 - fields["alignments3D/split"][order]
    path, other = write(tmp_path / "a.cs", main), write(tmp_path / "pass.cs", rest)
    assert_same(io.open_particles(path, passthrough=[other], root=data / "relion"), star)
    assert_same(io.open_particles(path, passthrough=other, root=data / "relion"), star)
    with pytest.raises(FormatError, match="must name its images in blob/path; got no such field. Give .* passthrough="):
        io.open_particles(path)
    short = write(tmp_path / "short.cs", {name: value[:390] for name, value in rest.items()})
    with pytest.raises(FormatError, match="must hold every particle of a.cs; got 10 missing"):
        io.open_particles(path, passthrough=[short])


def test_real_table_with_3d_poses(data):
    particles = io.open_particles(data / "particles" / "cryosparc_P12_J24_001_particles.cs", images=False)
    assert particles.sizes["particle"] == 2019
    assert float(particles.pixel_size) == 2.95
    assert np.bincount(particles.random_subset.values).tolist() == [0, 1010, 1009]
    assert particles.tilt.min() >= 0 and particles.tilt.max() <= 180
    assert float(particles.shift_x[0]) == pytest.approx(11.334375 * 2.95)
    assert float(particles.shift_y[0]) == pytest.approx(-1.828125 * 2.95)
    assert "unmodelled" not in particles.attrs and "ctf_scale" not in particles
    vector = np.array([2.3386633, -0.25595567, -1.2236784])
    found = relion_matrix(*(particles[name].values[:1] for name in ("rot", "tilt", "psi")))[0]
    np.testing.assert_allclose(found, Rotation.from_rotvec(vector).as_matrix().T, atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_real_table_without_3d_poses(data):
    path = data / "particles" / "cryosparc_J2_particles_exported.cs"
    with pytest.raises(FormatError, match="must hold 3D poses; got no alignments3D/pose"):
        io.open_particles(path)
    particles = io.open_particles(path, require_poses=False, images=False)
    assert particles.sizes["particle"] == 22 and "rot" not in particles
    assert float(particles.pixel_size) == 1.345


@pytest.mark.parametrize("name", ABERRATIONS)
def test_each_effect_is_named(tmp_path, data, star, name):
    fields = as_fields(star)
    fields[name][7, 0] = 0.5
    with pytest.warns(UserWarning, match="effects that are not modelled"):
        particles = io.open_particles(write(tmp_path / "a.cs", fields), root=data / "relion")
    assert particles.attrs["unmodelled"] == ABERRATIONS[name][0]


def test_b_factor_and_scale_are_kept(tmp_path, data, star):
    fields = as_fields(star)
    fields["ctf/bfactor"][:], fields["ctf/scale"][3] = 20.0, 0.5
    particles = io.open_particles(write(tmp_path / "a.cs", fields), root=data / "relion")
    assert particles.ctf_b_factor.values.tolist() == [20.0] * 400
    assert float(particles.ctf_scale[3]) == 0.5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_fields_that_are_missing(tmp_path, data, star):
    fields = as_fields(star)
    path = write(tmp_path / "a.cs", {name: value for name, value in fields.items() if name != "ctf/df1_A"})
    assert not {"defocus_v", "voltage", "phase_shift"} & set(io.open_particles(path, root=data / "relion").data_vars)
    few = {name: value for name, value in fields.items() if name not in ("alignments3D/psize_A", "blob/psize_A")}
    with pytest.raises(FormatError, match="must say in which pixels its shifts are"):
        io.open_particles(write(tmp_path / "a.cs", few))
    fields["alignments3D/pose"][2, 1] = np.nan
    with pytest.raises(FormatError, match="alignments3D/pose in .* must hold finite numbers"):
        io.open_particles(write(tmp_path / "a.cs", fields))


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "a.cs"
    with path.open("wb") as stream:
        np.save(stream, np.array([{"uid": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(
        FormatError, match="must be a cryoSPARC table of plain numbers; got .*pickled objects are never"
    ):
        io.open_particles(path)
    path.write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(FormatError, match="must be a cryoSPARC table of plain numbers"):
        io.open_particles(path)


@pytest.mark.parametrize(
    ("array", "sentence"), [(np.ones(3), "with named fields"), (np.empty(0, [("uid", "u8")]), "one particle")]
)
def test_arrays_that_are_no_tables_are_refused(tmp_path, array, sentence):
    with (tmp_path / "a.cs").open("wb") as stream:
        np.save(stream, array)
    with pytest.raises(FormatError, match=sentence):
        io.open_particles(tmp_path / "a.cs")


@pytest.fixture
def classified(star):
    """Return the particles with classes, in the shape that a refinement gives them."""
    numbers = 1 + np.arange(400) % 3
    posterior = np.full((400, 3), 0.1)
    posterior[np.arange(400), numbers - 1] = 0.8
    classes = dict(class_id=("class_id", [1, 2, 3], {"units": "1"}))
    variables = dict(class_number=("particle", numbers, {"units": "1"}))
    variables["class_posterior"] = (("particle", "class_id"), posterior, {"units": "1"})
    return star.assign(variables).assign_coords(classes)


def test_what_is_written_is_read_back(tmp_path, classified):
    io.write_cs(classified, tmp_path / "a.cs")
    assert [path.name for path in tmp_path.iterdir()] == ["a.cs"]
    particles = io.open_particles(tmp_path / "a.cs")
    assert_same(particles, classified.drop_dims("class_id"))
    np.testing.assert_array_equal(particles.image.values, classified.image.values)


def test_a_written_table_holds_plain_numbers_under_cryosparcs_names(tmp_path, classified):
    some = classified.isel(particle=[5, 2, 399])
    io.write_cs(some, tmp_path / "a.cs")
    table = np.load(tmp_path / "a.cs", allow_pickle=False)
    assert not table.dtype.hasobject
    assert table["blob/idx"].tolist() == [5, 2, 399]
    assert table["alignments3D/class"].tolist() == [2, 2, 0]
    assert table["alignments3D/class_posterior"].tolist() == pytest.approx([0.8] * 3)
    assert table["alignments3D/split"].tolist() == (some.random_subset.values - 1).tolist()
    pixels = table["alignments3D/shift"] * table["alignments3D/psize_A"][:, None]
    np.testing.assert_allclose(pixels[:, 0], some.shift_x.values, atol=CS_LENGTH)
    turned = Rotation.from_rotvec(table["alignments3D/pose"]).as_matrix().transpose(0, 2, 1)
    wanted = relion_matrix(*(some[name].values for name in ("rot", "tilt", "psi")))
    np.testing.assert_allclose(turned, wanted, atol=1e-6)


def test_tables_of_the_same_particles_join_by_uid(tmp_path, classified):
    io.write_cs(classified, tmp_path / "all.cs")
    io.write_cs(classified.isel(particle=[7, 3]), tmp_path / "some.cs")
    every, some = (np.load(tmp_path / name)["uid"] for name in ("all.cs", "some.cs"))
    assert np.unique(every).size == 400
    assert some.tolist() == every[[7, 3]].tolist()


def test_images_in_memory_are_written_beside_the_table(tmp_path, star):
    some = star.isel(particle=slice(0, 5)).drop_vars(["defocus_u", "voltage"])
    changed = some.assign(image=-some.image)
    changed.image.attrs.update(some.image.attrs)
    io.write_cs(changed, tmp_path / "b.cs")
    particles = io.open_particles(tmp_path / "b.cs")
    np.testing.assert_array_equal(particles.image.values, changed.image.values)
    np.testing.assert_allclose(particles.shift_x.values, some.shift_x.values, atol=CS_LENGTH)
    assert "defocus_v" not in particles


def test_each_writer_keeps_to_its_ending(tmp_path, star):
    with pytest.raises(FormatError, match=r"the name of this table must end in .cs; got .*b.star'. Change its ending"):
        io.write_cs(star, tmp_path / "b.star")
    with pytest.raises(FormatError, match="the name of this table must end in .star"):
        io.write_star(star, tmp_path / "b.cs")
