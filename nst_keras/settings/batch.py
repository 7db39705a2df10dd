"""The options of a batch: which pictures it makes of which, where they go, and on how many machines."""

from __future__ import annotations

import dataclasses

from nst_keras import checks
from nst_keras.settings import options, paths

__all__ = ["BatchSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class BatchSettings(options.Group):
    """Which pictures a batch makes, where they go, and on how many machines.

    Attributes:
        pairs: Table of the pictures to make, a CSV file. Columns: `content_image`, `style_image`, `output`, and any
            option. An empty cell gives nothing. Without a column for the content or the style, each row is made with
            every one that is given. Default: every content image with every style image.
        output_dir: Folder of the pictures and of the report. It is made if it is missing. On a cluster, a folder that
            all machines see, or a URI such as `s3://bucket/made`.
        recursive: Also takes the pictures in the folders inside a folder.
        size_buckets: Number of lengths that shorter sides are rounded to, so that fewer sizes are compiled. They lie
            above half of the longest side; narrower pictures are rounded as finely. Default: each has its own size.
        resume: Keeps pictures that were made before of the same files, with the same settings. Without it, all are made
            again.
        dry_run: Lists what would be made, with its time and memory, and makes nothing.
        ray_address: Ray cluster on which the pictures are made: `auto`, `local` or `HOST:PORT`. Default: a process of
            this machine.
        workers: Pictures that are made at once on a Ray cluster. Default: one for each GPU; without GPUs, as many as
            the machines have room for, also those that join later.
        worker_cpus: Processor cores that a worker of the cluster takes. Default: those of the smallest machine, so that
            equal machines have one worker each; with GPUs, 1.
        tries: Most attempts at a picture whose worker dies, on a cluster.
    """

    title = "Batch"
    pairs: str | None = options.option(None, options.optional(paths.checked))
    output_dir: str = options.option("stylized", paths.checked)
    recursive: bool = options.option(False)
    size_buckets: int | None = options.option(None, options.optional(checks.integer))
    resume: bool = options.option(True)
    dry_run: bool = options.option(False)
    ray_address: str | None = options.option(None)
    workers: int | None = options.option(None, options.optional(checks.integer))
    worker_cpus: int | None = options.option(None, options.optional(checks.integer))
    tries: int = options.option(3, checks.integer)
