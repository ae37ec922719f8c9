"""Latent interpolation, new and changed hearts, their images. No TensorFlow."""
