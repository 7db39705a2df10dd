"""Video: a clip in, a clip in the manner of a painting out."""

__all__: list[str] = []
