import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.run_directory import RunDirectory
from cmrtf.training.train_gan import build_spade_gan
from cmrtf.training.train_vae import build_label_vae
from cmrtf_export.bundle import LABEL_VAE, SPADE_GAN

SIGNATURES = {
    "encode": (LABEL_VAE, ["label_ids"], {"mean", "log_variance"}),
    "decode": (LABEL_VAE, ["code"], {"label_ids", "probabilities"}),
    "synthesize": (SPADE_GAN, ["label_ids", "style"], {"image"}),
    "encode_style": (SPADE_GAN, ["image"], {"mean", "log_variance"}),
    "walk": (SPADE_GAN, ["label_ids", "image", "label_mix", "style_mix"], {"label_ids", "image"}),
}
PER_SLICE = [name for name in SIGNATURES if name != "walk"]


@pytest.fixture(scope="module")
def signatures(bundle):
    return {**bundle.label_vae, **bundle.spade_gan}


@pytest.fixture(scope="module")
def expected(story, slices):
    """Outputs of the trained Keras models."""
    vae_run, gan_run = (
        RunDirectory.open(path, kind)
        for path, kind in ((story.vae_run, "label_vae"), (story.gan_run, "spade_gan"))
    )
    vae, gan = build_label_vae(vae_run.config, 128), build_spade_gan(gan_run.config, 128)
    restore_for_inference(vae, vae_run.checkpoints)
    restore_for_inference(gan, gan_run.checkpoints)
    logits = vae.decode(slices["code"])
    walked = tf.argmax(vae.decode(slices["label_mix"] @ vae.encode(slices["label_ids"]).mean.numpy()), -1)
    walked = tf.where([[[True]], [[True]], [[False]], [[True]]], walked, 0)  # the third mixes nothing
    walked_style = slices["style_mix"] @ gan.encode_style(slices["image"]).mean.numpy()
    return {
        "encode": vae.encode(slices["label_ids"])._asdict(),
        "decode": {"label_ids": tf.argmax(logits, -1), "probabilities": tf.nn.softmax(logits)},
        "synthesize": {"image": gan.synthesize(slices["label_ids"], slices["style"])},
        "encode_style": gan.encode_style(slices["image"])._asdict(),
        "walk": {"label_ids": walked, "image": gan.synthesize(walked, walked_style)},
    }


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_computes_what_the_trained_model_does(signatures, expected, slices, name):
    """The averaged generator's spectral norms are divided into its kernels on the way."""
    _, inputs, outputs = SIGNATURES[name]
    results = signatures[name](**{key: tf.constant(slices[key]) for key in inputs})
    assert set(results) == outputs
    for key, values in results.items():
        np.testing.assert_allclose(values, expected[name][key], atol=1e-5)


@pytest.mark.parametrize("name", PER_SLICE)
def test_any_number_of_slices_goes(signatures, expected, slices, name):
    _, inputs, _ = SIGNATURES[name]
    results = signatures[name](**{key: tf.constant(slices[key][1:2]) for key in inputs})
    for key, values in results.items():
        np.testing.assert_allclose(values[0], expected[name][key][1], atol=1e-5)


def test_each_model_has_a_default_signature(bundle):
    for signatures, default in ((bundle.label_vae, "decode"), (bundle.spade_gan, "synthesize")):
        structure = signatures["serving_default"].structured_outputs
        assert structure == signatures[default].structured_outputs


@pytest.mark.parametrize("model", [LABEL_VAE, SPADE_GAN], ids=["label_vae", "spade_gan"])
def test_the_loader_of_tf_serving_finds_every_variable(story, expected, slices, model):
    """It restores by name into a Session; a SavedModel that tracks Keras objects loads in Python alone."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(story.bundle / model))
        for name, (folder, inputs, _) in SIGNATURES.items():
            if folder == model:
                signature = meta.signature_def[name]
                feed = {signature.inputs[key].name: slices[key] for key in inputs}
                fetch = {key: tensor.name for key, tensor in signature.outputs.items()}
                for key, values in session.run(fetch, feed).items():
                    np.testing.assert_allclose(values, expected[name][key], atol=1e-5)


WITHOUT_KERAS_AND_CMRTF = '''
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
names = {"label_vae/1": ("encode", "decode"), "spade_gan/1": ("synthesize", "encode_style", "walk")}
for model in names:
    signatures = tf.saved_model.load(f"{sys.argv[1]}/{model}").signatures
    for name in names[model]:
        wanted = signatures[name].structured_input_signature[1]
        results = signatures[name](**{key: tf.constant(inputs[key]) for key in wanted})
        outputs |= {f"{name}/{key}": values.numpy() for key, values in results.items()}
assert not {'keras', 'cmrtf'} & set(sys.modules)
np.savez(sys.argv[3], **outputs)
'''


def test_the_models_run_where_there_is_no_keras_and_no_cmrtf(story, expected, slices, tmp_path):
    np.savez(tmp_path / "inputs.npz", **slices)
    arguments = [story.bundle, tmp_path / "inputs.npz", tmp_path / "outputs.npz"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_KERAS_AND_CMRTF, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "outputs.npz") as outputs:
        for name in SIGNATURES:
            for key, values in expected[name].items():
                np.testing.assert_allclose(outputs[f"{name}/{key}"], values, atol=1e-5)


@pytest.mark.parametrize("name", ["encode", "synthesize"])
@pytest.mark.parametrize("foreign", [-1, 4])
def test_foreign_labels_are_refused(signatures, slices, name, foreign):
    label_ids = slices["label_ids"].copy()
    label_ids[1, 5, 5] = foreign
    inputs = {"label_ids": tf.constant(label_ids)}
    if name == "synthesize":
        inputs["style"] = tf.constant(slices["style"])
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=rf"label_ids must be within 0\.\.3\. Received: *\]? *\[?{foreign}",
    ):
        signatures[name](**inputs)


@pytest.mark.parametrize(
    ("name", "key"),
    [("decode", "code"), ("synthesize", "style"), ("encode_style", "image"), ("walk", "label_mix")],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_a_number_is_refused(signatures, slices, name, key, value):
    values = slices[key].copy()
    values.flat[7] = value
    inputs = {other: tf.constant(slices[other]) for other in SIGNATURES[name][1]} | {key: tf.constant(values)}
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{key} must be finite"):
        signatures[name](**inputs)
