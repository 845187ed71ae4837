"""`hufu-scheduler`: what happens because time passes. Everything here may run twice or late without harm.

Its tasks lie in groups, a file each: a thread each, with target connections of its own, so that a comparison of
everybody holds up nobody's sign-in.
"""

from hufu_sync.scheduler.process import main

__all__ = ["main"]
