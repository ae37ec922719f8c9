import pytest

from cmrtf.training.config import GANConfig, VAEConfig


@pytest.fixture(scope="session")
def vae_config():
    """Two intervals of two steps for 16 x 16 label maps."""
    return VAEConfig(
        latent_dim=3,
        widths=(4, 4),
        depth=1,
        batch_size=2,
        steps=4,
        interval_steps=2,
        learning_rate=0.01,
        kl_weight=1.0,
        kl_warmup_steps=2,
        between_weight=1.0,
        linear_path=True,
    )


@pytest.fixture(scope="session")
def gan_config():
    """Two intervals of two steps for 16 x 16 images."""
    return GANConfig(
        style_dim=3,
        context_dim=1,
        base_width=2,
        hidden_channels=4,
        style_base_width=8,
        discriminator_base_width=4,
        discriminator_layers=1,
        batch_size=2,
        steps=4,
        interval_steps=2,
    )
