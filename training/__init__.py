"""How the compact network's weights are made: `python -m training.train`, from VGG19's weights and folders of pictures.

Written for Keras alone, so that it trains on the TensorFlow backend on a CPU and on the JAX backend on a GPU.
"""
