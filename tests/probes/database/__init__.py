"""Self-tests of seeding, repair and migrations, on a real PostgreSQL."""
