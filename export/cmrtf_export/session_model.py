"""A SavedModel as TensorFlow Serving runs it: restored by its loader into a Session."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import config_pb2

from cmrtf.bundle.models import Arrays
from cmrtf.tensorflow_start import literal_path


class SessionModel:
    """Loads with the tag `serve`; any number of threads may call it.

    Args:
        folder: of the SavedModel.
    """

    def __init__(self, folder: Path) -> None:
        graph = tf.Graph()
        with graph.as_default(), literal_path(folder) as path:
            self._session = tf.compat.v1.Session(graph=graph)
            meta_graph = tf.compat.v1.saved_model.load(self._session, ["serve"], path)
        self.signatures: dict[str, Any] = {
            name: signature
            for name, signature in meta_graph.signature_def.items()
            if signature.method_name == tf.saved_model.PREDICT_METHOD_NAME
        }
        """`SignatureDef` by name."""
        self._callables: dict[tuple[str, tuple[str, ...]], Any] = {}

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
        names = outputs or tuple(sorted(definition.outputs))
        feeds = [np.ascontiguousarray(inputs[name]) for name in sorted(definition.inputs)]
        values: list[NDArray[Any]] = self._callable(signature, names)(*feeds)
        return dict(zip(names, values, strict=True))

    def _callable(self, signature: str, outputs: tuple[str, ...]) -> Any:
        """What `Session.make_callable` gives, without the comparison of shapes that Python adds."""
        key = signature, outputs
        if key not in self._callables:
            definition = self.signatures[signature]
            options = config_pb2.CallableOptions(
                feed=[definition.inputs[name].name for name in sorted(definition.inputs)],
                fetch=[definition.outputs[name].name for name in outputs],
            )
            self._callables[key] = self._session._make_callable_from_options(options)
        return self._callables[key]
