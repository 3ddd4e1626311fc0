def _nuncio_is_ip(value):
    return type(value).__name__ in ('IPv4Address', 'IPv6Address', 'IPv4Network', 'IPv6Network')
def _nuncio_ip_keys(values):
    keys = []
    for value in values:
        if type(value) is not type(values[0]):
            if _nuncio_is_ip(value):
                raise TypeError(f'{values[0]} and {value} are not of the same version')
            return None
        keys.append((value._first, 0 - int(value._last, 16)))
    return keys
def _nuncio_natural(items):
    if items and _nuncio_is_ip(items[0]):
        return _nuncio_ip_keys(items)
    return None
def _nuncio_add(a, b):
    if type(a).__name__ in ('IPv4Address', 'IPv6Address') and isinstance(b, int):
        return type(a)(int(a._first, 16) + b)
    if type(a).__name__ == 'Counter' and type(b).__name__ == 'Counter':
        other = b.copy()
        other.clear()
        for key in b:
            other[_nuncio_key(a, key)] = b[key]
        return a + other
    a, b = _nuncio_pair_of(a, b)
    return a + b
def _nuncio_sub(a, b):
    if type(a).__name__ in ('IPv4Address', 'IPv6Address') and isinstance(b, int):
        return type(a)(int(a._first, 16) - b)
    if _nuncio_mixed(a, b):
        return set(a) - b
    a, b = _nuncio_pair_of(a, b)
    return a - b
