"""The shape of hearts in label maps: measured, checked, ordered, posed. No TensorFlow."""
