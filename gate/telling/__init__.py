"""Telling people of a verdict, where they are: chat and pagers, the commit, the pull or merge request."""
