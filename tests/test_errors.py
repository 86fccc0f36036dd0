"""Errors say what must hold, what arrived and what to do."""

import pytest

from cryonb import errors


def test_must_is_silent_when_the_rule_holds():
    errors.must(True, "a rule", "anything", "Nothing")


def test_must_builds_one_sentence_of_rule_value_and_remedy():
    with pytest.raises(errors.FormatError) as caught:
        errors.must(False, "pad must be at least 1", 0.5, "Use 1 or more", errors.FormatError)
    assert str(caught.value) == "pad must be at least 1; got 0.5. Use 1 or more."


@pytest.mark.parametrize("kind", [errors.InputError, errors.SchemaError, errors.FormatError])
def test_bad_input_is_also_a_value_error(kind):
    assert issubclass(kind, ValueError)
    assert issubclass(kind, errors.InputError)
    assert issubclass(kind, errors.CryonbError)


@pytest.mark.parametrize("kind", [errors.RunStopped, errors.BackendUnavailable])
def test_a_failed_run_is_not_bad_input(kind):
    assert issubclass(kind, errors.CryonbError)
    assert not issubclass(kind, errors.InputError)


@pytest.mark.parametrize(
    ("name", "valid", "expected"),
    [
        ("trilinaer", ["nearest", "trilinear"], "Did you mean 'trilinear'? Valid: nearest, trilinear"),
        ("zzz", ["nearest", "trilinear"], "Valid: nearest, trilinear"),
        (2.5, ["2.0", "3.0"], "Valid: 2.0, 3.0"),
    ],
)
def test_nearest_names_what_was_probably_meant(name, valid, expected):
    assert errors.nearest(name, valid) == expected


def test_a_stopped_run_says_what_was_finished():
    assert errors.RunStopped("stopped.").finished is None
    stopped = errors.RunStopped("stopped.", finished=3)
    assert str(stopped) == "stopped." and stopped.finished == 3
