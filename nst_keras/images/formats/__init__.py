"""Files of pictures: opened, decoded, their colours brought to sRGB, and the text that they carry; all of it on NumPy.

`opening` and `metadata` need no TensorFlow, for commands that must answer at once.
"""

__all__: list[str] = []
