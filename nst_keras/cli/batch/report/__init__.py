"""The report of a batch: its `files`, with the `page` to look at and the contact `sheet`, from its `values`."""

__all__: list[str] = []
