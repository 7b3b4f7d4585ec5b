"""A page of the frontend's origin in a real browser."""
