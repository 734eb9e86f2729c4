"""All three services in one process with a movable clock and demo stories, for visitors and NGO developers."""
