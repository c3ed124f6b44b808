"""The small filter language of `--where`: conditions on the columns of `scores`, parsed and never executed.

    emotion == 'angry' and confidence > 0.6        language in ('en', 'ko')        0.2 < p_sad < 0.4
    'short' not in flags                           emotion is None                 duration_s >= 3

The grammar is Python's (`ast.parse`), of which only names of columns, constants, comparisons and and/or/not are known.
"""

import ast
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra.errors import UsageError
from tasks.tables import FLAGS, SCORES

DURATION = "duration_s"
"""A column that is not stored: end_s - start_s."""

Filter = Callable[[pa.Table], pa.Table]
_Mask = Callable[[pa.Table], Any]

_EXAMPLE = "expected something like: emotion == 'angry' and confidence > 0.6"
_MAX_CHARACTERS = 1000
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}


def parse_filter(text: str) -> Filter:
    """Read a filter.

    A comparison with an absent value is neither true nor false, and so is its negation: such rows are left out. Ask for
    them by `emotion is None`. Numbers are compared in the column's own precision, so `confidence == 0.7` finds what
    reads 0.7 in a float32 column.

    Returns:
        A function from a `scores` table to its chosen rows, in order.

    Raises:
        UsageError: It is no such filter; names the place, the column or the value.
    """
    if len(text) > _MAX_CHARACTERS:
        raise UsageError(f"the filter is {len(text)} characters long; at most {_MAX_CHARACTERS} are read")
    try:
        with warnings.catch_warnings():
            # A stray backslash in a constant is no concern of the one who asks.
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            mask = _condition(ast.parse(text.strip(), mode="eval").body)
        mask(SCORES.empty_table())
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise UsageError(f"cannot read the filter {text!r}: {error}; {_EXAMPLE}") from error
    return lambda table: table.filter(mask(table))


@dataclass(frozen=True)
class _Column:
    name: str

    def values(self, table: pa.Table) -> Any:
        if self.name == DURATION:
            return pc.subtract(table["end_s"], table["start_s"])
        return table[self.name]


@dataclass(frozen=True)
class _Constant:
    value: str | float

    def like(self, column: _Column) -> pa.Scalar:
        """The constant in the column's type."""
        kind = pa.float64() if column.name == DURATION else SCORES.field(column.name).type
        if pa.types.is_string(kind) is not isinstance(self.value, str):
            raise UsageError(f"column {column.name} holds {_plain(kind)}, and cannot be compared with {self.value!r}")
        return pa.scalar(self.value, type=kind)


