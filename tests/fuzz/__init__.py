"""Hostile files: made by programs, mutated by seed, and each read in a process of its own."""
