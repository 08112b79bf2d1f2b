"""Run a command while holding a lock: another command with the same lock starts when this one has ended.

    python -m tools.build.alone LOCK COMMAND…

The operating system releases the lock when the process ends, even if it is killed.
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
    os.set_inheritable(handle, True)  # so that the command keeps the lock after exec
    os.execvp(command[0], command)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
