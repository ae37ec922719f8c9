"""The shape of hearts in label maps: plausibility, orientation, pose, signed distances. No TensorFlow."""
