"""Whether a bundle will do what it promises, found out without a server."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from cmrtf.bundle.contents import (
    BUNDLE_FILE,
    MODEL_CARD,
    SERVING,
    model_folder,
    read_description,
)
from cmrtf.bundle.signatures import Signature, promised_by
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf_export.session_model import SessionModel
from cmrtf_export.warmup import WARMUP_FILE, read_warmup_requests


def check_bundle(path: Path | str) -> Iterator[str]:
    """Verify files, signatures and warm-up requests; load and run both models as a server does.

    Yields:
        a line for each thing that was found to be as it should.

    Raises:
        CmrtfError: the first thing that is not.
    """
    path = Path(path)
    description = read_description(path)
    size_mb = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
    members = len(description["sha256"])
    yield (
        f"{BUNDLE_FILE}: {members} files match their checksums, no others but {MODEL_CARD} and those in "
        f"{SERVING}/, which are yours to edit; {size_mb:.1f} MB"
    )
    try:
        promised = promised_by(description)
    except (KeyError, TypeError) as error:
        raise CmrtfError(
            f"{path / BUNDLE_FILE}: expected the sizes of the models. Received: no {error}."
        ) from error
    for name in (LABEL_VAE, SPADE_GAN):
        folder = model_folder(path, name)
        try:
            model = SessionModel(folder)
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise CmrtfError(f"{folder}: expected a SavedModel that loads. Received: {error}.") from error
        yield f"{name}: loads with tag serve in a Session"
        for key, signature in promised[name].items():
            _check_signature(folder, model, key, signature)
        yield f"{name}: has the signatures {', '.join(promised[name])}"
        try:
            requests = list(read_warmup_requests(folder))
        except (tf.errors.OpError, DecodeError) as error:
            raise CmrtfError(
                f"{folder / WARMUP_FILE}: expected requests to warm up with. Received: {error}."
            ) from error
        asked = [_check_answer(folder, model, promised[name], *request) for request in requests]
        yield f"{name}: answers its warm-up requests ({', '.join(asked)})"


def _check_signature(folder: Path, model: SessionModel, name: str, signature: Signature) -> None:
    if name not in model.signatures:
        raise CmrtfError(
            f"{folder}: expected a signature {name}. Received: {', '.join(sorted(model.signatures))}."
        )
    definition = model.signatures[name]
    for kind, expected, received in (
        ("input", signature.inputs, definition.inputs),
        ("output", signature.outputs, definition.outputs),
    ):
        received_specs = {
            key: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype), key)
            for key, info in received.items()
        }
        if received_specs != expected:
            raise CmrtfError(
                f"{folder}: expected signature {name} to have {kind}s {_listed(expected)}. "
                f"Received: {_listed(received_specs)}."
            )


def _check_answer(
    folder: Path,
    model: SessionModel,
    signatures: dict[str, Signature],
    name: str,
    inputs: dict[str, np.ndarray],
) -> str:
    if name not in signatures or set(inputs) != set(signatures[name].inputs):
        raise CmrtfError(
            f"{folder / WARMUP_FILE}: expected requests for its signatures. "
            f"Received: {name} of {', '.join(inputs)}."
        )
    try:
        outputs = model.predict(name, inputs)
    except tf.errors.OpError as error:
        raise CmrtfError(
            f"{folder}: expected signature {name} to answer. Received: {error.message}."
        ) from error
    for key, values in outputs.items():
        if not np.isfinite(values).all():
            raise CmrtfError(
                f"{folder}: expected numbers from signature {name}. Received: {key} is not finite."
            )
    return name


def _listed(specs: dict[str, tf.TensorSpec]) -> str:
    return ", ".join(f"{key} {spec.dtype.name} {spec.shape}" for key, spec in sorted(specs.items()))
