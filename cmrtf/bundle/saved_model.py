"""What a SavedModel can do, read from its file without loading it.

A SavedModel is a program: operations of TensorFlow can read and write files and call Python, and a loader
runs some of them at once. A bundle's models only compute, so all that they may consist of is listed here.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from cmrtf.bundle.signatures import Signature, Tensor
from cmrtf.core.files import read_plain_file
from cmrtf.errors import FileError

SAVED_MODEL = "saved_model.pb"

MAX_BYTES = 2**28
"""Of the file, which holds no weights: a hundred times what it has."""

# fmt: off
COMPUTING = frozenset({
    "AddN", "AddV2", "All", "Any", "ArgMax", "Assert", "AssignVariableOp", "AvgPool", "BatchMatMulV2",
    "BiasAdd", "Cast", "CheckNumerics", "ConcatV2", "Const", "Conv2D", "Conv2DBackpropInput", "Cos",
    "DepthToSpace", "DisableCopyOnRead", "EnsureShape", "Equal", "Exp", "ExpandDims", "Fill", "FloorDiv",
    "FloorMod", "FusedBatchNormV3", "GatherV2", "Greater", "GreaterEqual", "Identity", "IdentityN",
    "LeakyRelu", "Less", "LessEqual", "Log", "LogicalAnd", "LogicalNot", "LogicalOr", "MatMul", "Max",
    "MaxPool", "Maximum", "Mean", "Min", "Minimum", "MirrorPad", "Mul", "Neg", "NoOp", "NotEqual",
    "OneHot", "OnesLike", "Pack", "Pad", "PadV2", "PartitionedCall", "Placeholder", "Pow", "Range",
    "ReadVariableOp", "RealDiv", "Relu", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor", "Rsqrt",
    "Select", "SelectV2", "Shape", "ShardedFilename", "Sigmoid", "Sin", "Softmax", "SparseMatrixMatMul",
    "SparseTensorToCSRSparseMatrix", "Split", "SplitV", "Sqrt", "Square", "SquaredDifference", "Squeeze",
    "StatefulPartitionedCall", "StaticRegexFullMatch", "StopGradient", "StridedSlice", "StringJoin",
    "Sub", "Sum", "Tanh", "Tile", "Transpose", "Unique", "Unpack", "VarHandleOp", "ZerosLike",
})
# fmt: on
"""Operations that change nothing but numbers in memory."""

CALLING = {"PartitionedCall", "StatefulPartitionedCall"}

RESTORING = frozenset({"RestoreV2"})
SAVING = frozenset({"SaveV2", "MergeV2Checkpoints"})
"""Operations on files: in the two functions with which every SavedModel reads and writes its own weights."""

OBJECTS = {"variable", "bare_concrete_function", "user_object"}
IDENTIFIERS = {"_generic_user_object", "trackable_list_wrapper", "signature_map"}
"""What a loader in Python makes objects of."""

PREDICT = "tensorflow/serving/predict"
"""What a `SignatureDef` for requests calls its method; others are the loader's."""

DTYPES = {1: "float32", 3: "int32"}
"""By number in `DataType`: those that a bundle's signatures have."""


