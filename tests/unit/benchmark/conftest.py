"""Real subjects whose labels a double can read off their grey levels."""

import pytest

from evaluation_doubles import real_subjects


@pytest.fixture(scope="session")
def training():
    return real_subjects()[0]


@pytest.fixture(scope="session")
def held_out():
    return real_subjects()[1]
