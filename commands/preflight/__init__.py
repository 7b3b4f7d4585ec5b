"""Before a deploy: an image's pending migrations on a scratch database with rows in it, judged by their effects."""
