"""Metrics of label maps and images. No TensorFlow."""
