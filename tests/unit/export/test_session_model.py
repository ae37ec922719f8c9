"""TensorFlow Serving's own loader, in C++, on a fresh bundle."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from cmrtf.bundle.signatures import promised_signatures
from cmrtf_export.session_model import SessionModel

EVERY = [
    (model, name) for model, signatures in promised_signatures(4, 128, 4, 4).items() for name in signatures
]


@pytest.mark.parametrize(("model", "name"), EVERY)
def test_each_signature_gives_in_c_the_pixels_that_it_gives_in_python(
    bundle, session_models, promised, slices, model, name
):
    inputs = {key: slices[key] for key in promised[model][name].inputs}
    in_python = bundle.models.signatures[model][name](**{k: tf.constant(v) for k, v in inputs.items()})
    in_c = session_models[model].predict(name, inputs)
    assert set(in_c) == set(in_python)
    for key, values in in_c.items():
        np.testing.assert_array_equal(values, in_python[key].numpy())
        assert values.dtype == in_python[key].numpy().dtype


def test_outputs_can_be_left_out(session_models, slices):
    assert set(session_models["label_vae"].predict("decode", slices, ("label_ids",))) == {"label_ids"}


def test_what_is_no_model_is_an_error_of_the_loader(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="Could not find SavedModel"):
        SessionModel(tmp_path)


def test_text_is_refused(session_models, slices):
    """It lies elsewhere in memory than where numbers do."""
    inputs = slices | {"label_ids": slices["label_ids"].astype(str)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected a tensor of numbers"):
        session_models["label_vae"].predict("encode", inputs)


def test_a_tensor_that_is_not_there_is_an_error(session_models, slices):
    model = session_models["label_vae"]
    definition = meta_graph_pb2.SignatureDef.FromString(model.signatures["encode"].SerializeToString())
    definition.outputs["mean"].name = "nowhere:0"
    changed = {**model.signatures, "changed": definition}
    model.signatures, kept = changed, model.signatures
    try:
        with pytest.raises(tf.errors.NotFoundError, match="no tensor nowhere:0 for mean"):
            model.predict("changed", slices)
    finally:
        model.signatures = kept
