import logging
from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.measures import VOLUMES
from cmrtf.errors import CmrtfError
from cmrtf.synthesis import drawn_banks
from cmrtf.synthesis.appearance import PLACES, Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.synthesis.drawn_banks import APPEARANCES, HEARTS, draw_anatomy_bank, draw_appearance_bank
from heart_double import RingModels, heart_source


def _patients(vendors, style_dim=3):
    rng = np.random.default_rng(0)
    return AppearanceBank(
        {
            f"P{number}": Appearance(
                rng.normal(ord(vendor), 1.0, (len(PLACES), style_dim)).astype(np.float32),
                (number, 200.0 + 10.0 * number),
                vendor,
                "centre",
            )
            for number, vendor in enumerate(vendors)
        }
    )


def test_appearances_are_drawn_of_each_large_vendor_and_smaller_ones_are_named(caplog):
    with caplog.at_level(logging.WARNING):
        bank = draw_appearance_bank(_patients("AAAAABBBBBBC"), np.random.default_rng(0))
    assert list(bank.subjects) == [f"{v}-{n:03d}" for v in "AB" for n in range(1, APPEARANCES + 1)]
    assert "Left out, each vendor of fewer than 5 training subjects: C 1." in caplog.text
    for vendor in "AB":
        of_vendor = [appearance for appearance in bank.subjects.values() if appearance.vendor == vendor]
        assert np.mean([appearance.style for appearance in of_vendor]) == pytest.approx(ord(vendor), abs=0.5)
        assert {appearance.centre for appearance in of_vendor} == {""}
        assert all(low < high for low, high in (appearance.intensity_window for appearance in of_vendor))


def test_where_no_vendor_is_large_none_is_told_apart(caplog):
    with caplog.at_level(logging.WARNING):
        bank = draw_appearance_bank(_patients("AAABBB"), np.random.default_rng(0))
    assert {appearance.vendor for appearance in bank.subjects.values()} == {""}
    assert "No vendor has 5 training subjects, so none is told apart: A 3, B 3." in caplog.text


def test_too_few_patients_are_refused():
    with pytest.raises(CmrtfError, match=r"expected 5 training subjects or more.*by vendor: A 2, B 2\."):
        draw_appearance_bank(_patients("AABB"), np.random.default_rng(0))


def test_hearts_are_drawn_of_each_large_pathology_with_the_volumes_that_they_decode_to(caplog):
    patients = heart_source().prior
    names, counts = np.unique(patients.pathologies, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"DCM": 4, "HCM": 1, "NOR": 8}
    patients = replace(
        patients, pathologies=np.where(patients.pathologies == "HCM", "DCM", patients.pathologies)
    )
    with caplog.at_level(logging.WARNING):
        drawn = draw_anatomy_bank(patients, RingModels(), np.random.default_rng(0))
    assert set(drawn.pathologies) == {"DCM", "NOR"}
    assert 0.5 * 2 * HEARTS < len(drawn.codes) <= 2 * HEARTS
    assert not caplog.records
    for pathology in ("DCM", "NOR"):
        real, ours = (np.log(prior.volumes_ml[prior.pathologies == pathology]) for prior in (patients, drawn))
        np.testing.assert_allclose(ours.mean(axis=0), real.mean(axis=0), atol=0.15)
    edv, esv = VOLUMES.index("LV_ED"), VOLUMES.index("LV_ES")
    assert (drawn.volumes_ml[:, esv] < drawn.volumes_ml[:, edv]).all()
    distances = np.abs(drawn.codes[:, None] - patients.codes[None]).mean(axis=(2, 3, 4))
    assert distances.min() > 0.01


def test_hearts_are_the_same_for_the_same_generator(monkeypatch):
    monkeypatch.setattr(drawn_banks, "HEARTS", 3)
    first, second = (
        draw_anatomy_bank(heart_source().prior, RingModels(), np.random.default_rng(7)).codes
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_a_decoder_that_knows_no_heart_is_an_error(monkeypatch):
    monkeypatch.setattr(drawn_banks, "HEARTS", 3)

    class Nothing(RingModels):
        def decode(self, codes):
            return np.zeros((len(codes), 128, 128), np.uint8)

    with pytest.raises(CmrtfError, match=r"expected plausible hearts among .* Received: 0\."):
        draw_anatomy_bank(heart_source().prior, Nothing(), np.random.default_rng(0))
