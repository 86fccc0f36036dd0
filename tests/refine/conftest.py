import pytest
from noise_particles import make_particles


@pytest.fixture(scope="session")
def particles():
    return make_particles()
