"""Frozen Keras networks: an image in, {layer: features} out."""
