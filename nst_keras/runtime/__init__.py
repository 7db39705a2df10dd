"""How TensorFlow runs on this machine: compilation, processors, memory, devices, hosts, and XLA's cache."""

__all__: list[str] = []
