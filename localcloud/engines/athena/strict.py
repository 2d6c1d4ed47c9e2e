"""Refuses what sqlglot reads and Athena does not: words of other dialects.

sqlglot's parser takes them for what they are elsewhere, so a query would work here and fail in
an account. https://docs.aws.amazon.com/athena/latest/ug/select.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import Token, TokenType

from localcloud.engines.athena.errors import AthenaError

T = TokenType
_UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
#: Words that no value ends with: what follows is no subscript.
_BEFORE_A_VALUE = ("SELECT", "DISTINCT", "ALL", "WHERE", "HAVING", "ON", "BY", "AND", "OR", "NOT",
                   "IN", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "VALUES")  # fmt: skip


def check(tokens: Sequence[Token]) -> None:
    """Look at a query's words.

    Raises
    ------
    AthenaError
        ``SYNTAX_ERROR`` at the first that Athena doesn't take there.
    """
    limits: list[bool] = [False]  # whether LIMIT was seen, by depth of brackets
    for i, token in enumerate(tokens):
        kind = token.token_type
        if kind is T.L_PAREN:
            limits.append(False)
        elif kind is T.R_PAREN and len(limits) > 1:
            limits.pop()
        elif kind in (T.UNION, T.EXCEPT, T.INTERSECT):
            limits[-1] = False
        elif kind is T.OFFSET and limits[-1] and _at(tokens, i + 1, T.NUMBER):
            raise _mismatched(token)
        elif kind is T.LIMIT and _at(tokens, i + 1, T.NUMBER, T.VAR, T.ALL):
            limits[-1] = True
            if _at(tokens, i + 2, T.COMMA):
                raise _mismatched(tokens[i + 2])
        elif any(wrong(tokens, i) for wrong in _WRONG):
            raise _mismatched(token)


def _at(tokens: Sequence[Token], i: int, *kinds: TokenType) -> bool:
    return 0 <= i < len(tokens) and tokens[i].token_type in kinds


def _mismatched(token: Token) -> AthenaError:
    column = token.col - len(token.text) + 1
    return AthenaError(
        "SYNTAX_ERROR", f"line {token.line}:{column}: mismatched input '{token.text}'"
    )


def _operator(tokens: Sequence[Token], i: int) -> bool:
    return tokens[i].token_type in (T.DCOLON, T.L_BRACE) or tokens[i].text == "=="


def _comma_before_nothing(tokens: Sequence[Token], i: int) -> bool:
    last = i + 1 == len(tokens)
    return _at(tokens, i, T.COMMA) and (last or _at(tokens, i + 1, T.FROM, T.R_PAREN, T.R_BRACKET))


def _list_of_nothing(tokens: Sequence[Token], i: int) -> bool:
    return _at(tokens, i, T.IN) and _at(tokens, i + 1, T.L_PAREN) and _at(tokens, i + 2, T.R_PAREN)


def _array_without_its_word(tokens: Sequence[Token], i: int) -> bool:
    if not _at(tokens, i, T.L_BRACKET):
        return False
    if i == 0 or _at(tokens, i - 1, T.R_BRACKET, T.R_PAREN, T.IDENTIFIER):
        return i == 0
    before = tokens[i - 1].text
    return not before.isidentifier() or before.upper() in _BEFORE_A_VALUE


def _interval(tokens: Sequence[Token], i: int) -> bool:
    if not _at(tokens, i, T.INTERVAL) or _at(tokens, i + 1, T.COMMA, T.R_PAREN, T.FROM):
        return False
    amount = i + 2 if _at(tokens, i + 1, T.DASH, T.PLUS) else i + 1
    if not _at(tokens, amount, T.STRING) or amount + 1 >= len(tokens):
        return True
    return tokens[amount + 1].text.upper() not in _UNITS


_WRONG: tuple[Callable[[Sequence[Token], int], bool], ...] = (
    _operator,
    _comma_before_nothing,
    _list_of_nothing,
    _array_without_its_word,
    _interval,
)
