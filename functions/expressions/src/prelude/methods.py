def _nuncio_attribute_class(of):
    return type(of)
def _nuncio_attribute_real(of):
    return of + 0 if isinstance(of, (int, float)) else of.real
def _nuncio_attribute_imag(of):
    return of * 0 if isinstance(of, (int, float)) else of.imag
def _nuncio_attribute_numerator(of):
    return of + 0 if isinstance(of, int) else of.numerator
def _nuncio_attribute_denominator(of):
    return 1 if isinstance(of, int) else of.denominator
def _nuncio_call_conjugate(of):
    return of + 0 if isinstance(of, (int, float)) else of.conjugate()
_nuncio_spaces = '\x09\x0a\x0b\x0c\x0d\x1c\x1d\x1e\x1f\x20\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'
def _nuncio_call_lower(of):
    if not isinstance(of, str) or of.isascii() or not _nuncio_is_recent(of):
        return of.lower()
    return _nuncio_text('lower', of)
def _nuncio_call_upper(of):
    if not isinstance(of, str) or of.isascii() or not _nuncio_is_recent(of):
        return of.upper()
    return _nuncio_text('upper', of)
def _nuncio_is_recent(text):
    recent = '\u019b\u0264\u1c89\u1c8a\ua7cb\ua7cc\ua7cd\ua7ce\ua7cf\ua7d2\ua7d3\ua7d4\ua7d5\ua7da\ua7db\ua7dc'
    around_sigma = '\u0295\u0897\u0ece\ua7f1\u1acf\u1ad0\u1ad1\u1ad2\u1ad3\u1ad4\u1ad5\u1ad6\u1ad7\u1ad8\u1ad9\u1ada\u1adb\u1adc\u1add\u1ade\u1adf\u1ae0\u1ae1\u1ae2\u1ae3\u1ae4\u1ae5\u1ae6\u1ae7\u1ae8\u1ae9\u1aea\u1aeb\U0001171e\U00010d4e'
    return max(text) >= '\U00010d50' or not set(recent + around_sigma).isdisjoint(text)
def _nuncio_call_casefold(of):
    if isinstance(of, str):
        return of.lower() if of.isascii() else _nuncio_text('casefold', of)
    return of.casefold()
def _nuncio_call_title(of):
    if not isinstance(of, str) or of.isascii():
        return of.title()
    return _nuncio_text('title', of)
def _nuncio_call_capitalize(of):
    if not isinstance(of, str) or of.isascii():
        return of.capitalize()
    return _nuncio_text('capitalize', of)
def _nuncio_call_swapcase(of):
    if not isinstance(of, str) or of.isascii():
        return of.swapcase()
    return _nuncio_text('swapcase', of)
def _nuncio_call_isalpha(of):
    if not isinstance(of, str) or of.isascii():
        return of.isalpha()
    return _nuncio_text('isalpha', of)
def _nuncio_call_isalnum(of):
    if not isinstance(of, str) or of.isascii():
        return of.isalnum()
    return _nuncio_text('isalnum', of)
def _nuncio_call_isdecimal(of):
    if not isinstance(of, str) or of.isascii():
        return of.isdecimal()
    return _nuncio_text('isdecimal', of)
def _nuncio_call_isdigit(of):
    if not isinstance(of, str) or of.isascii():
        return of.isdigit()
    return _nuncio_text('isdigit', of)
def _nuncio_call_isnumeric(of):
    if not isinstance(of, str) or of.isascii():
        return of.isnumeric()
    return _nuncio_text('isnumeric', of)
def _nuncio_call_isidentifier(of):
    if not isinstance(of, str) or of.isascii():
        return of.isidentifier()
    return _nuncio_text('isidentifier', of)
def _nuncio_call_isprintable(of):
    return _nuncio_text('isprintable', of) if isinstance(of, str) else of.isprintable()
def _nuncio_call_islower(of):
    if not isinstance(of, str) or of.isascii():
        return of.islower()
    return _nuncio_text('islower', of)
def _nuncio_call_isupper(of):
    if not isinstance(of, str) or of.isascii():
        return of.isupper()
    return _nuncio_text('isupper', of)
def _nuncio_call_istitle(of):
    if not isinstance(of, str) or of.isascii():
        return of.istitle()
    return _nuncio_text('istitle', of)
def _nuncio_call_isspace(of):
    return of != '' and not of.strip(_nuncio_spaces) if isinstance(of, str) else of.isspace()
def _nuncio_call_strip(of, chars=None):
    return of.strip(_nuncio_spaces if chars is None and isinstance(of, str) else chars)
def _nuncio_call_lstrip(of, chars=None):
    return of.lstrip(_nuncio_spaces if chars is None and isinstance(of, str) else chars)
def _nuncio_call_rstrip(of, chars=None):
    return of.rstrip(_nuncio_spaces if chars is None and isinstance(of, str) else chars)
def _nuncio_call_split(of, *args, **named):
    if isinstance(of, str) and _nuncio_has_separators(of) and not (args and args[0] is not None) and named.get('sep') is None:
        return _nuncio_words(of, args[1] if len(args) > 1 else named.get('maxsplit', -1))
    return of.split(*args, **named) if named else of.split(*args)
def _nuncio_call_rsplit(of, *args, **named):
    if isinstance(of, str) and _nuncio_has_separators(of) and not (args and args[0] is not None) and named.get('sep') is None:
        words = _nuncio_words(of[::-1], args[1] if len(args) > 1 else named.get('maxsplit', -1))
        return [word[::-1] for word in words[::-1]]
    return of.rsplit(*args, **named) if named else of.rsplit(*args)
def _nuncio_has_separators(text):
    return '\x1c' in text or '\x1d' in text or '\x1e' in text or '\x1f' in text
