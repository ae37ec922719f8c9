from cmrtf.evaluation.sections.label_fidelity import (
    INTERPOLATED,
    OTHER_STYLE,
    OWN_STYLE,
    REAL,
    label_fidelity_section,
)
from evaluation_doubles import ExactModels, GreySegmenter, table


def test_a_segmenter_that_reads_the_labels_finds_them(held_out, interpolated):
    section = label_fidelity_section(ExactModels(), GreySegmenter(), held_out, interpolated, seed=0)
    rows = table(section, "Dice of the reference segmenter").rows
    for name in (OWN_STYLE, OTHER_STYLE, INTERPOLATED):
        assert all(estimate.mean > 0.95 for estimate in rows[name].values()), name
    assert rows[REAL]["LV"].n == 4
    assert rows[INTERPOLATED]["LV"].n == 6
    differences = table(section, "Difference to its Dice on the real images").rows
    assert set(differences) == {OWN_STYLE, OTHER_STYLE}
    expected = rows[OWN_STYLE]["LV"].mean - rows[REAL]["LV"].mean
    assert abs(differences[OWN_STYLE]["LV"].mean - expected) < 1e-9


class NotingModels(ExactModels):
    """Notes the styles it was given."""

    def __init__(self):
        self.styles = []

    def synthesize(self, label_ids, styles):
        self.styles.append(styles[:, 0])
        return super().synthesize(label_ids, styles)


def test_one_style_is_by_slice_the_other_that_of_somebody_else(held_out, interpolated):
    models = NotingModels()
    label_fidelity_section(models, GreySegmenter(), held_out, interpolated, seed=0)
    own, other = models.styles[:8], models.styles[8:]
    assert all(styles.std() > 0.0 for styles in own)
    assert all(abs(a.mean() - b.mean()) > 1e-3 for a, b in zip(own, other, strict=True))
    for number, styles in enumerate(other):
        donors = [
            known for known in own if known.min() - 1e-6 <= styles.min() <= styles.max() <= known.max() + 1e-6
        ]
        assert any(donor is not own[number] for donor in donors)
