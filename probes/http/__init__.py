"""HTTP: clients, connections, timings."""
