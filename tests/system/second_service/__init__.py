"""Notes of the Fjord team: a small service that has nothing to do with the one that this project was made for.

It imports nothing of this project. `python -m tests.system.second_service --help`.
"""
