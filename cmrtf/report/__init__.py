"""What people look at: outputs on disk, generated cohorts, figure, HTML report. No TensorFlow."""
