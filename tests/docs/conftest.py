"""The site, built once for all tests of it."""

import pytest

from tests.helpers import sources
from tests.helpers.site import Site, build


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Site:
    return build(sources.ROOT, tmp_path_factory.mktemp("site"))
