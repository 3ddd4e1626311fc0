def _nuncio_percent(pattern, values):
    if isinstance(pattern, bytes):
        raise TypeError("Nuncio's Python formats no bytes; use a str and encode()")
    if not isinstance(pattern, str):
        if type(pattern).__name__ == 'timedelta' and type(values).__name__ == 'timedelta':
            return _nuncio_delta(type(pattern), _nuncio_microseconds(pattern) % _nuncio_microseconds(values))
        number = (+pattern if isinstance(pattern, bool) else pattern) % (+values if isinstance(values, bool) else values)
        return number if number == number else _nuncio_fresh(number)
    named = isinstance(values, (dict, list, bytes, range))
    rest = list(values) if isinstance(values, tuple) else [values]
    used = 0
    parts = []
    at = 0
    size = len(pattern)
    while True:
        start = pattern.find('%', at)
        if start < 0:
            parts.append(pattern[at:])
            break
        parts.append(pattern[at:start])
        at = start + 1
        key = None
        if pattern[at:at + 1] == '(':
            end = pattern.find(')', at)
            if end < 0:
                raise ValueError('incomplete format key')
            key = pattern[at + 1:end]
            at = end + 1
        first = at
        while at < size and pattern[at] in '#0- +':
            at += 1
        flags = pattern[first:at]
        first = at
        width = ''
        while at < size and pattern[at] in '0123456789.*':
            if pattern[at] != '*':
                width += pattern[at]
            elif used < len(rest):
                width += str(rest[used])
                used += 1
            else:
                raise TypeError('not enough arguments for format string')
            at += 1
        if width.startswith('-'):
            flags += '-'
            width = width[1:]
        while at < size and pattern[at] in 'hlL':
            at += 1
        if at >= size:
            raise ValueError('incomplete format')
        kind = pattern[at]
        at += 1
        if kind == '%':
            parts.append('%')
            continue
        if key is not None:
            if not named:
                raise TypeError('format requires a mapping')
            value = values[key]
        elif used < len(rest):
            value = rest[used]
            used += 1
        else:
            raise TypeError('not enough arguments for format string')
        align = '<' if '-' in flags else '>'
        sign = '+' if '+' in flags else ' ' if ' ' in flags else ''
        zero = '0' if '0' in flags and '-' not in flags else ''
        if kind in 'sra':
            text = str(value) if kind == 's' else repr(value) if kind == 'r' else _nuncio_text('ascii', repr(value))
            spec = align + width
            parts.append(f'{text:{spec}}' if width else text)
        elif kind == 'c':
            if isinstance(value, str) and len(value) != 1:
                raise TypeError('%c requires int or char')
            text = value if isinstance(value, str) else chr(value)
            spec = align + width
            parts.append(f'{text:{spec}}' if width else text)
        elif kind in 'diu':
            if isinstance(value, str):
                raise TypeError('%' + kind + ' format: a real number is required, not str')
            if not isinstance(value, (int, float)):
                raise TypeError('%' + kind + ' format: a real number is required, not ' + type(value).__name__)
            width, _, digits = width.partition('.')
            number = int(value)
            if digits:
                text = ('-' if number < 0 else sign.strip()) + str(abs(number)).rjust(int(digits), '0')
                spec = align + width
                parts.append(f'{text:{spec}}' if width else text)
            else:
                spec = ('' if zero else align) + sign + zero + width + 'd'
                parts.append(f'{number:{spec}}')
        elif kind in 'xXo':
            if not isinstance(value, int):
                raise TypeError('%' + kind + ' format: an integer is required, not ' + type(value).__name__)
            spec = ('' if zero else align) + sign + ('#' if '#' in flags else '') + zero + width + kind
            parts.append(f'{value:{spec}}')
        elif kind in 'eEfFgG':
            if '#' in flags:
                raise ValueError(f"the flag # of %{kind}: Nuncio's Python writes no zeros for it; use the precision")
            spec = ('' if zero else align) + sign + zero + width + kind
            parts.append(f'{float(value):{spec}}')
        else:
            raise ValueError("unsupported format character '" + kind + "'")
    if used < len(rest) and not named:
        raise TypeError('not all arguments converted during string formatting')
    return ''.join(parts)
