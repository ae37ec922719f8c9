import pytest

from cmrtf.phantom.tissues import TISSUES


@pytest.mark.parametrize("name", TISSUES)
def test_relaxation_times_and_densities_are_physical(name):
    tissue = TISSUES[name]
    assert 0 < tissue.t2_ms < tissue.t1_ms
    assert 0 <= tissue.proton_density <= 1


def test_only_fat_and_marrow_precess_as_fat():
    assert {name for name, tissue in TISSUES.items() if tissue.is_fat} == {"fat", "marrow"}


def test_venous_blood_differs_from_arterial_blood_in_t2():
    arterial, venous = TISSUES["arterial_blood"], TISSUES["venous_blood"]
    assert venous.t2_ms < 0.75 * arterial.t2_ms
    assert venous.t1_ms == pytest.approx(arterial.t1_ms, rel=0.01)
