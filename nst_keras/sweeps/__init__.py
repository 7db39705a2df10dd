"""Sweeps: several runs that differ in chosen options, and one labelled sheet of their pictures."""

__all__: list[str] = []
