"""A format is one file, found by the ending of a path."""

import pytest

from cryonb import io
from cryonb.errors import FormatError
from cryonb.io.formats import FileFormat, formats, handler

VERBS = [name for name in FileFormat.__dataclass_fields__ if name not in ("name", "suffixes")]


@pytest.mark.parametrize("plug", formats().values(), ids=lambda plug: plug.name)
def test_every_format_has_a_name_endings_and_something_to_do(plug):
    assert plug.name and plug.suffixes
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in plug.suffixes)
    assert any(getattr(plug, verb) is not None for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_no_two_formats_claim_one_ending(verb):
    claimed = [suffix for plug in formats().values() if getattr(plug, verb) for suffix in plug.suffixes]
    assert claimed and len(claimed) == len(set(claimed))


def test_endings_are_found_whatever_their_case():
    assert handler("A.MRC.GZ", "read_map") is handler("b.map", "read_map")


def test_unknown_endings_name_the_nearest(tmp_path):
    (tmp_path / "a.sta").write_text("data_")
    with pytest.raises(FormatError, match="can read particles; got 'a.sta'. Did you mean '.star'?"):
        io.open_particles(tmp_path / "a.sta")
    with pytest.raises(FormatError, match="can write curve; got 'a.png'"):
        io.write_curve(None, tmp_path / "a.png")


def test_an_ending_of_another_format_is_no_typing_error(tmp_path):
    with pytest.raises(FormatError, match=r"can write map; got 'a.star'. Valid: .ccp4, "):
        io.write_map(None, tmp_path / "a.star")
