"""A SavedModel that could do more than compute is refused before anything loads it."""

import shutil

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from cmrtf.bundle.contents import model_folder
from cmrtf.bundle.models import LoadedModels
from cmrtf.bundle.saved_model import read_signatures
from cmrtf.errors import CmrtfError


@pytest.mark.parametrize("model", ["label_vae", "spade_gan"])
def test_models_as_exported_only_compute(bundle, promised, model):
    signatures = read_signatures(model_folder(bundle.path, model))
    assert {name: signatures[name] for name in promised[model]} == promised[model]


@pytest.fixture
def spoil(story, tmp_path):
    """Change the graph of a label VAE; returns its folder."""

    def spoil(change):
        folder = shutil.copytree(story.bundle / "label_vae/1", tmp_path / "label_vae/1")
        file = folder / "saved_model.pb"
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
        change(saved.meta_graphs[0])
        file.write_bytes(saved.SerializeToString())
        return folder

    return spoil


def _function(meta_graph, name):
    return next(f for f in meta_graph.graph_def.library.function if name in f.signature.name)


def _read_file_in_a_signature(meta_graph):
    _function(meta_graph, "inference_signature_wrapper").node_def.add(name="x", op="ReadFile")


def _write_file_when_loaded(meta_graph):
    meta_graph.graph_def.node.add(name="x", op="WriteFile")


def _python(meta_graph):
    meta_graph.graph_def.node.add(name="x", op="EagerPyFunc")


def _print_into_a_file(meta_graph):
    meta_graph.graph_def.node.add(name="x", op="PrintV2")


def _save_in_a_signature(meta_graph):
    _function(meta_graph, "inference_signature_wrapper").node_def.add(name="x", op="SaveV2")


def _save_while_restoring(meta_graph):
    _function(meta_graph, "traced_restore").node_def.add(name="x", op="MergeV2Checkpoints")


def _call_the_saver(meta_graph):
    node = _function(meta_graph, "inference_signature_wrapper").node_def.add(
        name="x", op="StatefulPartitionedCall"
    )
    node.attr["f"].func.name = _function(meta_graph, "traced_save").signature.name


def _ask_for_the_saver(meta_graph):
    info = meta_graph.signature_def["encode"].outputs["mean"]
    info.name = meta_graph.saver_def.save_tensor_name


def _hang_on_to_the_saver(meta_graph):
    saver = meta_graph.saver_def.save_tensor_name.partition(":")[0]
    meta_graph.graph_def.node.add(name="x", op="NoOp", input=[f"^{saver}"])


def _make_the_saver_start(meta_graph):
    meta_graph.collection_def["saved_model_main_op"].node_list.value.append(
        meta_graph.saver_def.save_tensor_name
    )


def _make_the_saver_something_else(meta_graph):
    meta_graph.saver_def.restore_op_name = "x"
    meta_graph.graph_def.node.add(name="x", op="ReadFile")


def _bring_a_file(meta_graph):
    meta_graph.asset_file_def.add(filename="../../x")


def _be_an_object_of_python(meta_graph):
    meta_graph.object_graph_def.nodes.add().user_object.identifier = "_tf_keras_model"


@pytest.mark.parametrize(
    "change",
    [
        _read_file_in_a_signature,
        _write_file_when_loaded,
        _python,
        _print_into_a_file,
        _save_in_a_signature,
        _save_while_restoring,
        _call_the_saver,
        _ask_for_the_saver,
        _hang_on_to_the_saver,
        _make_the_saver_start,
        _make_the_saver_something_else,
        _bring_a_file,
        _be_an_object_of_python,
    ],
)
def test_what_does_more_is_named(spoil, change):
    folder = spoil(change)
    with pytest.raises(
        CmrtfError, match=r"saved_model\.pb: expected a model that only computes.*do not load"
    ):
        read_signatures(folder)


def test_a_model_that_writes_a_file_is_never_run(tmp_path, bundle):
    """A real one, by TensorFlow's own means."""
    written = tmp_path / "written"

    class Writer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 128, 128), tf.int32)])
        def encode(self, label_ids):
            tf.io.write_file(str(written), "owned")
            return {"mean": tf.zeros((1, 4)), "log_variance": tf.zeros((1, 4))}

    module = Writer()
    tf.saved_model.save(module, str(tmp_path / "label_vae/1"), signatures={"encode": module.encode})
    with pytest.raises(CmrtfError, match=r"label_vae/1/saved_model\.pb: .*Received: WriteFile"):
        _ = LoadedModels(tmp_path, bundle.models.promised).signatures
    assert not written.exists()


def test_what_is_no_model_is_named(tmp_path):
    with pytest.raises(CmrtfError, match=r"saved_model\.pb: expected a SavedModel\. Received: No such file"):
        read_signatures(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(CmrtfError, match=r"expected one graph\. Received: 0"):
        read_signatures(tmp_path)


def test_what_a_graph_refuses_is_one_paragraph(bundle, slices):
    label_ids = slices["label_ids"].copy()
    label_ids[0, 0, 0] = 9
    with pytest.raises(CmrtfError, match=r"label_vae/1: expected signature encode to answer\. Received: "):
        bundle.models.encode(label_ids)
