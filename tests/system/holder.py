"""`python -m tests.system.holder ADDRESSES`: holds a twin by its standard input until it is killed."""

import subprocess
import sys

from tests.system.running import ROOT

if __name__ == "__main__":
    words = (sys.executable, "-m", "twin", "hold", "--while-stdin", "--addresses", sys.argv[1])
    subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE).wait()
