"""Latent walks, synthesis of subjects, and what is written of them."""
