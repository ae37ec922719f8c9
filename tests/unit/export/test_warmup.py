import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from cmrtf.bundle.contents import model_folder
from cmrtf_export.warmup import WARMUP_FILE, example_inputs, read_warmup_requests


def test_each_signature_has_a_request_of_its_own_shapes(story, promised):
    for model, signatures in promised.items():
        requests = dict(read_warmup_requests(model_folder(story.bundle, model)))
        assert set(requests) == set(signatures)
        for name, inputs in requests.items():
            assert set(inputs) == set(signatures[name].inputs)
            for key, spec in signatures[name].inputs.items():
                assert inputs[key].shape == (1, *spec.shape[1:])
                assert inputs[key].dtype == spec.dtype


def test_the_label_maps_show_all_structures(promised):
    """A map of background only would leave most of SPADE's work to the first user."""
    label_ids = example_inputs(promised["label_vae"]["encode"])["label_ids"]
    assert label_ids.shape == (1, 128, 128)
    assert set(np.unique(label_ids)) == {0, 1, 2, 3}


def test_equal_requests_have_equal_bytes(story, promised):
    """Or the same runs would be another bundle each time that they are exported."""
    for model in promised:
        for record in tf.data.TFRecordDataset(
            str(model_folder(story.bundle, model) / WARMUP_FILE)
        ).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            assert record == log.SerializeToString(deterministic=True)
