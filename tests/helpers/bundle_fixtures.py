"""The bundle of the story, and its models behind every door.

What takes seconds to import is imported within fixtures: pytest-xdist's first process, which runs no test,
reads this file too, before it starts the others.
"""

import shutil

import numpy as np
import pytest

from cmrtf.bundle.contents import model_folder
from cmrtf.bundle.signatures import promised_by
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from story_fixtures import session_model

MODELS = (LABEL_VAE, SPADE_GAN)


@pytest.fixture(scope="session")
def bundle(story):
    """Opened once, to read only."""
    from cmrtf.bundle.bundle import Bundle

    return Bundle.open(story.bundle)


@pytest.fixture
def copied(story, tmp_path):
    """Folder of a bundle that a test may damage."""
    return shutil.copytree(story.bundle, tmp_path / "bundle")


@pytest.fixture(scope="session")
def promised(bundle):
    return promised_by(bundle.description)


@pytest.fixture(scope="session")
def session_models(story):
    """Both models as a server runs them."""
    return {model: session_model(model_folder(story.bundle, model)) for model in MODELS}


@pytest.fixture
def served(session_models):
    """What the server holds; a test may change it."""
    import serving_double

    return serving_double.Models(
        {model: {1: session_models[model]} for model in MODELS},
        labels={model: {"stable": 1} for model in MODELS},
    )


@pytest.fixture
def addresses(served):
    """Of the server, by protocol."""
    import serving_double

    with serving_double.serve(served) as (grpc_address, rest_address):
        yield {"grpc": grpc_address, "rest": rest_address}


@pytest.fixture(scope="session")
def keras_models(story):
    """The trained VAE, in the coordinates of bundles, and GAN."""
    from cmrtf.models.standardised_vae import StandardisedVAE
    from cmrtf.training.checkpoints import restore_for_inference
    from cmrtf.training.run import COORDINATES, RunDirectory
    from cmrtf.training.train_gan import build_spade_gan
    from cmrtf.training.train_vae import build_label_vae

    vae_run = RunDirectory.open(story.vae_run, LABEL_VAE)
    gan_run = RunDirectory.open(story.gan_run, SPADE_GAN)
    vae, gan = build_label_vae(vae_run.config, 128), build_spade_gan(gan_run.config, 128)
    restore_for_inference(vae, vae_run.checkpoints)
    restore_for_inference(gan, gan_run.checkpoints)
    return StandardisedVAE.load(vae, story.vae_run / COORDINATES), gan


@pytest.fixture(scope="session")
def slices():
    """Inputs of every signature: three slices."""
    rng = np.random.default_rng(0)
    label_ids = np.zeros((3, 128, 128), np.int32)
    for i, one in enumerate(label_ids):
        one[40 : 90 + i, 40:90] = 2
        one[50:80, 50 : 80 + i] = 1
        one[40:90, 20:38] = 3
    return {
        "label_ids": label_ids,
        "label_ids_a": label_ids,
        "label_ids_b": label_ids[::-1].copy(),
        "weight": np.array([0.0, 0.3, 1.0], np.float32),
        "image": rng.uniform(-1, 1, (3, 128, 128, 1)).astype(np.float32),
        "code": rng.normal(size=(3, 4)).astype(np.float32),
        **{name: rng.normal(size=(3, 4)).astype(np.float32) for name in ("style", "style_a", "style_b")},
    }
