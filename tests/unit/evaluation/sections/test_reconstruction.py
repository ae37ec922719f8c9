import numpy as np

from cmrtf.evaluation.sections.reconstruction import (
    EXACT,
    LATENT,
    NEAREST,
    SHAPE_BASED,
    reconstruct,
    reconstruction_section,
)
from evaluation_doubles import ExactModels, table, with_labels


def test_exact_models_reconstruct_everything(held_out):
    section = reconstruction_section(ExactModels(), held_out)
    for title, expected in (
        ("Reconstruction: Dice", 1.0),
        ("Reconstruction: HD95", 0.0),
        ("Reconstruction: volume error", 0.0),
        ("Reconstruction: absolute volume error", 0.0),
    ):
        for row in table(section, title).rows.values():
            assert {structure: estimate.mean for structure, estimate in row.items()} == {
                "LV": expected,
                "MYO": expected,
                "RV": expected,
            }
            assert all(estimate.n == 4 for estimate in row.values())


class Shrinking(ExactModels):
    """Decodes no RV, and an LV without its last row."""

    def decode(self, codes):
        label_ids = super().decode(codes)
        label_ids[label_ids == 3] = 0
        return label_ids


def test_what_is_lost_counts_as_lost(held_out):
    section = reconstruction_section(Shrinking(), held_out)
    for phase in ("ED", "ES"):
        assert table(section, "Reconstruction: Dice").rows[phase]["RV"].mean == 0.0
        assert table(section, "Reconstruction: volume error").rows[phase]["RV"].mean == -100.0
        assert table(section, "Reconstruction: absolute volume error").rows[phase]["RV"].mean == 100.0
        assert table(section, "Reconstruction: Dice").rows[phase]["LV"].mean == 1.0


def test_interpolation_of_signed_distances_is_shape_based(held_out):
    """With exact ends too, since its ends are exact."""
    section = reconstruction_section(ExactModels(), held_out)
    rows = table(section, "Slice left out: Dice").rows
    assert rows[LATENT] == rows[EXACT] == rows[SHAPE_BASED]
    assert rows[NEAREST]["LV"].mean < rows[SHAPE_BASED]["LV"].mean < 1.0
    gains = table(section, "Slice left out: difference in Dice").rows
    assert all(estimate.mean == 0.0 for row in gains.values() for estimate in row.values())


def test_slices_without_labels_stay_so(held_out):
    def emptied(label_ids):
        return label_ids * (np.arange(6) > 1)[:, None, None].astype(np.uint8)

    label_ids = with_labels(held_out[0], emptied).ed.label_ids
    np.testing.assert_array_equal(reconstruct(ExactModels(), label_ids), label_ids)


def test_two_slices_have_none_to_leave_out(held_out):
    def two_labelled(label_ids):
        return label_ids * (np.arange(6) > 3)[:, None, None].astype(np.uint8)

    section = reconstruction_section(ExactModels(), [with_labels(held_out[0], two_labelled)])
    assert table(section, "Slice left out: Dice").rows == {}
