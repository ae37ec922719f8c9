"""Files of ours that somebody edited, and answers that no server gives: right, or a `CmrtfError`, and soon.

A few cases in the normal run; `make fuzz` runs `CMRTF_FUZZ_CASES` of each property.
"""

import copy
import json
import os
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from area_double import A, B
from cmrtf.benchmark.domains import Domain
from cmrtf.benchmark.results import read_scores, write_scores
from cmrtf.benchmark.scores import SCORED
from cmrtf.bundle.contents import read_description
from cmrtf.bundle.grpc_transport import GrpcTransport
from cmrtf.bundle.rest_transport import RestTransport
from cmrtf.bundle.saved_model import read_signatures
from cmrtf.bundle.signatures import Tensor, require_values
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.json_files import CHECKSUM
from cmrtf.errors import CmrtfError
from cmrtf.report.generated_cohort import GeneratedCohort, Request
from cmrtf.report.provenance_entries import read_provenance, read_settings
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.training.run import RunDirectory
from heart_double import heart_source

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("CMRTF_FUZZ_CASES", "30"))

fuzz = settings(max_examples=CASES, suppress_health_check=list(HealthCheck), deadline=3000)

# fmt: off
NASTY = st.sampled_from([
    None, True, -1, 0, 1, 2.5, 10**9, 10**30, 1e300, -1e300, float("nan"), float("inf"), "", "x" * 5000,
    "../../x", "\x00", "\x1b[2J", "=1+1", [], {}, [[]], {"": 0}, ["ED", "ED"], "1",
])
# fmt: on
"""What stands in place of a value."""


@st.composite
def edits(draw):
    """Some changes of a JSON value, each at a place that is found by numbers."""
    places = st.lists(st.integers(0, 10**6), min_size=1, max_size=6)
    kinds = st.sampled_from(["replace", "remove", "add", "double"])
    return draw(st.lists(st.tuples(places, kinds, NASTY), min_size=1, max_size=3))


def _edited(value, changes):
    value = copy.deepcopy(value)
    for place, kind, nasty in changes:
        parent, key, current = None, None, value
        for number in place:
            if not isinstance(current, (dict, list)) or not current:
                break
            keys = list(current) if isinstance(current, dict) else range(len(current))
            parent, key = current, keys[number % len(keys)]
            current = current[key]
        if parent is None:
            value = copy.deepcopy(nasty)
        elif kind == "replace":
            parent[key] = copy.deepcopy(nasty)
        elif kind == "remove":
            del parent[key]
        elif kind == "double" and isinstance(current, list):
            parent[key] = current + current
        elif isinstance(parent, dict):
            parent["added"] = copy.deepcopy(nasty)
    return value


def _damaged(content, cut, flips):
    content = bytearray(content[: int(cut * len(content))] if cut < 0.3 else content)
    for at, byte in flips if content else ():
        content[int(at * len(content))] ^= byte
    return bytes(content)


damage = {
    "cut": st.floats(0, 1),
    "flips": st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=4),
}


