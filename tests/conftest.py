"""Shared by all tests: a quiet TensorFlow and a tiny cohort; helpers/ has the other fixtures."""

import gc
import logging
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Numbers are compared to 1e-5 and closer, which the reduced precision of a GPU's convolutions misses.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # a process per core: more threads than one each get into their way
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

import hypothesis
import pytest

import prepared_cohort

pytest_plugins = ["story_fixtures", "bundle_fixtures", "training_fixtures"]

STORY = ("docs/", "integration/test_end", "integration/test_parity", "unit/bundle/", "unit/export/")
"""Files that open the story's bundle, whose models take long to load."""
TOGETHER = {"story": STORY, "phantom": ("unit/phantom/",)}
"""Files that one process runs, by what they share."""

gc.disable()  # nothing of what is imported and collected now is ever garbage

# The first example of a property pays for TensorFlow's start-up.
hypothesis.settings.register_profile("cmrtf", deadline=None)
hypothesis.settings.load_profile("cmrtf")


def pytest_collection_modifyitems(items):
    """What needs the story, which trains models, is slow too.

    Slow files come first, or one process would end with them alone; and of them the longest that needs no
    story: one process works on it while the other tells the story.
    """
    for item in items:
        if "story" in item.fixturenames:
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.name != "test_processes.py", item.path not in slow))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file goes to one process as a whole, and all files of `TOGETHER` to the same one."""
    from xdist.scheduler import LoadFileScheduling

    class SharingScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            path = file.removeprefix("tests/")
            return next((name for name, files in TOGETHER.items() if path.startswith(files)), file)

    return SharingScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def _default_dtype_policy():
    """Building a model sets Keras' global policy; the next test starts from the default."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(autouse=True)
def _library_log():
    """A command that ran in this process has switched the library's log on, for the terminal alone."""
    logger = logging.getLogger("cmrtf")
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory):
    """Three subjects to train on and one to validate, 3 slices of 16 x 16: to read only."""
    return prepared_cohort.write_cohort(tmp_path_factory.mktemp("tiny") / "cohort")
