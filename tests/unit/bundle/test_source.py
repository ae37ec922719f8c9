import pickle
from dataclasses import replace

import numpy as np
import pytest

import cmrtf
from cmrtf.bundle.source import source_of
from cmrtf.errors import CmrtfError


def opener(path):
    """As a worker receives it."""
    bundle = cmrtf.load_bundle(path)
    source = source_of(bundle.path, bundle.models, bundle.anatomy_prior, bundle.appearance_bank)
    return pickle.loads(pickle.dumps(source.reopen))


def test_another_process_opens_the_same(story):
    bundle, reopen = cmrtf.load_bundle(story.bundle), opener(story.bundle)
    source = reopen()
    assert source.provenance == bundle.provenance
    np.testing.assert_array_equal(source.prior.codes, bundle.anatomy_prior.codes)
    assert list(source.bank.subjects) == list(bundle.appearance_bank.subjects)
    assert source.reopen == reopen


def test_another_bundle_in_its_place_is_refused(story):
    with pytest.raises(CmrtfError, match=r"expected the bundle with which .* \(0{12}\.\.\.\)\. Received: an"):
        replace(opener(story.bundle), sha256="0" * 64)()


def test_any_folder_that_a_worker_runs_in_will_do(story, tmp_path, monkeypatch):
    monkeypatch.chdir(story.bundle.parent)
    reopen = opener(story.bundle.name)
    monkeypatch.chdir(tmp_path)
    assert reopen().provenance == cmrtf.load_bundle(story.bundle).provenance
