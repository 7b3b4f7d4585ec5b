"""The incidents that our own contract knows."""

from probes.logs.incidents import Incidents
from targets.loading import describe_target

KNOWN = Incidents.from_phrases(describe_target("export").contract.logs.incidents)
