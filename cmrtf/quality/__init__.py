"""What is wrong with a raw data set. No TensorFlow."""
