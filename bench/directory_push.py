"""2,000 approved accounts into Active Directory by the running worker, then as many complete; and one's own approval
in the middle of such a bulk.

The worker, relay and clock are the real processes, with the lanes they are set to. In each of four rounds come, on one
growing directory: entries added by ldap3 alone (yardstick), as many accounts by the worker, the same accounts into
Keycloak, and as many complete, both targets at once. Odd rounds begin with the worker, so that growth is fair to both.
Activation mails go out for the approvals pressed by hand only: who is enabled already gets none.
"""

from __future__ import annotations

from hufu_registry.kernel.outbox import Target
from hufu_sync.settings import SyncSettings

ROUNDS, SIZE, PLACES = 4, 500, 50
MIDST, APPROVALS = 1_200, 20
PATIENCE = 600.0
CONNECTIONS: int = SyncSettings.model_fields["ad_lanes"].default
BOTH = (Target.AD, Target.KEYCLOAK)
