"""The demo's files."""

import pytest

from tests.demo import world


def test_the_page_is_as_long_as_the_articles():
    """612 bytes, as the log lines say."""
    assert 612 == len(world.page().encode())


def test_a_restored_file_is_the_example(tmp_path):
    """Configuration comes from etc/walk, and nothing but it is left in the directory."""
    world.write_configuration(tmp_path)
    assert ["my-nginx.yaml", "nodes.yaml", "other.yaml"] == sorted(path.name for path in tmp_path.iterdir())
    assert "10.104.15.140" in (tmp_path / "my-nginx.yaml").read_text()


@pytest.mark.parametrize("directive", ["listen 80", "master_process off", "tmp-client_body"])
def test_the_web_server_stays_in_its_folder(tmp_path, directive):
    """One process, port 80, and no file outside its folder."""
    config = world.write_web_server(tmp_path / "web").read_text()
    assert directive in config
    assert "/var" not in config.replace(str(tmp_path), "")
