"""Self-tests of what holds sessions: injected faults, hostile servers, the books, the shares."""