def read_signatures(folder: Path) -> dict[str, Signature]:
    """The signatures of a SavedModel that only computes.

    Args:
        folder: of the SavedModel.

    Raises:
        FileError: there is none, or it could do something else, such as read or write a file.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = folder / SAVED_MODEL
    content = read_plain_file(file, "a SavedModel", MAX_BYTES)
    try:
        saved = saved_model_pb2.SavedModel.FromString(content)
    except DecodeError as error:
        raise FileError(file, f"expected a SavedModel. Received: {error}.") from error
    if len(saved.meta_graphs) != 1:
        raise FileError(file, f"expected one graph. Received: {len(saved.meta_graphs)}.")
    (meta_graph,) = saved.meta_graphs
    if foreign := sorted(set(_foreign(meta_graph))):
        raise FileError(
            file,
            "expected a model that only computes, of the operations that `cmrtf export` writes. "
            f"Received: {', '.join(foreign)[:500]}. It may read, write or run something: do not load it.",
        )
    definitions = meta_graph.signature_def.items()
    return {name: signature_of(one) for name, one in definitions if one.method_name == PREDICT}


def signature_of(definition: Any) -> Signature:
    """The signature of a `SignatureDef`, in a SavedModel or in the answer of a server."""
    return Signature(
        *(
            {name: tensor_of(info.dtype, info.tensor_shape) for name, info in infos.items()}
            for infos in (definition.inputs, definition.outputs)
        )
    )


def tensor_of(dtype: int, shape: Any) -> Tensor:
    """Type and shape of a tensor.

    Args:
        dtype: a `DataType`.
        shape: a `TensorShapeProto`.
    """
    sizes = (None if dim.size < 0 else dim.size for dim in shape.dim)
    return Tensor(DTYPES.get(dtype, f"type {dtype}"), tuple(sizes))


def _foreign(meta_graph: Any) -> Iterator[str]:
    """All that does more than compute."""
    graph = meta_graph.graph_def
    saver_nodes = {
        _node(meta_graph.saver_def.save_tensor_name): SAVING,
        _node(meta_graph.saver_def.restore_op_name): RESTORING,
    }
    on_files: dict[str, frozenset[str]] = {}  # functions that only the saver may call, and what they may do
    for node in graph.node:
        if node.name in saver_nodes:
            on_files.update(dict.fromkeys(_called(node), saver_nodes[node.name]))
            yield from {node.op} - CALLING
        if saver_nodes.keys() & {_node(name) for name in node.input}:
            yield f"{node.name} behind the saver"
    for function in graph.library.function:
        allowed = COMPUTING | on_files.get(function.signature.name, frozenset())
        for node in function.node_def:
            yield from _foreign_in(node, allowed, on_files)
    for node in graph.node:
        if node.name not in saver_nodes:
            yield from _foreign_in(node, COMPUTING, on_files)
    yield from _foreign_entries(meta_graph, saver_nodes, on_files)


def _foreign_in(node: Any, allowed: Container[str], on_files: Container[str]) -> Iterator[str]:
    if node.op not in allowed:
        yield node.op
    yield from (f"a call of {name}" for name in _called(node) if name in on_files)


def _foreign_entries(meta_graph: Any, saver_nodes: Container[str], on_files: Container[str]) -> Iterator[str]:
    """What a loader or a request would start by name."""
    for name, definition in meta_graph.signature_def.items():
        tensors = (*definition.inputs.values(), *definition.outputs.values())
        if any(_node(info.name) in saver_nodes for info in tensors):
            yield f"signature {name} of the saver"
    for name, collection in meta_graph.collection_def.items():
        if any(_node(value) in saver_nodes for value in collection.node_list.value):
            yield f"collection {name} of the saver"
    yield from (f"asset {asset.filename}" for asset in meta_graph.asset_file_def)
    for saved in meta_graph.object_graph_def.nodes:
        kind = saved.WhichOneof("kind")
        if kind not in OBJECTS or saved.saveable_objects or saved.registered_saver or saved.registered_name:
            yield f"object {kind}"
        if kind == "user_object" and saved.user_object.identifier not in IDENTIFIERS:
            yield f"object {saved.user_object.identifier}"
        if saved.bare_concrete_function.concrete_function_name in on_files:
            yield "object of the saver"


def _called(node: Any) -> list[str]:
    """Functions that a node calls."""
    attributes = node.attr.values()
    one = [attribute.func.name for attribute in attributes if attribute.HasField("func")]
    return one + [function.name for attribute in attributes for function in attribute.list.func]


def _node(tensor: str) -> str:
    """The node of `node`, `node:0` or `^node`."""
    return tensor.removeprefix("^").partition(":")[0]