DOMAIN = Domain("held-out", "as prepared", (A, B))
SCORES = {measure: {name: [0.5, float("nan")] for name in names} for measure, names in SCORED.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def read(story, folder):
    """What uses each file, with what must hold of what it returns."""

    def bank(file):
        for known in AppearanceBank.load(file).subjects.values():
            low, high = known.intensity_window
            assert np.isfinite([*known.style.ravel(), low, high]).all()
            assert low < high

    def manifest(file):
        cohort = PreparedCohort.open(file.parent)
        for code in cohort:
            assert "/" not in cohort.record(code).subject
            assert np.isfinite(cohort.record(code).geometry.affine).all()

    def run(file):
        assert RunDirectory.open(file.parent, "label_vae").seed >= 0

    def scores(file):
        for by in (read_scores(file, DOMAIN) or {}).values():
            assert {len(values) for values in by.values()} == {len(DOMAIN.subjects)}

    def provenance(file):
        facts = read_provenance(file, "SYN00001")
        assert np.isfinite(list(facts["measures"].values())).all()

    generated = folder / "generated"
    GeneratedCohort(heart_source(), Request(1, num_frames=2)).save(generated)
    write_scores(folder / "scores" / "scores.json", DOMAIN, SCORES)
    return {
        "style_bank.json": (story.bundle / "style_bank.json", bank),
        "bundle.json": (story.bundle / "bundle.json", lambda file: read_description(file.parent)),
        "manifest.json": (story.prepared / "manifest.json", manifest),
        "run.json": (story.vae_run / "run.json", run),
        "SYN00001.json": (generated / "provenance" / "SYN00001.json", provenance),
        "cohort.json": (generated / "provenance" / "cohort.json", read_settings),
        "scores.json": (folder / "scores" / "scores.json", scores),
    }


NAMES = (
    "style_bank.json",
    "bundle.json",
    "manifest.json",
    "run.json",
    "SYN00001.json",
    "cohort.json",
    "scores.json",
)


@pytest.mark.parametrize("name", NAMES)
@fuzz
@given(changes=edits())
def test_edited_json(read, folder, name, changes):
    source, use = read[name]
    content = json.loads(source.read_text())
    content.pop(CHECKSUM, None)  # as in what cmrtf 0.1 wrote, and somebody who edits it may leave it out
    text = json.dumps(_edited(content, changes))
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    _right_or_refused(use, folder / name)


@pytest.mark.parametrize("name", NAMES)
@fuzz
@given(**damage)
def test_damaged_json(read, folder, name, cut, flips):
    source, use = read[name]
    (folder / name).write_bytes(_damaged(source.read_bytes(), cut, flips))
    _right_or_refused(use, folder / name)


def _right_or_refused(use, file):
    try:
        use(file)
    except CmrtfError as error:
        assert len(str(error)) < 12000  # noqa: PT017 - whether it raises is not the question


@fuzz
@given(**damage)
def test_damaged_arrays(story, folder, cut, flips):
    file = folder / "anatomy_bank.npz"
    file.write_bytes(_damaged((story.bundle / "anatomy_bank.npz").read_bytes(), cut, flips))
    _right_or_refused(AnatomyPrior.load, file)


@fuzz
@given(
    name=st.sampled_from(["codes", "ends_mm", "slice_spacing_mm", "pathologies", "volumes_ml"]),
    header=st.builds(
        lambda descr, order, shape: {"descr": descr, "fortran_order": order, "shape": shape},
        st.sampled_from(["<f4", "<f8", ">f8", "|O", "<U3", "<U1000000000", "|V8", "no", 3]),
        st.sampled_from([False, True, None]),
        st.one_of(st.none(), st.lists(st.sampled_from([0, 1, 2, 6, 12, -1, 10**11]), max_size=4).map(tuple)),
    ),
    store=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_arrays_of_something_else(story, folder, name, header, store):
    text = str(header).encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(48)
    file = folder / "anatomy_bank.npz"
    with zipfile.ZipFile(story.bundle / "anatomy_bank.npz") as source, zipfile.ZipFile(file, "w") as target:
        for member in source.namelist():
            changed = member == f"{name}.npy"
            target.writestr(member, content if changed else source.read(member), store if changed else None)
    _right_or_refused(AnatomyPrior.load, file)


@fuzz
@given(**damage)
def test_damaged_models(story, folder, cut, flips):
    source = story.bundle / "label_vae/1/saved_model.pb"
    (folder / "saved_model.pb").write_bytes(_damaged(source.read_bytes(), cut, flips))
    _right_or_refused(read_signatures, folder)


EXPECTED = Tensor("float32", (2, 3))


class _Answering(RestTransport):
    """Gets its answers without a server."""

    text = b""

    def __init__(self):
        super().__init__("http://localhost:1", 1)

    def _fetch(self, *request):
        return 200, self.text


ANSWER = {"outputs": {"mean": [[0.5, 1, 2], [3, 4, 5]], "log_variance": [[0.0] * 3] * 2}}
TENSOR_INFO = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}, {"size": "3"}]}}
DEFINITIONS = {"encode": {"inputs": {"x": TENSOR_INFO}, "outputs": {"mean": TENSOR_INFO}}}
METADATA = {
    "model_spec": {"name": "label_vae", "version": "1"},
    "metadata": {"signature_def": {"signature_def": DEFINITIONS}},
}


@fuzz
@given(changes=edits())
def test_edited_answers_by_rest(changes):
    transport = _Answering()
    transport.text = json.dumps(_edited(ANSWER, changes)).encode()

    def predict(_):
        values = transport.predict("label_vae", 1, "encode", {}, "mean", EXPECTED)
        require_values("server", "mean", values, EXPECTED)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()

    _right_or_refused(predict, None)
    transport.text = json.dumps(_edited(METADATA, changes)).encode()
    _right_or_refused(lambda _: transport.find("label_vae", None), None)


@fuzz
@given(**damage)
def test_damaged_answers_by_grpc(cut, flips):
    """Of what protobuf still takes for a tensor."""
    tensor = tf.make_tensor_proto(np.zeros((2, 3), np.float32))
    content = _damaged(tensor.SerializeToString(), cut, flips)
    transport = GrpcTransport("localhost:1", secure=False, deadline_s=1)

    class Outputs:
        def __getitem__(self, name):
            try:
                return type(tensor).FromString(content)
            except Exception as error:  # gRPC says so itself
                raise CmrtfError("no tensor") from error

    transport._ask = lambda *request: type("Response", (), {"outputs": Outputs()})

    def predict(_):
        values = transport.predict("label_vae", 1, "encode", {}, "mean", EXPECTED)
        assert values.shape == (2, 3)

    _right_or_refused(predict, None)
