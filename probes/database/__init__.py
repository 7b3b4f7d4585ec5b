"""The service's database: connection, migrations, rows of ours, shapes of metadata."""