def _condition(node: ast.expr) -> _Mask:
    if isinstance(node, ast.BoolOp):
        return _joined(pc.and_kleene if isinstance(node.op, ast.And) else pc.or_kleene, node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _condition(node.operand)
        return lambda table: pc.invert(inner(table))
    if isinstance(node, ast.Compare):
        return _comparisons(node)
    raise _unknown(node)


def _joined(join: Callable[[Any, Any], Any], nodes: list[ast.expr]) -> _Mask:
    masks = [_condition(each) for each in nodes]

    def mask(table: pa.Table) -> Any:
        found = masks[0](table)
        for each in masks[1:]:
            found = join(found, each(table))
        return found

    return mask


def _comparisons(node: ast.Compare) -> _Mask:
    """A comparison, or a chain of them: 0.2 < p_sad < 0.4."""
    sides = [node.left, *node.comparators]
    masks = [_comparison(left, op, right) for left, op, right in zip(sides, node.ops, sides[1:], strict=False)]

    def mask(table: pa.Table) -> Any:
        found = masks[0](table)
        for each in masks[1:]:
            found = pc.and_kleene(found, each(table))
        return found

    return mask


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Mask:
    if isinstance(op, ast.Is | ast.IsNot):
        return _absence(left, right, present=isinstance(op, ast.IsNot))
    if isinstance(op, ast.In | ast.NotIn):
        return _negated(_membership(left, right), negated=isinstance(op, ast.NotIn))
    compare, one, other = _COMPARISONS[type(op)], _operand(left), _operand(right)
    if isinstance(one, _Column) and isinstance(other, _Column):
        _check_alike(one, other)
        return lambda table: compare(one.values(table), other.values(table))
    if isinstance(one, _Column) and isinstance(other, _Constant):
        value = other.like(one)
        return lambda table: compare(one.values(table), value)
    if isinstance(one, _Constant) and isinstance(other, _Column):
        value = one.like(other)
        return lambda table: compare(value, other.values(table))
    raise UsageError(f"{ast.unparse(left)} and {ast.unparse(right)} are both constants; {_EXAMPLE}")


def _absence(left: ast.expr, right: ast.expr, *, present: bool) -> _Mask:
    if not (isinstance(right, ast.Constant) and right.value is None):
        raise UsageError(f"`is` asks for an absent value only: {ast.unparse(left)} is None")
    column = _column(left)
    return lambda table: pc.is_valid(column.values(table)) if present else pc.is_null(column.values(table))


def _membership(left: ast.expr, right: ast.expr) -> _Mask:
    """`column in (values)`, or `'flag' in flags`."""
    if isinstance(right, ast.Tuple | ast.List | ast.Set):
        column = _column(left)
        values = pa.array([_constant(each).like(column).as_py() for each in right.elts], type=_kind(column))
        return lambda table: pc.if_else(
            pc.is_null(column.values(table)), None, pc.is_in(column.values(table), value_set=values)
        )
    if isinstance(right, ast.Name) and right.id == FLAGS.name:
        flag = _constant(left).value
        return lambda table: _has_flag(table, flag)
    raise UsageError(f"`in` needs values in brackets, or flags: language in ('en', 'ko'), 'short' in flags; {_EXAMPLE}")


def _has_flag(table: pa.Table, flag: str | float) -> pa.Array:
    rows = pc.list_parent_indices(table[FLAGS.name]).filter(pc.equal(pc.list_flatten(table[FLAGS.name]), str(flag)))
    return pc.is_in(pa.array(range(table.num_rows), type=pa.int64()), value_set=rows.cast(pa.int64()))


def _negated(mask: _Mask, *, negated: bool) -> _Mask:
    return (lambda table: pc.invert(mask(table))) if negated else mask


def _operand(node: ast.expr) -> _Column | _Constant:
    return _column(node) if isinstance(node, ast.Name) else _constant(node)


def _column(node: ast.expr) -> _Column:
    if not isinstance(node, ast.Name):
        raise UsageError(f"{ast.unparse(node)!r} is no column; {_EXAMPLE}")
    if node.id == FLAGS.name:
        raise UsageError("flags is a list: ask 'short' in flags")
    if node.id != DURATION and node.id not in SCORES.names:
        raise UsageError(f"there is no column {node.id!r}; the columns are {', '.join([*SCORES.names, DURATION])}")
    return _Column(node.id)


def _constant(node: ast.expr) -> _Constant:
    literal = node.value if isinstance(node, ast.Constant) else None
    if isinstance(literal, str | int | float) and not isinstance(literal, bool):
        return _Constant(literal)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand).value
        if not isinstance(value, str):
            return _Constant(-value)
    raise _unknown(node)


def _check_alike(one: _Column, other: _Column) -> None:
    if pa.types.is_string(_kind(one)) is not pa.types.is_string(_kind(other)):
        raise UsageError(f"column {one.name} holds {_plain(_kind(one))}, and {other.name} {_plain(_kind(other))}")


def _kind(column: _Column) -> pa.DataType:
    return pa.float64() if column.name == DURATION else SCORES.field(column.name).type


def _plain(kind: pa.DataType) -> str:
    return "text" if pa.types.is_string(kind) else "numbers"


def _unknown(node: ast.expr) -> UsageError:
    return UsageError(
        f"a filter cannot hold {ast.unparse(node)!r}: only columns, constants, comparisons, and, or, not; {_EXAMPLE}"
    )
