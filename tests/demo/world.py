"""What the operator of the walk wrote: the fleet's configuration (etc/walk), and a web server for its two nginx machines."""

from pathlib import Path

from tests.helpers.source_tree import ROOT

FILES = {path.name: path.read_text() for path in sorted((ROOT / "etc" / "walk").glob("*.yaml"))}

PAGE_BYTES = 612  # nginx's welcome page in the article


def page() -> str:
    """Give a page as long as nginx's welcome page."""
    head = "<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n<body>\n<h1>Welcome to nginx!</h1>\n<p>"
    foot = "</p>\n</body>\n</html>\n"
    text = "Served by nginx, carried by meshd. " * 20
    return head + text[: PAGE_BYTES - len(head) - len(foot)] + foot


def write_web_server(folder: Path) -> Path:
    """Write a web server's page and configuration below a new folder; returns the configuration."""
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "index.html").write_text(page())
    temporary = " ".join(f"{name}_temp_path {folder}/tmp-{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events {}\n"
        f"http {{ access_log off; {temporary} types {{ text/html html; }}\n"
        f"  server {{ listen 80 default_server; root {folder}/www; }} }}\n",
    )
    return config


def write_configuration(directory: Path) -> None:
    """Write the fleet's view into a configuration directory."""
    for name in FILES:
        restore(directory, name)


def restore(directory: Path, name: str) -> None:
    """Write one of the files, as an editor does: beside its place, then renamed."""
    temporary = directory / f".{name}.new"
    temporary.write_text(FILES[name])
    temporary.rename(directory / name)


def write_resolv_conf(folder: Path, server: str) -> Path:
    """Write what tells every machine which name server it has; returns it."""
    path = folder / "resolv.conf"
    path.write_text(f"nameserver {server}\n")
    return path
