"""The studio: a page on which a picture forms while its visitor steers it.

`page` has the whole page and `serving` serves it. `forming` is a run in a thread of its own, and needs no page.
"""

__all__: list[str] = []
