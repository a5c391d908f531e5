"""twistd, with access tokens that have expired when they are used: a script.

expired.py pullthrough --config FILE
"""

from twisted.scripts.twistd import run

from pullthrough.access import tokens

if __name__ == "__main__":
    # Seconds: long enough to be handed out, over before anybody can come back. What
    # clients are told stays five minutes, so they do not ask for another themselves.
    tokens.LIFETIME = 1e-6  # type: ignore[assignment]
    run()
