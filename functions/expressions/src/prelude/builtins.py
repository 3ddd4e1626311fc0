_nuncio_hasattr = hasattr
_nuncio_getattr = getattr
_nuncio_sum = sum
_nuncio_round = round
def hasattr(of, name):
    if _nuncio_hasattr(of, name):
        return True
    kind = type(of).__name__
    return _nuncio_type_has(of.__name__ if kind == 'type' else kind, name)
def getattr(of, name, *default):
    if _nuncio_hasattr(of, name):
        return _nuncio_getattr(of, name)
    if _nuncio_type_has(type(of).__name__, name):
        raise AttributeError(f"'{type(of).__name__}' object has no attribute '{name}' by a computed name: Nuncio's Python has methods of built-in types only by their names; write value.{name}")
    return _nuncio_getattr(of, name, *default)
def sum(iterable, /, start=0):
    return _nuncio_sum([int(item) if isinstance(item, bool) else item for item in iterable], start)
def round(number, ndigits=None):
    if ndigits is None or not isinstance(ndigits, int):
        return _nuncio_round(number) if ndigits is None else _nuncio_round(number, ndigits)
    if isinstance(number, float) and ndigits >= 0:
        if number - number != 0 or ndigits > 400:
            return number
        return float(f'{number:.{ndigits}f}')
    if isinstance(number, int) and ndigits < 0:
        unit = 10 ** -ndigits
        whole, rest = number // unit, number % unit
        if rest * 2 > unit or (rest * 2 == unit and whole % 2):
            whole = whole + 1
        return whole * unit
    return _nuncio_round(number, ndigits)
def callable(value):
    return type(value).__name__ in ('function', 'builtin_function_or_method', 'type', 'method', 'functools.partial', 'partial')
def format(value, spec=''):
    return f'{_nuncio_formatted(value):{spec}}' if spec else str(value)
def _nuncio_formatted(value):
    if isinstance(value, (bool, int, float, str, _nuncio_datetime.date, _nuncio_datetime.time)):
        return value
    kind = type(value).__name__
    if kind.startswith('IPv'):
        raise TypeError(f"unsupported format string passed to {kind}.__format__: Nuncio's Python formats no addresses; use str(…)")
    raise TypeError(f'unsupported format string passed to {kind}.__format__')
def ascii(value):
    return _nuncio_text('ascii', repr(value))
def _nuncio_float(value):
    number = _nuncio_number(value)
    return number if number == number or isinstance(value, float) else _nuncio_nan()
def _nuncio_fresh(value):
    return _nuncio_nan() if isinstance(value, float) and value != value else value
_nuncio_math_nan = _nuncio_nan()
def _nuncio_attribute_nan(of):
    return _nuncio_math_nan if type(of).__name__ == 'module' else of.nan
def _nuncio_sliced(of):
    if isinstance(of, dict):
        raise TypeError("unhashable type: 'slice'")
    return of
_nuncio_unbound = {}
def _nuncio_compared(value):
    kind = type(value).__name__
    if kind == 'function' and (repr(value).startswith('<bound method') or '_nuncio_bound' in repr(value)):
        raise TypeError("methods cannot be compared: Nuncio's Python makes a new one at each access; compare the objects that have them")
    return value
def _nuncio_number(value):
    if isinstance(value, int) and not -9007199254740992 <= value <= 9007199254740992:
        number = float(str(value))
        if number - number != 0:
            raise OverflowError('int too large to convert to float')
        return number
    if isinstance(value, str) and ('_' in value or not value.isascii()):
        return float(_nuncio_text('number', value))
    return float(value)
def list_flatten(value):
    if isinstance(value, list):
        return value[0] if value else None
    return value
def _nuncio_int(value):
    if isinstance(value, str) and not value.isascii():
        return int(_nuncio_text('number', value))
    if type(value).__name__ in ('IPv4Address', 'IPv6Address'):
        return int(value._first, 16)
    return int(value)
