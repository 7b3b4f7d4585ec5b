"""Loaded by pytest wherever the suite is installed: a team's own checks can use `from gate.check import check`.

Nothing else happens until `netra-verify` starts a run: no option, fixture or hook is added.
"""

import sys

from netra_verify import TREE

if str(TREE) not in sys.path:
    sys.path.append(str(TREE))
