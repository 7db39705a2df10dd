"""Picture files: opening, decoding, conversion to sRGB, and the text stored in them, all in NumPy arrays.

`opening` and `metadata` need no TensorFlow, for commands that must answer at once.
"""

__all__: list[str] = []
