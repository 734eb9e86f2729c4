"""What Python's garbage collector does in a process that serves."""

from __future__ import annotations

import gc


def spare_what_is_loaded() -> None:
    """For a process that has just started, once: what is loaded by now lives as long as the process does.

    The collector does not look at that again and again. What is not loaded yet it looks at in small portions: a pause
    for many of them is one that callers notice.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 1_000)
