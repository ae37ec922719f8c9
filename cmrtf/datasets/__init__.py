"""Layouts of data sets on disk, one per file, read and written. No TensorFlow."""
