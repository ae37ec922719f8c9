"""Trainable Keras models: networks, losses, optimizers and a train_step."""
