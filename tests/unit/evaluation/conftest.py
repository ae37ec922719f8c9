"""Real subjects, and those between them, made once."""

import pytest

from cmrtf.evaluation.subjects import interpolated_subjects
from evaluation_doubles import ExactModels, real_subjects


@pytest.fixture(scope="session")
def training():
    return real_subjects()[0]


@pytest.fixture(scope="session")
def held_out():
    return real_subjects()[1]


@pytest.fixture(scope="session")
def interpolated(training):
    """Six, with repaired labels."""
    return interpolated_subjects(ExactModels(), training, count=6, seed=0)[1]