def _nuncio_words(text, most):
    words = []
    rest = text.lstrip(_nuncio_spaces)
    while rest and most != 0:
        at = 0
        while at < len(rest) and rest[at] not in _nuncio_spaces:
            at += 1
        words.append(rest[:at])
        rest = rest[at:].lstrip(_nuncio_spaces)
        most = most - 1
    return words + [rest] if rest else words
def _nuncio_call_splitlines(of, keepends=False):
    if not isinstance(of, str):
        return of.splitlines(keepends)
    if not isinstance(keepends, int):
        raise TypeError(f"'{type(keepends).__name__}' object cannot be interpreted as an integer")
    return _nuncio_text('splitlines_keeping' if keepends else 'splitlines', of)
def _nuncio_call_center(of, width, fill=' '):
    if not isinstance(of, str):
        return of.center(width, fill)
    gap = max(width - len(of), 0)
    left = gap // 2 + (gap & width & 1)
    return of.rjust(len(of) + left, fill).ljust(len(of) + gap, fill)
def _nuncio_call_translate(of, table):
    if not isinstance(of, str):
        return of.translate(table)
    parts = []
    for char in of:
        try:
            found = table[ord(char)]
        except LookupError:
            found = char
        if found is not None:
            parts.append(chr(found) if isinstance(found, int) else found)
    return ''.join(parts)
def _nuncio_call_maketrans(of, a, b=None, remove=''):
    if of is not str and not isinstance(of, str):
        return of.maketrans(a, b, remove)
    if b is None:
        return {ord(key) if isinstance(key, str) else key: a[key] for key in a}
    if len(a) != len(b):
        raise ValueError('the first two maketrans arguments must have equal length')
    table = {ord(a[at]): ord(b[at]) for at in range(len(a))}
    for char in remove:
        table[ord(char)] = None
    return table
def _nuncio_call_encode(of, encoding='utf-8', errors='strict'):
    if isinstance(of, str) and isinstance(encoding, str) and encoding.lower().replace('_', '-') in ('latin-1', 'latin1', 'iso-8859-1', 'iso8859-1', 'l1'):
        return _nuncio_latin('encode', of, errors)
    return of.encode(encoding, errors)
def _nuncio_call_decode(of, encoding='utf-8', errors='strict'):
    if isinstance(of, bytes) and isinstance(encoding, str) and encoding.lower().replace('_', '-') in ('latin-1', 'latin1', 'iso-8859-1', 'iso8859-1', 'l1'):
        return _nuncio_latin('decode', of, errors)
    return of.decode(encoding, errors)
def _nuncio_latin(way, of, errors):
    if way == 'decode':
        return ''.join([chr(byte) for byte in of])
    for at in range(len(of)):
        if ord(of[at]) > 255:
            raise ValueError(f"'latin-1' codec can't encode character in position {at}: Nuncio's Python encodes only what latin-1 has; use utf-8")
    return bytes.fromhex(''.join([f'{ord(char):02x}' for char in of]))
def _nuncio_call_bit_length(of):
    return len(bin(abs(of))) - 2 if isinstance(of, int) and of else 0 if isinstance(of, int) else of.bit_length()
def _nuncio_call_bit_count(of):
    return bin(abs(of)).count('1') if isinstance(of, int) else of.bit_count()
def _nuncio_call_is_integer(of):
    return of % 1 == 0 if isinstance(of, float) else of.is_integer()
def _nuncio_call_to_bytes(of, length=1, byteorder='big', *, signed=False):
    if not isinstance(of, int):
        return of.to_bytes(length, byteorder)
    limit = 256 ** length
    if signed and -limit // 2 <= of < 0:
        of = of + limit
    elif of < 0 or of >= (limit // 2 if signed else limit):
        raise OverflowError("can't convert negative int to unsigned" if of < 0 else 'int too big to convert')
    digits = hex(of)[2:].rjust(length * 2, '0') if length else ''
    data = bytes.fromhex(digits)
    return data if byteorder == 'big' else data[::-1]
def _nuncio_call_from_bytes(of, data, byteorder='big', *, signed=False):
    if of is not int:
        return of.from_bytes(data, byteorder)
    data = data if byteorder == 'big' else data[::-1]
    value = int('0' + data.hex(), 16)
    return value - 256 ** len(data) if signed and data and data[0] > 127 else value
def _nuncio_call_union(of, *others):
    if not isinstance(of, (set, frozenset)):
        return of.union(*others)
    result = of.copy()
    for other in others:
        result = result.union(other)
    return result
def _nuncio_call_intersection(of, *others):
    if not isinstance(of, (set, frozenset)):
        return of.intersection(*others)
    result = of.copy()
    for other in others:
        result = result.intersection(other)
    return result
def _nuncio_call_difference(of, *others):
    if not isinstance(of, (set, frozenset)):
        return of.difference(*others)
    result = of.copy()
    for other in others:
        result = result.difference(other)
    return result
def _nuncio_call_intersection_update(of, *others):
    if not isinstance(of, set):
        return of.intersection_update(*others)
    for other in others:
        kept = of.intersection(other)
        for item in list(of):
            if item not in kept:
                of.discard(item)
def _nuncio_call_difference_update(of, *others):
    if not isinstance(of, set):
        return of.difference_update(*others)
    for other in others:
        for item in list(other):
            of.discard(item)
def _nuncio_call_symmetric_difference_update(of, other):
    if not isinstance(of, set):
        return of.symmetric_difference_update(other)
    for item in set(other):
        if item in of:
            of.discard(item)
        else:
            of.add(item)
def _nuncio_call_from_iterable(of, iterables):
    return _nuncio_chained(lambda inner: [inner], iterables)
