"""Self-tests of what runs around the suite: pipelines, the container, the Allure page."""
