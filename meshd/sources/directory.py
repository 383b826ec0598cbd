"""A directory of YAML and JSON files as the source of the configuration: read once, or kept in step."""

import os

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.drafts import Draft, pick_used
from meshd.model.world import Resource
from meshd.sources.drafts import read_all
from meshd.sources.files import Tree, fault_of, read_file, scan


@attrs.frozen
class Loaded:
    """What a directory says now, and everything that is wrong with it."""

    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...]


def load_directory(path: str) -> Loaded:
    """Read a directory, or a single file, once; nothing is raised for what is wrong with it."""
    tree = Tree()
    if os.path.isfile(path):
        root, names = os.path.split(path)[0] or ".", [os.path.basename(path)]
    else:
        root = path
        for _ in scan(root, tree):
            pass
        names = sorted(tree.files)
    drafts: list[Draft] = []
    problems = [attrs.evolve(problem, message=problem.message.partition("; what was read")[0]) for problem in tree.problems]
    for name in names:
        try:
            content, _ = read_file(os.path.join(root, name))
        except OSError as error:
            problems.append(Problem(Origin(name), f"expected a readable file, got {fault_of(error)}"))
        else:
            drafts.extend(read_all(content, name))
    used, found = pick_used(drafts)
    return Loaded(tuple(resource for draft in used for resource in draft.resources), (*problems, *found))
