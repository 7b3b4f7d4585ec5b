"""Self-tests: nothing of the gate's own plugin is loaded here; it is tested in processes of its own."""

pytest_plugins = ("pytester",)
