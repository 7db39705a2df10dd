"""Many pictures: every content image in every style, on this machine or on a cluster.

`planning` lists the pairs, `making` makes one of them, `child` and `cluster` are where that happens, `running` leads
from the list to the report.
"""

__all__: list[str] = []
