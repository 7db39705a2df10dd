"""How TensorFlow runs on this machine: compilation, processors, memory, devices, hosts, and XLA's cache."""
