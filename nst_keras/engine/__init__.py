"""From settings to a result: the setup, the plan of a run, its stages and steps, and its result."""

__all__: list[str] = []
