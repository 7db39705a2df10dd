"""The command line: flags, help, and one style transfer from flags to files."""

__all__: list[str] = []
