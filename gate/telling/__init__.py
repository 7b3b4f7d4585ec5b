"""Notifications about a verdict: chat and pagers, the commit, the pull or merge request."""
