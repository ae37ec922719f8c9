from pathlib import Path

from cmrtf.core.issues import ERROR, Issue
from cmrtf.datasets.base import PhaseFiles, RawCohort, RawSubject, SkippedSubject, gather
from cmrtf.errors import FileError


def test_subjects_that_cannot_be_read_do_not_stop_the_others():
    def read_one(code, what):
        if what == "bad":
            raise FileError(Path(f"{code}.txt"), "expected good. Received: bad.")
        return SkippedSubject(code, what) if what == "no labels" else RawSubject(code, "A", "", {})

    cohort = gather("test", [("s1", "good"), ("s2", "bad"), ("s3", "no labels")], read_one)
    assert [raw.subject for raw in cohort.subjects] == ["s1"]
    assert cohort.skipped == (SkippedSubject("s3", "no labels"),)
    (problem,) = cohort.problems
    assert (problem.subject, str(problem)) == ("s2", "s2.txt: expected good. Received: bad.")


def test_files_go_by_their_roles():
    files = PhaseFiles(Path("cine.nii"), Path("labels.nii"), frame=0, is_cine=True)
    raw = RawSubject("s1", "", "", {"ED": files})
    assert raw.files == {"ED image": Path("cine.nii"), "ED label": Path("labels.nii")}
    assert raw.label_to_schema == {0: 0, 1: 1, 2: 2, 3: 3}


def test_a_cohort_has_those_that_cannot_be_read_too():
    subjects = (RawSubject("s1", "", "", {}),)
    problems = (Issue(ERROR, Path("a"), "", "s2"), Issue(ERROR, Path("b"), "", "s2"))
    assert RawCohort("test", subjects, (SkippedSubject("s3", ""),), problems).codes == {"s1", "s2"}
