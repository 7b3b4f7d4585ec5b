"""The service's database: connection, migrations, seeded rows, shapes of metadata."""
