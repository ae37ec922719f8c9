from cmrtf.adaptation.page import adaptation_page
from cmrtf.adaptation.predicted_set import LeftOut
from evaluation_doubles import real_subjects

PATIENTS, OTHERS = real_subjects()


def test_the_page_says_what_was_kept_and_left_out():
    copies = {patient.name: [patient, patient] for patient in PATIENTS}
    left_out = [LeftOut("X1", "no heart"), LeftOut("X2", "no heart")]
    page = adaptation_page(PATIENTS, copies, OTHERS, left_out, {"copies": 2})
    (section,) = page.sections
    assert section.answer == [
        "12 new subjects with the labels of 6 patients, in appearances drawn from 4 unlabelled subjects.",
        "Left out: X1 (no heart), X2 (no heart)",
    ]
    counts = {name: row["subjects"].mean for name, row in section.tables[0].rows.items()}
    assert list(counts.values()) == [6, 4, 2, 12]
    assert page.to_html().count("data:image/png") == 1


def test_two_patients_and_one_other_make_a_picture():
    copies = {patient.name: [patient] for patient in PATIENTS[:2]}
    page = adaptation_page(PATIENTS[:2], copies, OTHERS[:1], [], {})
    made, left_out = page.sections[0].answer
    assert made.endswith("drawn from 1 unlabelled subject.")
    assert left_out == "No unlabelled image was left out."
