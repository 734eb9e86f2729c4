"""What a request says, read strictly: who calls, its query, headers and body; and every fault in it."""
