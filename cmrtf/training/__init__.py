"""Training of the label VAE, the SPADE GAN and segmenters: presets, input pipeline, loop, run directories."""
