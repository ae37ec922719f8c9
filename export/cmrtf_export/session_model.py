"""A SavedModel as TensorFlow Serving runs it: loaded by its C++ loader, executed by a C++ session.

The loader of TensorFlow Serving (`tensorflow/cc/saved_model/loader.cc`) is in the wheel of TensorFlow. It is
reached through TensorFlow's C API, so nothing of Python stands between a signature and its kernels.
"""

import ctypes
import weakref
from ctypes import POINTER, Structure, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import meta_graph_pb2

from cmrtf.bundle.models import Arrays

LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
"""In TensorFlow's wheel, in the order in which they are to be loaded."""

TAG = b"serve"


class _Output(Structure):
    """`TF_Output`: one output of an operation."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


class _Buffer(Structure):
    """`TF_Buffer`: bytes, here those of a protocol buffer."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "NewStatus": (c_void_p, ()),
    "DeleteStatus": (None, (c_void_p,)),
    "GetCode": (c_int, (c_void_p,)),
    "Message": (c_char_p, (c_void_p,)),
    "NewGraph": (c_void_p, ()),
    "DeleteGraph": (None, (c_void_p,)),
    "GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "NewBuffer": (POINTER(_Buffer), ()),
    "DeleteBuffer": (None, (POINTER(_Buffer),)),
    "NewSessionOptions": (c_void_p, ()),
    "DeleteSessionOptions": (None, (c_void_p,)),
    "LoadSessionFromSavedModel": (
        c_void_p,
        (c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, POINTER(_Buffer), c_void_p),
    ),
    "DeleteSession": (None, (c_void_p, c_void_p)),
    "SessionRun": (
        None,
        (c_void_p, c_void_p)
        + (POINTER(_Output), POINTER(c_void_p), c_int) * 2
        + (c_void_p, c_int, c_void_p, c_void_p),
    ),
    "AllocateTensor": (c_void_p, (c_int, POINTER(c_int64), c_int, c_size_t)),
    "DeleteTensor": (None, (c_void_p,)),
    "TensorType": (c_int, (c_void_p,)),
    "NumDims": (c_int, (c_void_p,)),
    "Dim": (c_int64, (c_void_p, c_int)),
    "TensorData": (c_void_p, (c_void_p,)),
    "TensorByteSize": (c_size_t, (c_void_p,)),
}
"""Of `tensorflow/c/c_api.h`, without `TF_`: what each returns and takes."""


@cache
def _api(name: str) -> Any:
    """A function of the C API."""
    libraries = [ctypes.CDLL(str(Path(tf.__file__).parent / library)) for library in LIBRARIES]
    function = getattr(libraries[-1], f"TF_{name}")
    function.restype, function.argtypes = FUNCTIONS[name]
    return function


def _checked(name: str, *arguments: Any) -> Any:
    """Call a function whose last argument is a status; raise what it says."""
    status = _api("NewStatus")()
    try:
        result = _api(name)(*arguments, status)
        if code := _api("GetCode")(status):
            message = _api("Message")(status).decode(errors="replace")
            raise tf.compat.v1.errors.exception_type_from_error_code(code)(None, None, message)
        return result
    finally:
        _api("DeleteStatus")(status)


class SessionModel:
    """Loads with the tag `serve`; any number of threads may call it.

    Args:
        folder: of the SavedModel.

    Raises:
        tf.errors.OpError: what the loader has to say.
    """

    def __init__(self, folder: Path) -> None:
        self._graph = _api("NewGraph")()
        weakref.finalize(self, _api("DeleteGraph"), self._graph).atexit = False
        buffer, options = _api("NewBuffer")(), _api("NewSessionOptions")()
        try:
            self._session = _checked(
                "LoadSessionFromSavedModel",
                *(options, None, str(folder).encode(), (c_char_p * 1)(TAG), 1, self._graph, buffer),
            )
            meta_graph = meta_graph_pb2.MetaGraphDef.FromString(
                ctypes.string_at(buffer.contents.data, buffer.contents.length)
            )
        finally:
            _api("DeleteSessionOptions")(options)
            _api("DeleteBuffer")(buffer)
        weakref.finalize(self, _checked, "DeleteSession", self._session).atexit = False
        self.signatures: dict[str, Any] = {
            name: signature
            for name, signature in meta_graph.signature_def.items()
            if signature.method_name == tf.saved_model.PREDICT_METHOD_NAME
        }
        """`SignatureDef` by name."""

    def predict(self, signature: str, inputs: Arrays, outputs: tuple[str, ...] = ()) -> Arrays:
        """Run a signature on all of its inputs.

        Args:
            signature: one of `signatures`.
            inputs: arrays by name. As in a server, nothing but the graph compares their shapes.
            outputs: those wanted; none means all.

        Raises:
            tf.errors.OpError: what the graph has to say.
        """
        definition = self.signatures[signature]
        names, given = outputs or tuple(sorted(definition.outputs)), sorted(definition.inputs)
        feeds, fetches = (c_void_p * len(given))(), (c_void_p * len(names))()
        try:
            for number, name in enumerate(given):
                feeds[number] = _to_tensor(inputs[name])
            _checked(
                "SessionRun",
                *(self._session, None),
                *(self._places(definition.inputs, given), feeds, len(given)),
                *(self._places(definition.outputs, names), fetches, len(names)),
                *(None, 0, None),
            )
            return {name: _to_array(tensor) for name, tensor in zip(names, fetches, strict=True)}
        finally:
            for tensor in filter(None, (*feeds, *fetches)):
                _api("DeleteTensor")(tensor)

    def _places(self, tensors: Any, names: Any) -> Any:
        """Where in the graph tensors of a signature are: an array of `TF_Output`."""
        places = (_Output * len(names))()
        for place, name in zip(places, names, strict=True):
            operation, _, index = tensors[name].name.rpartition(":")
            place.operation = _api("GraphOperationByName")(self._graph, operation.encode())
            if not (place.operation and index.isdecimal()):
                raise tf.errors.NotFoundError(None, None, f"no tensor {tensors[name].name} for {name}")
            place.index = int(index)
        return places


def _to_tensor(values: NDArray[Any]) -> Any:
    """A copy as a `TF_Tensor`, to be deleted."""
    values = np.ascontiguousarray(values)
    shape = (c_int64 * values.ndim)(*values.shape)
    dtype = _of_numbers(values.dtype)
    tensor = _api("AllocateTensor")(dtype.as_datatype_enum, shape, values.ndim, values.nbytes)
    ctypes.memmove(_api("TensorData")(tensor), values.ctypes.data, values.nbytes)
    return tensor


def _to_array(tensor: Any) -> NDArray[Any]:
    """A copy of a `TF_Tensor` of numbers."""
    shape = [_api("Dim")(tensor, axis) for axis in range(_api("NumDims")(tensor))]
    values = np.empty(shape, _of_numbers(_api("TensorType")(tensor)).as_numpy_dtype)
    ctypes.memmove(values.ctypes.data, _api("TensorData")(tensor), _api("TensorByteSize")(tensor))
    return values


def _of_numbers(dtype: Any) -> tf.DType:
    """A type whose values lie in memory as they are, which texts and resources do not."""
    found = tf.as_dtype(dtype)
    if not (found.is_floating or found.is_integer or found.is_bool):
        raise tf.errors.InvalidArgumentError(None, None, f"expected a tensor of numbers, not of {found.name}")
    return found
