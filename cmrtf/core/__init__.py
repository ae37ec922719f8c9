"""Stacks, geometry, labels and files: what everything else speaks. No TensorFlow."""
