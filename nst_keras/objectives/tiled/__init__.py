"""An objective that is evaluated tile by tile, for pictures larger than memory."""
