def _nuncio_set(value):
    kind = type(value).__name__
    if kind in ('set', 'frozenset'):
        return value
    if kind in ('dict_keys', 'dict_items'):
        return set(value)
    return None
def _nuncio_pair(a, b):
    if isinstance(a, (int, float, str)):
        return None
    a = _nuncio_set(a)
    b = None if a is None else _nuncio_set(b)
    return None if b is None else (a, b)
def _nuncio_lt(a, b):
    if (sets := _nuncio_pair(a, b)) is not None:
        return len(sets[0]) < len(sets[1]) and sets[0].issubset(sets[1])
    if (keys := _nuncio_natural([a, b])) is not None:
        return keys[0] < keys[1]
    return a < b
def _nuncio_le(a, b):
    if (sets := _nuncio_pair(a, b)) is not None:
        return sets[0].issubset(sets[1])
    if (keys := _nuncio_natural([a, b])) is not None:
        return keys[0] <= keys[1]
    return a <= b
def _nuncio_gt(a, b):
    if (sets := _nuncio_pair(a, b)) is not None:
        return len(sets[0]) > len(sets[1]) and sets[0].issuperset(sets[1])
    if (keys := _nuncio_natural([a, b])) is not None:
        return keys[0] > keys[1]
    return a > b
def _nuncio_ge(a, b):
    if (sets := _nuncio_pair(a, b)) is not None:
        return sets[0].issuperset(sets[1])
    if (keys := _nuncio_natural([a, b])) is not None:
        return keys[0] >= keys[1]
    return a >= b
def _nuncio_or(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return {**a, **b}
    if type(a).__name__ == 'type' or isinstance(a, tuple):
        return (a, type(None) if b is None else b)
    return a | b
def _nuncio_ior(a, b):
    if isinstance(a, dict) or (isinstance(a, set) and type(b).__name__ in ('set', 'frozenset', 'dict_keys', 'dict_items')):
        a.update(b)
        return a
    return a | b
def _nuncio_keep(a, kept):
    a.clear()
    a.update(kept)
    return a
def _nuncio_iand(a, b):
    return _nuncio_keep(a, a & b) if isinstance(a, set) else a & b
def _nuncio_ixor(a, b):
    return _nuncio_keep(a, a ^ b) if isinstance(a, set) else a ^ b
def _nuncio_isub(a, b):
    return _nuncio_keep(a, a - b) if isinstance(a, set) else a - b
def _nuncio_set_slice(items, start, stop, step, values):
    if not isinstance(items, list):
        raise TypeError(f"'{type(items).__name__}' object does not support slice assignment")
    places = list(range(len(items)))[start:stop:step]
    values = list(values)
    if step is None or step == 1:
        size = len(items)
        first = 0 if start is None else max(start + size, 0) if start < 0 else min(start, size)
        last = first + len(places)
        changed = items[:first] + values + items[last:]
    elif values:
        if len(values) != len(places):
            raise ValueError(f'attempt to assign sequence of size {len(values)} to extended slice of size {len(places)}')
        changed = items[:]
        for at in range(len(places)):
            changed[places[at]] = values[at]
    else:
        changed = [items[at] for at in range(len(items)) if at not in places]
    items.clear()
    items.extend(changed)
def _nuncio_real(value):
    return float(str(value)) if isinstance(value, int) and not isinstance(value, bool) else value
def _nuncio_divmod(a, b):
    a, b = _nuncio_real(a), _nuncio_real(b)
    rest = a % b
    whole = (a - rest) / b
    floor = whole // 1.0
    if whole - floor > 0.5:
        floor = floor + 1.0
    return floor, rest
def _nuncio_microseconds(value):
    return (value.days * 86400 + value.seconds) * 1000000 + value.microseconds if type(value).__name__ == 'timedelta' else None
def _nuncio_delta(kind, microseconds):
    seconds = microseconds // 1000000
    return kind(days=seconds // 86400, seconds=seconds % 86400, microseconds=microseconds % 1000000)
def _nuncio_nearest(number, divisor):
    whole, rest = number // divisor, number % divisor
    if rest * 2 > divisor or (rest * 2 == divisor and whole % 2):
        whole = whole + 1
    return whole
def _nuncio_floordiv(a, b):
    if type(b).__name__ == 'timedelta' and type(a).__name__ == 'timedelta':
        return _nuncio_microseconds(a) // _nuncio_microseconds(b)
    if (isinstance(a, float) and isinstance(b, (int, float))) or (isinstance(b, float) and isinstance(a, int)):
        return _nuncio_divmod(a, b)[0] if b else a // b
    return a // b
def divmod(a, b):
    if type(b).__name__ == 'timedelta' and type(a).__name__ == 'timedelta':
        whole, rest = divmod(_nuncio_microseconds(a), _nuncio_microseconds(b))
        return (whole, _nuncio_delta(type(a), rest))
    if (isinstance(a, float) and isinstance(b, (int, float))) or (isinstance(b, float) and isinstance(a, int)):
        if b:
            return _nuncio_divmod(a, b)
    return (a // b, a % b)
def _nuncio_div(a, b):
    exact = 9007199254740992
    if b and isinstance(a, int) and isinstance(b, int) and not (-exact <= a <= exact and -exact <= b <= exact):
        sign = '-' if (a < 0) != (b < 0) else ''
        a, b = abs(a), abs(b)
        digits = max(len(str(b)) - len(str(a)), 0) + 40
        scaled = a * 10 ** digits
        whole = scaled // b
        quotient = float(f'{sign}{whole}{1 if scaled % b else 0}e-{digits + 1}')
        if quotient - quotient != 0:
            raise OverflowError('integer division result too large for a float')
        return quotient
    if type(a).__name__ == 'timedelta':
        number = _nuncio_microseconds(a)
        if type(b).__name__ == 'timedelta':
            return number / _nuncio_microseconds(b)
        if isinstance(b, int) and b:
            return _nuncio_delta(type(a), _nuncio_nearest(number if b > 0 else 0 - number, abs(b)))
        if isinstance(b, float) and b:
            return _nuncio_delta(type(a), round(number / b))
    return a / b
