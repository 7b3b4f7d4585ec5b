"""What runs inside the process that runs somebody's env.py: alembic, and the guard around it."""
