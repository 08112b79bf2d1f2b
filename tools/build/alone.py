"""Run a command alone: whoever names the same lock waits until it has ended, in whatever way.

    python -m tools.build.alone LOCK COMMAND…

The system itself drops the lock when the process is gone, so nothing is left behind by one that was killed.
"""

import fcntl
import os
import sys


def main(lock, *command):
    os.makedirs(os.path.dirname(lock) or ".", exist_ok=True)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for another build, which holds {lock}", file=sys.stderr, flush=True)
        fcntl.flock(handle, fcntl.LOCK_EX)
    os.set_inheritable(handle, True)  # it belongs to the command from here on
    os.execvp(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
