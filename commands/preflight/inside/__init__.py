"""What runs inside the process that runs an image's env.py: alembic, and the guard around it."""
