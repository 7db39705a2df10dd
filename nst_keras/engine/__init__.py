"""From settings to a result: what a run is of, its stages, its steps, and what came of it."""
