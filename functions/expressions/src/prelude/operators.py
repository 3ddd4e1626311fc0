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
def _nuncio_union(a, b):
    first = a if isinstance(a, tuple) else (type(None) if a is None else a,)
    return first + (type(None) if b is None else b,)
def _nuncio_mixed(a, b):
    return isinstance(a, frozenset) and type(b).__name__ in ('dict_keys', 'dict_items')
def _nuncio_or(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        kinds = type(a).__name__, type(b).__name__
        if kinds[0] == kinds[1] == 'Counter':
            return a | b
        if 'Counter' in kinds:
            raise TypeError(f"unsupported operand type(s) for |: '{kinds[0]}' and '{kinds[1]}': Nuncio's Python joins a Counter only with another one; use update(…)")
        merged = b.copy() if kinds == ('dict', 'defaultdict') else a.copy()
        if kinds == ('dict', 'defaultdict'):
            merged.clear()
            merged.update(a)
        _nuncio_merge(merged, b)
        return merged
    if type(a).__name__ == 'type' or type(b).__name__ == 'type':
        raise TypeError("unsupported operand type(s) for |: Nuncio's Python joins types only as the second argument of isinstance; use a tuple of types")
    return set(a) | b if _nuncio_mixed(a, b) else a | b
def _nuncio_and(a, b):
    return set(a) & b if _nuncio_mixed(a, b) else a & b
def _nuncio_xor(a, b):
    return set(a) ^ b if _nuncio_mixed(a, b) else a ^ b
def _nuncio_keep(a, kept):
    a.clear()
    a.update(kept)
    return a
def _nuncio_counted(a, b):
    if type(a).__name__ != 'Counter' or type(b).__name__ == 'Counter':
        return b
    if not isinstance(b, dict):
        raise AttributeError(f"'{type(b).__name__}' object has no attribute 'items'")
    other = a.copy()
    other.clear()
    for key in b:
        other[key] = b[key]
    return other
def _nuncio_is_changed(a, b):
    return (isinstance(a, set) and type(b).__name__ in ('set', 'frozenset')) or type(a).__name__ == 'Counter'
def _nuncio_ior(a, b):
    if isinstance(a, dict) and type(a).__name__ != 'Counter':
        _nuncio_call_update(a, b)
        return a
    b = _nuncio_counted(a, b)
    return _nuncio_keep(a, a | b) if _nuncio_is_changed(a, b) else _nuncio_or(a, b)
def _nuncio_iand(a, b):
    if type(a).__name__ == 'Counter':
        return _nuncio_keep(a, {key: min(a[key], b[key]) for key in list(a) if min(a[key], b[key]) > 0})
    return _nuncio_keep(a, a & b) if _nuncio_is_changed(a, b) else _nuncio_and(a, b)
def _nuncio_ixor(a, b):
    return _nuncio_keep(a, a ^ b) if isinstance(a, set) and _nuncio_is_changed(a, b) else _nuncio_xor(a, b)
def _nuncio_isub(a, b):
    b = _nuncio_counted(a, b)
    return _nuncio_keep(a, a - b) if _nuncio_is_changed(a, b) else _nuncio_sub(a, b)
def _nuncio_iadd(a, b):
    if isinstance(a, list):
        _nuncio_call_extend(a, b)
        return a
    if isinstance(a, (int, float)) or _nuncio_is_ip(a):
        return _nuncio_add(a, b)
    b = _nuncio_counted(a, b)
    if type(a).__name__ == 'Counter':
        return _nuncio_keep(a, _nuncio_add(a, b))
    a += b
    return a
def _nuncio_imul(a, b):
    if type(a).__name__ in ('list', 'deque') and isinstance(b, int):
        items = list(a) * b
        a.clear()
        a.extend(items)
        return a
    return _nuncio_mul(a, b)
def _nuncio_delete(of, key):
    kind = type(of).__name__
    if kind == 'Counter':
        of.pop(key, None)
    elif kind == 'deque':
        items = list(of)
        items.pop(key)
        of.clear()
        of.extend(items)
    elif isinstance(of, (list, dict)):
        of.pop(key)
    else:
        raise TypeError(f"'{kind}' object does not support item deletion")
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
import math as _nuncio_math
def _nuncio_real(value):
    if not isinstance(value, int):
        return value
    number = float(value) if isinstance(value, bool) else float(str(value))
    if number - number != 0:
        raise OverflowError('int too large to convert to float')
    return number
def _nuncio_plus(a, b):
    return (+a if isinstance(a, bool) else a) + (+b if isinstance(b, bool) else b)
def _nuncio_minus(a, b):
    return (+a if isinstance(a, bool) else a) - (+b if isinstance(b, bool) else b)
def _nuncio_times(a, b):
    return (+a if isinstance(a, bool) else a) * (+b if isinstance(b, bool) else b)
def _nuncio_pair_of(a, b):
    a = +a if isinstance(a, bool) else a
    b = +b if isinstance(b, bool) else b
    if isinstance(a, float) and isinstance(b, int):
        return a, _nuncio_real(b)
    if isinstance(b, float) and isinstance(a, int):
        return _nuncio_real(a), b
    return a, b
def _nuncio_mul(a, b):
    a, b = _nuncio_pair_of(a, b)
    return a * b
def _nuncio_pow(a, b):
    if not (isinstance(a, (int, float)) and isinstance(b, (int, float))):
        return a ** b
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        return a ** b
    a, b = _nuncio_real(a), _nuncio_real(b)
    if a == 0 and b < 0 and b - b == 0:
        raise ZeroDivisionError('0.0 cannot be raised to a negative power')
    if a < 0 and a - a == 0 and b - b == 0 and b % 1 != 0:
        raise ValueError("the root of a negative number is a complex number: Nuncio's Python has none; use abs(…) and the sign")
    return _nuncio_math.pow(a, b)
_nuncio_native_pow = pow
def pow(base, exp, mod=None):
    if mod is None:
        return _nuncio_pow(base, exp)
    if isinstance(exp, int) and exp < 0 and isinstance(base, int) and isinstance(mod, int) and mod:
        size = abs(mod)
        low, high, inverse, other = base % size, size, 1, 0
        while low:
            times = high // low
            low, high, inverse, other = high - times * low, low, other - times * inverse, inverse
        if high != 1:
            raise ValueError('base is not invertible for the given modulus')
        return _nuncio_native_pow(other % mod, abs(exp), mod)
    return _nuncio_native_pow(base, exp, mod)
def _nuncio_divmod(a, b):
    a, b = _nuncio_real(a), _nuncio_real(b)
    rest = _nuncio_math.fmod(a, b) if a - a == 0 else a % b
    whole = (a - rest) / b
    if rest:
        if (b < 0) != (rest < 0):
            rest = rest + b
            whole = whole - 1.0
    else:
        rest = _nuncio_math.copysign(0.0, b)
    if not whole:
        return _nuncio_math.copysign(0.0, a / b), rest
    floor = whole // 1.0
    return (floor + 1.0 if whole - floor > 0.5 else floor), rest
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
    a = +a if isinstance(a, bool) else a
    b = +b if isinstance(b, bool) else b
    return (a // b, a % b)
def _nuncio_div(a, b):
    exact = 9007199254740992
    if b and isinstance(a, int) and isinstance(b, int) and not (-exact <= a <= exact and -exact <= b <= exact):
        sign = '-' if (a < 0) != (b < 0) else ''
        a, b = abs(a), abs(b)
        shift = len(bin(b)) - len(bin(a)) + 66
        whole, rest = divmod(a << max(shift, 0), b << max(-shift, 0))
        return _nuncio_math.ldexp(float(f'{sign}{whole + (1 if rest and whole % 2 == 0 else 0)}'), -shift)
    a, b = _nuncio_pair_of(a, b)
    if type(a).__name__ == 'timedelta':
        number = _nuncio_microseconds(a)
        if type(b).__name__ == 'timedelta':
            return number / _nuncio_microseconds(b)
        if isinstance(b, int) and b:
            return _nuncio_delta(type(a), _nuncio_nearest(number if b > 0 else 0 - number, abs(b)))
        if isinstance(b, float) and b:
            return _nuncio_delta(type(a), round(number / b))
    return a / b
