"""Reading a reference solution's source: its numbered steps, and the imports that it needs elsewhere."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator, Sequence

_STEP = re.compile(r"#\s*\d+\.\s")


def numbered_comments(lines: Sequence[str]) -> list[str]:
    """Keep the full-line comments that start with a number, and the comment lines that continue them."""
    kept: list[str] = []
    continues = False
    for line in map(str.strip, lines):
        continues = bool(_STEP.match(line)) or (continues and line.startswith("#"))
        if continues:
            kept.append(line)
    return kept


def outside_names(source: str) -> set[str]:
    """Names that a function takes from its module: its body's globals, annotations and defaults."""
    tables, names = [symtable.symtable(source, "<exercise>", "exec")], set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        names |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return {name for name in names if not hasattr(builtins, name)}


def bindings(tree: ast.Module, module: str) -> Iterator[tuple[str, str, str]]:
    """Yield every name that a module binds at its top, and what imports it elsewhere: "from numpy import", "array"."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            start = "import" if isinstance(node, ast.Import) else f"from {node.module} import"
            for alias in node.names:
                renamed = f" as {alias.asname}" if alias.asname else ""
                yield alias.asname or alias.name.partition(".")[0], start, f"{alias.name}{renamed}"
        else:
            for name in _assigned(node):
                yield name, f"from {module} import", name


def _assigned(node: ast.stmt) -> list[str]:
    """Names that a definition or an assignment binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def bound_by(statements: Iterable[ast.stmt]) -> set[str]:
    """Names that statements bind where they stand, those within a block of theirs as well.

    Args:
        statements: of a module or a cell.
    """
    names: set[str] = set()
    todo: list[ast.AST] = list(statements)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            todo += ast.iter_child_nodes(node)
    return names
