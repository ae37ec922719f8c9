"""Measures of labels and images."""
