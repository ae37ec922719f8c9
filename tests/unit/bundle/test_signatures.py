"""What must hold of every signature for a server to batch requests of several clients."""

import pytest

from cmrtf.bundle.signatures import promised_signatures

PROMISED = promised_signatures(num_classes=4, size=128, latent_dim=3, style_dim=5)
EVERY = [(model, name) for model, signatures in PROMISED.items() for name in signatures]


def test_the_models_have_the_signatures_that_are_documented():
    assert {model: set(signatures) for model, signatures in PROMISED.items()} == {
        "label_vae": {"encode", "decode", "interpolate"},
        "spade_gan": {"synthesize", "encode_style", "walk", "walk_average"},
    }


@pytest.mark.parametrize(("model", "name"), EVERY)
def test_rows_are_free_in_number_and_fixed_in_shape(model, name):
    """Rows of several requests fit together only if nothing but their number differs."""
    signature = PROMISED[model][name]
    for spec in (signature.inputs | signature.outputs).values():
        assert spec.shape[0] is None
        assert all(dimension is not None for dimension in spec.shape[1:])
