"""Loaded by any pytest beside which this is installed: a team's own checks can say `from gate.check import check`.

Nothing else happens until a run is started by `netra-verify`: no option is added, no fixture, no hook.
"""

import sys

from netra_verify import TREE

if str(TREE) not in sys.path:
    sys.path.append(str(TREE))
