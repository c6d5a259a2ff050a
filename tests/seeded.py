"""What the seed `standard` lets a caller of TMS show and ask for. It sends nothing."""

from tests.servers import ADMIN_SECRET

CALLER = {"X-TMS-TENANT": "test", "X-TMS-CLIENT-ID": "testclient1", "X-TMS-CLIENT-SECRET": "secret1"}
ADMIN = {"X-TMS-TENANT": "test", "X-TMS-ADMIN-ID": "~~admin", "X-TMS-ADMIN-SECRET": ADMIN_SECRET}
# A key pair for the seeded account, without limits.
KEY = {
    "client_user_id": "testuser1",
    "host": "testhost1",
    "host_account": "testhostaccount1",
    "num_uses": -1,
    "ttl_minutes": -1,
    "key_type": "ed25519",
}
