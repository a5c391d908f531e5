"""twistd, of a daemon that gives watchers an hour to notice its end: a script.

patient.py pullthrough --config FILE
"""

from twisted.scripts.twistd import run

from pullthrough.ops import daemon

if __name__ == "__main__":
    daemon.NOTICE_TIME = 3600.0
    run()
