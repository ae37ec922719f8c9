"""What a server answers is believed only if it is what its signatures promise."""

import contextlib
import gzip
import json
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.bundle.server import ServedModels
from cmrtf.bundle.signatures import promised_signatures
from cmrtf.errors import CmrtfError
from lying_server import grpc_server, rest_server, send

LABELS, IMAGE = np.zeros((2, 128, 128), np.int32), np.zeros((2, 128, 128, 1), np.float32)
CODES = np.zeros((2, 4), np.float32)


def _changed(values, number):
    values = values.astype(np.float64) if number != number else values.copy()
    values.flat[5] = number
    return values


@contextlib.contextmanager
def lying(protocol, values, output="label_ids"):
    """The models of a server whose every prediction is `values`."""
    if protocol == "grpc":
        server = grpc_server({output: tf.make_tensor_proto(values)})
    else:
        text = json.dumps({"outputs": {output: values.tolist(), "other": 1}})
        server = rest_server(lambda handler: send(handler, text))
    with server as address:
        yield ServedModels.connect(address, deadline_s=10)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_what_was_promised_is_taken(protocol):
    with lying(protocol, LABELS + 3) as models:
        assert models.decode(CODES).max() == 3
    with lying(protocol, IMAGE + 1, "image") as models:
        assert models.synthesize(LABELS, CODES).min() == 1.0


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
@pytest.mark.parametrize(
    "values",
    [
        LABELS[:1],
        np.concatenate([LABELS, LABELS]),
        LABELS[..., :64],
        LABELS[..., None],
        LABELS[0, 0, 0],
        LABELS + 0.5,
        LABELS.astype(str),
        LABELS.astype(bool),
        _changed(LABELS, 4),
        _changed(LABELS, 260),
        _changed(LABELS, -1),
        _changed(LABELS.astype(np.int64), 2**32 + 1),
    ],
)
def test_other_labels_are_refused(protocol, values):
    with lying(protocol, values) as models, pytest.raises(CmrtfError, match=r"expected .*label_ids"):
        models.decode(CODES)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
@pytest.mark.parametrize("number", [np.nan, np.inf, 1.01, -7.0])
def test_other_intensities_are_refused(protocol, number):
    image = _changed(IMAGE, number).astype(np.float32)
    message = r"expected (finite numbers for image|image from -1 to 1)"
    with lying(protocol, image, "image") as models, pytest.raises(CmrtfError, match=message):
        models.synthesize(LABELS, CODES)


def test_a_few_bytes_that_claim_to_be_gigabytes_cost_nothing():
    tensor = tf.make_tensor_proto(np.zeros(1, np.int32))
    tensor.tensor_shape.CopyFrom(tf.TensorShape((200_000, 128, 128)).as_proto())
    with grpc_server({"label_ids": tensor}) as address:
        models = ServedModels.connect(address)
        with pytest.raises(CmrtfError, match=r"expected .* to return label_ids int32 \(2, 128, 128\)"):
            models.decode(CODES)


def test_an_output_that_is_missing_is_named():
    with grpc_server({}) as address:
        models = ServedModels.connect(address)
        with pytest.raises(CmrtfError, match=r"return label_ids int32"):
            models.decode(CODES)


def test_what_unfolds_without_end_is_cut_off_by_grpc():
    bomb = tf.make_tensor_proto(np.zeros((400, 128, 128), np.int32))
    with grpc_server({"label_ids": bomb}, compression=grpc.Compression.Gzip) as address:
        models = ServedModels.connect(address)
        with pytest.raises(CmrtfError, match="RESOURCE_EXHAUSTED"):
            models.decode(CODES)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_models_of_other_sizes_are_refused_when_they_are_connected(protocol):
    promised = promised_signatures(5, 64, 4, 4)
    server = grpc_server({}, promised) if protocol == "grpc" else rest_server(None, promised)
    message = r"expected signature encode to have inputs label_ids int32 \(None, 128, 128\)\. Received: .* 64"
    with server as address, pytest.raises(CmrtfError, match=message):
        ServedModels.connect(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "9" * 5000,
        "null",
        '{"outputs": null}',
        '{"outputs": {"mean": 1}}',
        '{"outputs": [[1], [1, 2]]}',
        '{"outputs": [["a", "b", "c", "d"], [1, 2, 3, 4]]}',
        '{"outputs": [[1, 2, 3, 1e400], [1, 2, 3, 4]]}',
        '{"outputs": [[1, 2, 3, NaN], [1, 2, 3, 4]]}',
        b"\xff\x00",
    ],
)
def test_an_answer_of_something_else_is_named(text):
    with rest_server(lambda handler: send(handler, text)) as address:
        models = ServedModels.connect(address)
        with pytest.raises(CmrtfError, match="expected "):
            models.encode_style(IMAGE[..., 0])


def test_what_drips_is_given_up_at_the_deadline():
    def drip(handler):
        with contextlib.suppress(OSError):
            handler.send_response(200)
            handler.end_headers()
            for _ in range(40):
                handler.wfile.write(b" ")
                time.sleep(0.1)

    with rest_server(drip) as address:
        models = ServedModels.connect(address, deadline_s=0.5)
        began = time.monotonic()
        with pytest.raises(CmrtfError, match=r"within 0\.5 s"):
            models.decode(CODES)
        assert time.monotonic() - began < 1.0


def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr("cmrtf.bundle.rest_transport.MAX_BYTES", 100_000)

    def flood(handler):
        with contextlib.suppress(OSError):
            handler.send_response(200)
            handler.end_headers()
            for _ in range(1000):
                handler.wfile.write(b" " * 10_000)

    with rest_server(flood) as address:
        models = ServedModels.connect(address)
        with pytest.raises(CmrtfError, match="Received: more than 100,000 bytes"):
            models.decode(CODES)


def test_what_is_compressed_is_neither_asked_for_nor_unfolded():
    def bomb(handler):
        assert handler.headers["Accept-Encoding"] == "identity"
        send(handler, gzip.compress(bytes(10**6)), Content_Encoding="gzip")

    with rest_server(bomb) as address:
        models = ServedModels.connect(address)
        with pytest.raises(CmrtfError, match="expected an answer of model label_vae"):
            models.decode(CODES)


def test_nothing_is_sent_anywhere_else(monkeypatch, tmp_path):
    """No redirect, no proxy, no password of the user's."""
    (tmp_path / ".netrc").write_text("machine localhost login me password secret\n")
    for name, value in (
        ("NETRC", str(tmp_path / ".netrc")),
        ("HTTP_PROXY", "http://localhost:1"),
        ("http_proxy", "http://localhost:1"),
        ("grpc_proxy", "http://localhost:1"),
    ):
        monkeypatch.setenv(name, value)
    seen = []

    def note(handler):
        seen.append(handler.headers)
        send(handler, "{}")

    with rest_server(note) as elsewhere:

        def redirect(handler):
            assert "Authorization" not in handler.headers
            send(handler, "", status=307, Location=f"{elsewhere}{handler.path}")

        with rest_server(redirect) as address:
            models = ServedModels.connect(address)
            with pytest.raises(CmrtfError, match="Received: status 307"):
                models.decode(CODES)
    assert not seen
    with grpc_server({"label_ids": tf.make_tensor_proto(LABELS)}) as address:
        assert len(ServedModels.connect(address, deadline_s=5).decode(CODES)) == 2
