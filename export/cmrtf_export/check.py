"""Whether a bundle will do what it promises, found out without a server."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from cmrtf.bundle.bundle import Bundle
from cmrtf.bundle.contents import (
    BUNDLE_FILE,
    MODEL_CARD,
    SERVING,
    model_folder,
)
from cmrtf.bundle.models import require_signatures
from cmrtf.bundle.signatures import Signature, Tensor, promised_by, require_values
from cmrtf.core.files import is_file
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import ANATOMY_BANK, LABEL_VAE, SPADE_GAN, STYLE_BANK
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
    bundle = Bundle.open(path)
    size_mb = sum(file.stat().st_size for file in path.rglob("*") if is_file(file)) / 1e6
    members = len(bundle.description["sha256"])
    yield (
        f"{BUNDLE_FILE}: {members} files match their checksums, no others but {MODEL_CARD} and those in "
        f"{SERVING}/, which are yours to edit; {size_mb:.1f} MB"
    )
    yield _check_banks(bundle)
    promised = promised_by(bundle.description)
    folders = {name: model_folder(path, name) for name in (LABEL_VAE, SPADE_GAN)}
    for name, folder in folders.items():  # of both before either is loaded: loading runs it
        require_signatures(folder, promised[name])
        yield f"{name}: only computes, and has the signatures {', '.join(promised[name])}"
    for name, folder in folders.items():
        try:
            model = SessionModel(folder)
        except tf.errors.OpError as error:
            raise CmrtfError(f"{folder}: expected a SavedModel that loads. Received: {error}.") from error
        yield f"{name}: loads with tag serve, by the C++ loader of TensorFlow Serving"
        try:
            requests = list(read_warmup_requests(folder))
        except (tf.errors.OpError, DecodeError, ValueError, TypeError) as error:
            raise CmrtfError(
                f"{folder / WARMUP_FILE}: expected requests to warm up with. Received: {error}."
            ) from error
        asked = [_check_answer(folder, model, promised[name], *request) for request in requests]
        yield f"{name}: answers its warm-up requests ({', '.join(asked)})"


def _check_banks(bundle: Bundle) -> str:
    """Whether the banks hold what they were exported with: who removes one can remove its checksum too."""
    expected = bundle.description.get("banks", {})
    received = {STYLE_BANK: len(bundle.appearance_bank.subjects), ANATOMY_BANK: 0}
    if expected.get(ANATOMY_BANK, 1):
        received[ANATOMY_BANK] = len(bundle.anatomy_prior.codes)
    for name, number in expected.items():
        if received.get(name) != number:
            raise CmrtfError(
                f"{bundle.path}/{name}: expected {number} entries, as in {BUNDLE_FILE}. "
                f"Received: {received.get(name, 0)}."
            )
    appearances, hearts = received.values()
    whose = "of training subjects" if bundle.description.get("patient_codes", True) else "of nobody, drawn"
    return f"{STYLE_BANK} and {ANATOMY_BANK}: {appearances} appearances, {hearts} hearts, {whose}"


def _check_answer(
    folder: Path,
    model: SessionModel,
    signatures: dict[str, Signature],
    name: str,
    inputs: dict[str, np.ndarray],
) -> str:
    if name not in signatures or not _fit(inputs, signatures[name]):
        raise CmrtfError(
            f"{folder / WARMUP_FILE}: expected requests for its signatures. "
            f"Received: {name} of {', '.join(f'{key} {values.dtype}' for key, values in inputs.items())}."
        )
    try:
        outputs = model.predict(name, inputs)
    except tf.errors.OpError as error:
        raise CmrtfError(
            f"{folder}: expected signature {name} to answer. Received: {error.message}."
        ) from error
    rows = {len(values) for values in inputs.values()}
    for key, values in outputs.items():
        tensor = signatures[name].outputs[key]
        expected = Tensor(tensor.dtype, (*rows, *tensor.shape[1:]))
        require_values(f"{folder}, signature {name}", key, values, expected)
    return name


def _fit(inputs: dict[str, np.ndarray], signature: Signature) -> bool:
    """Whether a signature takes such inputs; of shapes the graph has to say something."""
    received = {key: values.dtype.name for key, values in inputs.items() if values.ndim}
    return received == {key: tensor.dtype for key, tensor in signature.inputs.items()}
