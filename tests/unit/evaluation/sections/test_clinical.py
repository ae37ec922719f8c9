from cmrtf.evaluation.sections import clinical
from cmrtf.evaluation.sections.clinical import clinical_section
from evaluation_doubles import ExactModels, table


def test_real_subjects_measure_as_themselves(training, held_out):
    section = clinical_section(ExactModels(), training, training, held_out, num_interpolations=1, seed=0)
    for title, measured in (
        ("Means of volumes", 4),
        ("Means of ejection fractions", 2),
        ("Means of masses", 2),
    ):
        means = table(section, title).rows
        assert means["real"] == means["synthetic"]
        assert len(means["real"]) == measured
    assert 0 < table(section, "Means of ejection fractions").rows["real"]["LV_EF"].mean < 100
    spread = table(section, "Standard deviations of volumes").rows["real"]["LV_EDV"]
    assert (spread.mean > 0.0, spread.n) == (True, 6)


def test_volumes_go_the_right_way_along_interpolations(training, held_out):
    section = clinical_section(ExactModels(), training, training, held_out, num_interpolations=2, seed=0)
    rows = table(section, "Volumes along interpolations, ED").rows
    assert rows["steps in the right direction"]["LV"].mean > 90.0
    assert rows["steps in the right direction"]["LV"].n > 0


def test_ends_of_like_volumes_say_nothing_about_direction(training, held_out, monkeypatch):
    monkeypatch.setattr(clinical, "MIN_VOLUME_DIFFERENCE_PERCENT", 99.0)
    section = clinical_section(ExactModels(), training, training, held_out, num_interpolations=2, seed=0)
    assert (
        table(section, "Volumes along interpolations, ED").rows["interpolations without a step back"]["LV"].n
        == 0
    )


def test_a_missing_phase_leaves_its_measures_out(training, held_out):
    diastolic = [subject.with_stacks({"ED": subject.ed}) for subject in training]
    section = clinical_section(ExactModels(), diastolic, training, held_out, num_interpolations=1, seed=0)
    means = table(section, "Means of volumes").rows["real"]
    assert (means["LV_EDV"].n, means["LV_ESV"].n) == (6, 0)
