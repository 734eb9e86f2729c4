"""What the sandbox has besides the services, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Final

from services.chassis.http.openapi.operations import ApiDescription, Operation

DESCRIBED: Final = ApiDescription(
    purpose=("All three services behind one origin, with demo organisations and a movable clock, for development."),
    tags={"sandbox": "The movable clock. It does not exist in production."},
    operations={
        "GET /v1/sandbox/clock": Operation("clock-read", "The time on the sandbox's clock, and whether it is frozen."),
        "PUT /v1/sandbox/clock": Operation(
            "clock-move",
            "Moves the clock forwards, by at most two years per call. It answers when every deadline on the way has "
            "passed at its own time and every service has processed what follows.",
        ),
    },
)
