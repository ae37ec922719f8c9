"""Presets, run directories and the training loop."""
