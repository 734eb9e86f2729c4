"""What stored events refer to beside each other."""

from __future__ import annotations

from typing import Final

REFERENCES: Final = ("legal_basis_id", "charter_version", "programme_version")
"""Under what an event was decided, in the order in which the metadata of every service have it."""
