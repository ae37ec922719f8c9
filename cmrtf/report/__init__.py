"""What people look at: outputs on disk, figure, HTML report. No TensorFlow."""
