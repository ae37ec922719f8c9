import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.bundle.signatures import DEFAULTS, promised_signatures
from cmrtf.synthesis.appearance import PLACES, average
from documents import blocks, text_of

EVERY = [
    (model, name) for model, signatures in promised_signatures(4, 128, 4, 4).items() for name in signatures
]
LOADERS = ["tf.saved_model.load", "Session"]


@pytest.fixture(scope="module")
def expected(bundle, keras_models, slices):
    """Outputs of the trained Keras models."""
    vae, gan = keras_models

    def decode(code):
        logits = vae.decode(code)
        return {"label_ids": tf.argmax(logits, -1), "probabilities": tf.nn.softmax(logits)}

    def between(first, second):
        return (1 - slices["weight"][:, None]) * first + slices["weight"][:, None] * second

    codes = [vae.encode(slices[name]).mean.numpy() for name in ("label_ids_a", "label_ids_b")]
    walked = decode(between(*codes))
    style = between(slices["style_a"], slices["style_b"])
    mean_style = average(list(bundle.appearance_bank.subjects.values())).style[len(PLACES) // 2]
    return {
        "encode": vae.encode(slices["label_ids"])._asdict(),
        "decode": decode(slices["code"]),
        "interpolate": walked,
        "synthesize": {"image": gan.synthesize(slices["label_ids"], slices["style"])},
        "encode_style": gan.encode_style(slices["image"])._asdict(),
        "walk": {"label_ids": walked["label_ids"], "image": gan.synthesize(walked["label_ids"], style)},
        "walk_average": {
            "label_ids": walked["label_ids"],
            "image": gan.synthesize(walked["label_ids"], np.repeat(mean_style[None], 3, axis=0)),
        },
    }


@pytest.fixture
def run(bundle, session_models, promised):
    """Call a signature with those of the inputs that it takes."""

    def run(loader, model, name, inputs):
        taken = {key: inputs[key] for key in promised[model][name].inputs}
        if loader == "Session":
            return session_models[model].predict(name, taken)
        signature = bundle.models.signatures[model][name]
        return signature(**{key: tf.constant(values) for key, values in taken.items()})

    return run


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("model", "name"), EVERY)
def test_a_signature_computes_what_the_trained_model_does(
    run, promised, expected, slices, model, name, loader
):
    """In Python, and in a Session restored by name as TF Serving does it."""
    results = run(loader, model, name, slices)
    assert set(results) == set(promised[model][name].outputs)
    for key, values in results.items():
        np.testing.assert_allclose(values, expected[name][key], atol=1e-5)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("model", "name"), EVERY)
def test_a_row_does_not_depend_on_the_others(run, expected, slices, model, name, loader):
    results = run(loader, model, name, {key: values[1:2] for key, values in slices.items()})
    for key, values in results.items():
        np.testing.assert_allclose(values[0], expected[name][key][1], atol=1e-5)


def test_each_model_has_a_default_signature(bundle, session_models):
    for model, name in DEFAULTS.items():
        signatures = bundle.models.signatures[model]
        assert signatures["serving_default"].structured_outputs == signatures[name].structured_outputs
        assert "serving_default" in session_models[model].signatures


# Where a bundle will run

ELSEWHERE = '''
import sys


class Without:
    """A finder that does not find Keras and cmrtf."""

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras", "tf_keras", "cmrtf", "cmrtf_export"):
            return None
        return self.finder.find_spec(name, path, target)


sys.meta_path = [Without(finder) for finder in sys.meta_path]
import numpy as np
import tensorflow as tf

inputs, outputs = np.load(sys.argv[2]), {}
for model in ("label_vae/1", "spade_gan/1"):
    signatures, wanted = tf.saved_model.load(f"{sys.argv[1]}/{model}").signatures, {}
    for name, signature in signatures.items():
        if name == "serving_default":  # another name of one of them
            continue
        wanted[name] = signature.structured_input_signature[1]
        results = signature(**{key: tf.constant(inputs[key]) for key in wanted[name]})
        outputs |= {f"{name}/python/{key}": values.numpy() for key, values in results.items()}
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], f"{sys.argv[1]}/{model}")
        for name in wanted:
            definition = meta_graph.signature_def[name]
            feed = {definition.inputs[key].name: inputs[key] for key in wanted[name]}
            fetch = {key: tensor.name for key, tensor in definition.outputs.items()}
            results = session.run(fetch, feed)
            outputs |= {f"{name}/session/{key}": values for key, values in results.items()}
np.savez(sys.argv[3], **outputs)
print(tf.__version__)
'''

