"""What the pages show is what the tests run."""

import pytest

from tests.servers import ROOT


@pytest.mark.parametrize("page", ["docs/sshd.md", "README.md"])
@pytest.mark.parametrize("script", ["docs/sshd/start"])
def test_a_page_shows_the_script_itself(page, script):
    """Line for line, without what it says of itself."""
    code = "".join(line for line in (ROOT / script).read_text().splitlines(True) if not line.startswith("# "))
    assert f"\n```sh\n{code}```\n" in (ROOT / page).read_text()
