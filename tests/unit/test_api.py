"""The public Python API: lazy, complete, and silent."""

import inspect
import subprocess
import sys

import pytest

import cmrtf
import cmrtf_export
from cmrtf.bundle.bundle import Bundle


@pytest.mark.parametrize("package", [cmrtf, cmrtf_export])
def test_every_public_name_is_there_and_documented(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
        if not name.startswith("__"):
            assert getattr(package, name).__doc__
    assert dir(package) == sorted(package.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'cmrtf' has no attribute 'nothing'"):
        cmrtf.nothing  # noqa: B018


def test_importing_costs_next_to_nothing():
    """No NumPy even; the time is that of the import alone, the best of three."""
    code = """
import sys, time
start = time.perf_counter()
import cmrtf
seconds = time.perf_counter() - start
heavy = {"numpy", "tensorflow", "keras", "scipy", "matplotlib", "nibabel"} & set(sys.modules)
assert not heavy, heavy
print(seconds)
"""
    said = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(3)]
    assert [done.stderr for done in said] == [""] * 3
    assert min(float(done.stdout) for done in said) < 0.2


def test_reading_and_measuring_start_no_tensorflow(story):
    code = """
import sys, cmrtf
cohort = cmrtf.open_cohort(sys.argv[1])
subject = cohort[cohort.codes()[0]]
assert subject.ed.volume_ml("LV") > 0
assert subject.measures()["LV_EDV_ml"] == subject.ed.volume_ml("LV")
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(story.prepared)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


FUNCTIONS = (
    *(cmrtf.evaluate, cmrtf.prepare, cmrtf.train_gan, cmrtf.train_vae, cmrtf.write_phantom_cohort),
    *(Bundle.interpolate, Bundle.remodel),
)
FLAGS = [
    (function, parameter.name)
    for function in FUNCTIONS
    for parameter in inspect.signature(function).parameters.values()
    if parameter.annotation is bool
]


@pytest.mark.parametrize(("function", "flag"), FLAGS, ids=[f"{one.__name__} {flag}" for one, flag in FLAGS])
def test_what_is_neither_true_nor_false_is_refused_before_all_else(function, flag):
    required = [
        Bundle(None) if parameter.name == "self" else "absent"
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
    ]
    with pytest.raises(cmrtf.CmrtfError, match=f"^{flag}: expected True or False. Received: 'no'"):
        function(*required, **{flag: "no"})


TOO_LONG = "x" * 300
LONG_NAMES = {
    "info": lambda: cmrtf.info(TOO_LONG),
    "load_bundle": lambda: cmrtf.load_bundle(TOO_LONG),
    "open_cohort": lambda: cmrtf.open_cohort(TOO_LONG),
    "check": lambda: cmrtf.check(TOO_LONG),
    "prepare": lambda: cmrtf.prepare("absent", TOO_LONG),
    "convert": lambda: cmrtf.convert(TOO_LONG, "a.nii"),
    "convert to": lambda: cmrtf.convert("absent", f"{TOO_LONG}/a.nii"),
    "train_vae": lambda: cmrtf.train_vae("absent", TOO_LONG, resume=True),
    "train_vae on": lambda: cmrtf.train_vae(TOO_LONG, "run"),
    "evaluate": lambda: cmrtf.evaluate(TOO_LONG, TOO_LONG),
    "export_bundle": lambda: cmrtf_export.export_bundle(TOO_LONG, TOO_LONG, "bundle"),
    "check_bundle": lambda: list(cmrtf_export.check_bundle(TOO_LONG)),
    "synthesize": lambda: Bundle(None).synthesize(TOO_LONG),
    "synthesize_all": lambda: Bundle(None).synthesize_all(TOO_LONG),
}


@pytest.mark.parametrize("call", LONG_NAMES.values(), ids=LONG_NAMES)
def test_a_name_that_is_too_long_is_an_error_for_the_user(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cmrtf.CmrtfError, match="expected"):
        call()
