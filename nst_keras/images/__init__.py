"""Pictures in: from any source to the one public form, float32 [1, height, width, 3], RGB (sRGB), 0..255."""

__all__: list[str] = []
