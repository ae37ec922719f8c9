from cmrtf.evaluation.sections.privacy import privacy_section
from evaluation_doubles import GreySegmenter, table


def test_copies_of_training_subjects_are_found(training, held_out):
    section = privacy_section(GreySegmenter(), training, held_out, {"copies": training})
    rows = table(section, "AUC of membership inference and copying").rows
    assert set(rows) == {"copies, features of the reference segmenter", "copies, pixels"}
    assert all(row["membership"].mean == row["copying"].mean == 1.0 for row in rows.values())
    assert all(row["membership"].n == 10 for row in rows.values())


def test_copies_of_new_patients_give_no_member_away(training, held_out):
    section = privacy_section(GreySegmenter(), training, held_out, {"others": held_out})
    rows = table(section, "AUC of membership inference and copying").rows
    assert all(row["membership"].mean == 0.0 for row in rows.values())


def test_the_gallery_shows_pairs(training, held_out, interpolated):
    section = privacy_section(GreySegmenter(), training, held_out, {"interpolated subjects": interpolated})
    ((caption, picture),) = section.pictures.items()
    assert "closest to training slices" in caption
    assert picture.startswith(b"\x89PNG")
