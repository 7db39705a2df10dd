"""TensorFlow as it runs here: compilation, processors, memory, devices, hosts, and the cache of XLA."""
