"""The documentation site builds without a warning, and its pages load nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("furo", "myst_nb", "sphinx", "sphinx_copybutton", "sphinx_design"):
    pytest.importorskip(package)

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|img|link|iframe)[^>]* (?:src|href)=\"(https?:)?//")


@pytest.mark.slow
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", tmp_path / "read", ROOT / "docs", site]
    built = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    pages = {str(page.relative_to(site)): page.read_text() for page in site.rglob("*.html")}
    assert {"index.html", "tutorial.html", "search.html", "searching.html", "benchmarks/macronas.html"} <= set(pages)
    assert [name for name, text in pages.items() if LOADED.search(text)] == []
    assert not [sheet for sheet in site.rglob("*.css") if re.search(r"(?:@import|url\()[^;)]*//", sheet.read_text())]
    # licences and checksums stand in the specifications and nowhere else
    assert "d14ece080c6c1f98f17d6056ab6f0e0a5a097a44c15bdb50c4b2c774ecd42eb0" in pages["benchmarks/macronas.html"]
    assert "nasbench-kit verify" in pages["reference/command-line.html"]
    assert (site / "searchindex.js").stat().st_size > 100_000