AFTERWARDS = """
assert not {"keras", "cmrtf"} & set(sys.modules)
assert label_ids.shape == (8, 128, 128) and images.shape == (8, 128, 128, 1)
assert 0 <= int(tf.reduce_min(label_ids)) and int(tf.reduce_max(label_ids)) <= 3
assert float(tf.reduce_max(tf.abs(images))) <= 1.0
assert stack["label_ids"].shape == (32, 128, 128) and stack["image"].shape == (32, 128, 128, 1)
"""
"""What holds when the Python of docs/how-to/serving.md has run."""


def test_models_and_documented_python_run_in_the_oldest_tensorflow_without_keras_and_cmrtf(
    story, expected, slices, tmp_path
):
    """In this TensorFlow where `make test` has not installed the oldest."""
    oldest = Path(sys.prefix) / "oldest" / "bin" / "python"
    np.savez(tmp_path / "inputs.npz", **slices)
    (documented,) = blocks(text_of("docs/how-to/serving.md"), "python")
    code = "\n".join([ELSEWHERE, documented.replace("demo/bundle", str(story.bundle)), AFTERWARDS])
    arguments = [story.bundle, tmp_path / "inputs.npz", tmp_path / "outputs.npz"]
    command = [oldest if oldest.exists() else sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    if oldest.exists():
        assert done.stdout.startswith("2.20" if sys.version_info >= (3, 13) else "2.18")
    with np.load(tmp_path / "outputs.npz") as outputs:
        for _, name in EVERY:
            for key, values in expected[name].items():
                for loader in ("python", "session"):
                    np.testing.assert_allclose(outputs[f"{name}/{loader}/{key}"], values, atol=1e-5)


# What a signature refuses


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("model", "name", "key"),
    [
        ("label_vae", "encode", "label_ids"),
        ("label_vae", "interpolate", "label_ids_b"),
        ("spade_gan", "synthesize", "label_ids"),
        ("spade_gan", "walk", "label_ids_a"),
    ],
)
@pytest.mark.parametrize("foreign", [-1, 4])
def test_foreign_labels_are_refused(run, slices, model, name, key, loader, foreign):
    label_ids = slices[key].copy()
    label_ids[1, 5, 5] = foreign
    message = rf"label_ids must be within 0\.\.3\. Received: *\]? *\[?{foreign}"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(loader, model, name, slices | {key: label_ids})


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("model", "name", "key"),
    [
        ("label_vae", "decode", "code"),
        ("label_vae", "interpolate", "weight"),
        ("spade_gan", "synthesize", "style"),
        ("spade_gan", "encode_style", "image"),
        ("spade_gan", "walk", "style_b"),
        ("spade_gan", "walk_average", "weight"),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_a_number_is_refused(run, slices, model, name, key, loader, value):
    values = slices[key].copy()
    values.flat[1] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{key} must be finite"):
        run(loader, model, name, slices | {key: values})


INPUTS = [
    (model, name, key)
    for model, signatures in promised_signatures(4, 128, 4, 4).items()
    for name, signature in signatures.items()
    for key in signature.inputs
]


@pytest.mark.parametrize(("model", "name", "key"), INPUTS)
def test_another_shape_is_refused_by_the_graph_itself(run, slices, model, name, key):
    """A server hands a graph whatever it was sent; Python would not let it come that far."""
    values = slices[key]
    wrong = values[..., None] if values.ndim == 1 else values[:, :-1]
    shape = str(list(wrong.shape)).replace(" ", "")
    with pytest.raises(tf.errors.InvalidArgumentError) as refused:
        run("Session", model, name, slices | {key: wrong})
    assert f"{name}_{key}" in refused.value.message or key in refused.value.message
    assert f"{shape} is not compatible with expected shape [?" in refused.value.message


@pytest.mark.parametrize(
    ("model", "name", "key"), [entry for entry in INPUTS if entry[1] in ("synthesize", "walk")]
)
def test_another_number_of_rows_is_refused(run, slices, model, name, key):
    message = f"{key}.* must have the same number of rows, one or more"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run("Session", model, name, slices | {key: np.concatenate([slices[key]] * 2)})


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("model", "name"), EVERY)
def test_no_rows_are_refused(run, slices, model, name, loader):
    """TensorFlow's kernels divide by zero on some of them, which ends a server."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="one or more"):
        run(loader, model, name, {key: values[:0] for key, values in slices.items()})
