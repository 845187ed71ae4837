"""Objects are brought to what the registry says, and their one-time actions done: `Converger.converge` is the way."""

from hufu_sync.converge.converger import Converger

__all__ = ["Converger"]
