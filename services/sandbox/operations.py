"""What the sandbox has besides the services, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Final

from services.chassis.http.openapi.operations import ApiDescription, Operation

DESCRIBED: Final = ApiDescription(
    purpose=(
        "All three services behind one origin, with demo organisations and a clock that can be moved, to develop "
        "against."
    ),
    tags={"sandbox": "The movable clock. Production has none of it."},
    operations={
        "GET /v1/sandbox/clock": Operation("clock-read", "Where the sandbox's clock stands, and whether it is frozen."),
        "PUT /v1/sandbox/clock": Operation(
            "clock-move",
            "Moves the clock forwards, at most two years a call. It answers once every deadline on the way has passed "
            "at its own time, and what follows from it has reached every service.",
        ),
    },
)
