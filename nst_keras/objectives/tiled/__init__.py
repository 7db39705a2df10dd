"""Evaluates pictures larger than memory, tile by tile."""
