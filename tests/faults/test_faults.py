"""What costs nothing while it is not used: no module of the rules is loaded before one is set."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from app.main import create_app
from app.settings import Settings

def loaded():
    return sorted(name for name in sys.modules if name.startswith("app.faults."))

async def live():
    app = create_app(Settings(database="sqlite://"))
    async with app.router.lifespan_context(app):
        await app.steering.change(lambda state: type(state)(journal=True))
        await app.steering.change(lambda state: type(state)())
        print(loaded())
        document = {"rules": [{"do": {"status": 418}}]}
        await app.steering.change(lambda state: type(state)(faults={"document": document, "first_tally": 0}))
        print("app.faults.hook" in loaded(), app.front.faults is not None)
        await app.steering.change(lambda state: type(state)())
        print(app.front.faults, app.steering.is_calm)

asyncio.run(live())
"""


def test_nothing_is_loaded_before_a_rule_is_set():
    """Other changes of what is set load nothing either; afterwards the hook is gone again."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True True", "None True"]
