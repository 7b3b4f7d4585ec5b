"""When: deadlines, waiting for a state, turns between runs, the pace of requests, and the window of a run."""
