"""Self-tests: nothing of the gate's own plugin is loaded here; it is tested in processes of its own."""

from hypothesis import settings

pytest_plugins = ("pytester",)

settings.register_profile("unhurried", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("unhurried")
