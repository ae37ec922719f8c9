"""Reusable Keras layers."""
