"""What the tests of the seed's statements share: cases over HTTP."""

from __future__ import annotations

from tests.casefile.conftest import book, context, shared

__all__ = ["book", "context", "shared"]
