import numpy as np
import pytest

from cmrtf.phantom.cohort import PhantomSubject, make_subject
from cmrtf.phantom.protocol import VENDORS


@pytest.fixture(scope="package")
def subjects() -> list[PhantomSubject]:
    """Both vendors, all pathologies, two frames each."""
    return [
        make_subject(np.random.SeedSequence(10 + i), VENDORS[i % 2], pathology, frames=2)
        for i, pathology in enumerate(("NOR", "DCM", "HCM", "NOR", "DCM", "HCM"))
    ]
